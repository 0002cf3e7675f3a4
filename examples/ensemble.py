"""Two runs together, and whether that is better.

python examples/ensemble.py runs/8_frames runs/16_frames [ROOT]
"""

import sys

import gta
from gta.evaluation.comparison import compare
from gta.evaluation.ensemble import ensemble


def main(first: str, second: str, root: str | None = None) -> tuple[float, float]:
    """Returns the accuracy of the first run and of both together."""
    parts = [gta.evaluate(run, root) for run in (first, second)]
    both = ensemble(parts)
    for scores in (*parts, both):
        print(f"{scores.model}: {scores}")
    print(compare(parts[0], both))
    return parts[0].top(1), both.top(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
