"""The command `gta`, `python -m gta`, and what `torchrun -m gta` needs."""

import gc

from gta.cli.signals import stop

_RARELY = (50_000, 20, 100)
"""New objects until Python looks for unused cycles: imports alone make a million that stay, and to
look through them every 700 is a fifth of their time."""


def main() -> None:
    """Handles signals first: what is imported next takes its time."""
    stop.listen()
    gc.set_threshold(*_RARELY)
    try:
        with stop.obeyed():
            from gta.cli.main import main as run

            run()
    finally:
        gc.freeze()  # or Python looks through all of them again before the process ends: a second


if __name__ == "__main__":
    main()
