"""Weights in several files, with an index that says which tensor is in which."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gta.errors import UsageError

INDEX = "weight_map"
"""The entry of an index with the file of each tensor."""


def is_index(start: bytes) -> bool:
    """Whether a file begins as JSON does."""
    return start.lstrip()[:1] == b"{"


def read_sharded(path: Path, read: Callable[[Path], Any]) -> dict[str, Any]:
    """The tensors that an index such as `model.safetensors.index.json` names.

    Args:
        path: The index; its files lie beside it.
        read: Reads one of them.

    Raises:
        UsageError: It is no such index, or a file or a tensor is missing.
    """
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not a file of weights, or a damaged one") from error
    where = index.get(INDEX) if isinstance(index, dict) else None
    if not isinstance(where, dict) or not all(isinstance(name, str) for name in where.values()):
        raise UsageError(
            f"{path} is JSON without the {INDEX!r} of a sharded checkpoint: give a .pth or "
            f".safetensors file, or the *.index.json of several"
        )
    files = dict.fromkeys(where.values())
    missing = [
        name for name in files if name != Path(name).name or not (path.parent / name).is_file()
    ]
    if missing:
        raise UsageError(
            f"{path} names {len(files)} files of which {len(missing)} are not beside it: "
            f"{', '.join(missing[:4])}; put them into its folder"
        )
    contents = {name: read(path.parent / name) for name in files}
    absent = [key for key, name in where.items() if key not in contents[name]]
    if absent:
        raise UsageError(
            f"{path} names {len(absent)} tensors that are not in their files, such as "
            f"{absent[0]!r} in {where[absent[0]]}: the files are not of one checkpoint"
        )
    return {key: contents[name][key] for key, name in where.items()}
