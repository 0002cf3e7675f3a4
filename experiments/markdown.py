"""Words of docs/results.md."""

import textwrap


def filled(text: str) -> str:
    """Each paragraph in lines of 100; a heading is one."""
    return "\n\n".join(textwrap.fill(one, 100) for one in text.strip().split("\n\n"))
