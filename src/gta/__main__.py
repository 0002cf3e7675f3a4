"""The command `gta`, `python -m gta`, and what `torchrun -m gta` needs."""

from gta.cli.signals import stop


def main() -> None:
    """Handles signals first: what is imported next takes its time."""
    stop.listen()
    with stop.obeyed():
        from gta.cli.main import main as run

        run()


if __name__ == "__main__":
    main()
