"""`python -m gta` is `gta`; what `torchrun -m gta` needs."""

from gta.cli.main import main

if __name__ == "__main__":
    main()
