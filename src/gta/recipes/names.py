"""Suggestions for misspelt names of a recipe."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

_OTHER_WORDS = {
    "learning_rate": "lr",
    "num_epochs": "epochs",
    "max_epochs": "epochs",
    "num_workers": "workers",
    "frames": "num_frames",
    "image_size": "size",
    "crop_size": "size",
}
"""Names in other projects."""
_SHOWN = 3


def meant(name: str, siblings: Sequence[str], every: Iterable[str]) -> str:
    """`" Did you mean 'train.epochs'?"` for `epochs`, `train.epoch` or `optim.epochs`, or nothing.

    Args:
        name: The full name that does not exist, such as "train.epoch".
        siblings: The names that exist in the section of the name.
        every: All full names.
    """
    place, _, given = name.rpartition(".")
    last = given.lower().replace("-", "_")
    by_last: dict[str, list[str]] = {}
    for full in every:
        by_last.setdefault(full.rpartition(".")[2], []).append(full)
    suggestions = by_last.get(last) or by_last.get(_OTHER_WORDS.get(last, ""), [])
    if not suggestions:
        near = difflib.get_close_matches(last, siblings, n=1, cutoff=0.5)
        suggestions = [f"{place}.{near[0]}" if place else near[0]] if near else []
    if not suggestions:
        near = difflib.get_close_matches(last, list(by_last), n=1, cutoff=0.7)
        suggestions = by_last[near[0]] if near else []
    return f" Did you mean {' or '.join(map(repr, suggestions[:_SHOWN]))}?" if suggestions else ""


def full_names(content: Any, prefix: str = "") -> Iterator[str]:
    """All names in nested data, such as "train.lr" and "model.blocks.0.groups"."""
    pairs = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in pairs:
        yield f"{prefix}{key}"
        if isinstance(value, dict) or (isinstance(value, list) and value):
            yield from full_names(value, f"{prefix}{key}.")
