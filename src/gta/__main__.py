"""The command `gta`, `python -m gta`, and what `torchrun -m gta` needs."""

import gc

from gta.cli.signals import stop


def main() -> None:
    """Handles signals first: what is imported next takes its time."""
    stop.listen()
    try:
        with stop.obeyed():
            from gta.cli.main import main as run

            run()
    finally:
        gc.freeze()  # or Python looks through all of them again before the process ends: a second


if __name__ == "__main__":
    main()
