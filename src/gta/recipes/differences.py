"""The differences of two recipes."""

from collections.abc import Iterator
from typing import Any

from gta.config import Recipe

ABSENT = object()
"""The value of a setting that a recipe does not have, such as another network's."""


def differences(a: Recipe, b: Recipe) -> list[tuple[str, Any, Any]]:
    """Settings by the names that `--set` takes, with both values as plain data.

    Blocks are compared singly if both have the same kinds in the same order.
    """
    return list(_different("", a.model_dump(mode="json"), b.model_dump(mode="json")))


def _different(name: str, a: Any, b: Any) -> Iterator[tuple[str, Any, Any]]:
    inner = f"{name}." if name else ""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in a | b:
            yield from _different(f"{inner}{key}", a.get(key, ABSENT), b.get(key, ABSENT))
    elif name == "model.blocks" and [x["block"] for x in a] == [x["block"] for x in b]:
        for index, pair in enumerate(zip(a, b, strict=True)):
            yield from _different(f"{inner}{index}", *pair)
    elif a != b:
        yield name, a, b
