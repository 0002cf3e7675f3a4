"""Writes the picture and the walks of architecture.md from the code as it is.

python -m docs.write_architecture
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from docs.draw_rooms import picture
from docs.markers import with_parts
from docs.trace_walk import Step, Walk, purpose, walks

DOCS = Path(__file__).parent
PAGE, PICTURE = DOCS / "architecture.md", DOCS / "architecture.svg"
NETWORK = ("backbones/", "blocks/")
DETAIL = ("blocks/features.py", "blocks/fused/")
"""Memory layouts and fused kernels: counted, but not shown step by step."""


def parts() -> dict[str, str]:
    """The page's parts by the names of their marks."""
    clip, sample = walks()
    network = [step for step in sample.steps if step.file.startswith(NETWORK)]
    in_detail = [step for step in clip.steps if not step.file.startswith(DETAIL)]
    # the network is shown once
    shown = [step for step in sample.steps if step not in network[:-1]]
    return {"clip": table(clip, in_detail), "sample": table(sample, shown)}


def table(walk: Walk, steps: Sequence[Step]) -> str:
    """The number of files that a walk visits, and its steps: a function once, in order."""
    gives: dict[tuple[str, str], list[Step]] = {}
    for step in steps:
        gives.setdefault((step.file, step.function), []).append(step)
    rooms = Counter(file.rpartition("/")[0] or file for file in walk.files)
    told = ", ".join(f"`{room}`{f' {n}' if n > 1 else ''}" for room, n in rooms.items())
    lines = [
        f"{len(walk.files)} files ({told}).\n",
        "| file | function | gives | in its own words |",
        "| --- | --- | --- | --- |",
    ]
    for (file, function), given in gives.items():
        where = link(file) if file.endswith(".py") else file
        ends = dict.fromkeys((given[0].gives, given[-1].gives))
        lines.append(f"| {where} | `{function}` | {' ... '.join(ends)} | {purpose(given[0])} |")
    others = [file for file in walk.files if file not in {step.file for step in steps}]
    return "\n".join([*lines, f"\nOn the way, without a row: {', '.join(map(link, others))}."])


def link(file: str) -> str:
    """To a file of src/gta."""
    return f"[`{file}`](../src/gta/{file})"


def write() -> None:
    """Writes the picture and the page."""
    PICTURE.write_text(picture(), encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(with_parts(page, parts(), "docs/write_architecture.py"), encoding="utf-8")


if __name__ == "__main__":
    write()
