"""Lists of videos as JSON: MMAction2's, lists of objects or pairs, and a JSON object a line."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gta.data.formats.columns import is_nothing, numbers_lines, role_of, split_columns
from gta.data.formats.rows import NOTHING, Row, Rows
from gta.data.formats.splits import lines_of
from gta.data.formats.text import read_json, read_lines
from gta.data.records import Split
from gta.errors import DataError

ENDINGS = (".json", ".jsonl", ".ndjson")
Entries = list[tuple[str, Any]]
"""With the place of each."""


def read_json_rows(
    file: Path, split: Split, *, what: str, label_needed: bool, classes: Sequence[str] = ()
) -> Rows:
    """Reads a list of videos from JSON.

    It is a list of `{"filename": ..., "label": ...}` by any words that the header of a table may
    have, or of `[path, label]`; or an object of paths with their labels; or an object with such a
    list as `data_list`. A label may be a list of one label.

    Raises:
        DataError: It is something else, an entry makes no sense or has several labels.
    """
    if file.suffix == ".json":
        content = read_json(file)
        if isinstance(content, dict) and isinstance(content.get("data_list"), list):
            content = content["data_list"]
        if isinstance(content, dict):
            content = list(content.items())
        entries = (
            [(f"entry {i}", entry) for i, entry in enumerate(content or [])]
            if _is_list(content)
            else None
        )
        if entries is None:
            raise DataError(f'{file}: expected [{{"filename": "a.mp4", "label": 0}}, ...].')
    else:
        entries = [(f"line {n}", _line(line, f"{file}, line {n}")) for n, line in read_lines(file)]
    rows = [
        _row(entry, where, file, label_needed=label_needed, classes=classes)
        for where, entry in _wanted(entries, split, file)
    ]
    if not rows:
        raise DataError(f"{file} lists no videos.")
    return Rows(rows, (f"{what}: read as JSON",))


def _wanted(entries: Entries, split: Split, file: Path) -> Entries:
    """The entries that a key `split`, or keys such as is_train, give to a split."""
    keys = list({str(k): None for _, entry in entries if isinstance(entry, dict) for k in entry})
    if not keys:
        return entries
    records = [
        (i, [str(entry.get(k, "")) if isinstance(entry, dict) else "" for k in keys])
        for i, (_, entry) in enumerate(entries)
    ]

    def error(i: int, text: str) -> DataError:
        return DataError(f"{file}, {entries[i][0]}: it {text}")

    place, flags = split_columns(keys, [fields for _, fields in records])
    wanted = lines_of(split, place, flags, header=keys, records=records, error=error)
    return entries if wanted is None else [entries[i] for i in sorted(wanted)]


def _is_list(content: Any) -> bool:
    return isinstance(content, list) or content is None


def _line(line: str, where: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{where}: {line[:80]!r} is not JSON: {error}.") from error
    except (RecursionError, ValueError) as error:
        raise DataError(f"{where} is nested too deeply, or has a number too long.") from error


def _row(entry: Any, where: str, file: Path, *, label_needed: bool, classes: Sequence[str]) -> Row:
    if isinstance(entry, list | tuple) and len(entry) == 2:
        entry = {"path": entry[0], "label": entry[1]}
    if not isinstance(entry, Mapping):
        raise DataError(f"{file}, {where}: expected an object with a path and a label.")
    by_role = dict[str, list[str]]()
    for key in entry:
        role = role_of(str(key))
        if key == "frame_dir":  # MMAction2's
            role = "path"
        if role is not None and entry[key] is not None:
            by_role.setdefault(role, []).append(key)
    paths = by_role.get("path") or by_role.get("name") or []
    labels = by_role.get("label", [])
    if len(labels) > 1 or (len(paths) > 1 and by_role.get("path")):
        several = ", ".join(map(repr, labels if len(labels) > 1 else paths))
        raise DataError(
            f"{file}, {where}: {several} could each be the {'label' if len(labels) > 1 else 'path'}"
            f". Leave one."
        )
    name = entry[paths[0]] if paths else None
    if not isinstance(name, str | int) or isinstance(name, bool) or str(name) == "":
        raise DataError(f'{file}, {where}: no path; it needs {{"filename": ..., "label": ...}}.')
    label = entry[labels[0]] if labels else None
    if isinstance(label, list):
        if len(label) > 1:
            raise DataError(
                f"{file}, {where}: {name!r} has the labels {label}. Several labels of one video "
                f"(multi-label) are not supported: leave one."
            )
        label = label[0] if label else None
    if isinstance(label, bool | dict) or (label is None and label_needed):
        raise DataError(f"{file}, {where}: {name!r} has no label.")
    if label is not None and is_nothing(str(label)) and str(label) not in classes:
        if label_needed:
            raise DataError(f"{file}, {where}: {name!r} has the label {str(label)!r}, {NOTHING}")
        label = None
    counts = by_role.get("frames", [])
    count = entry[counts[0]] if counts else None
    used = {*paths[:1], *labels}
    rest = tuple(
        (str(key), str(value))
        for key, value in entry.items()
        if key not in used and not numbers_lines(str(key))
    )
    frames = count if isinstance(count, int) and count > 0 else None
    return Row(where, str(name), None if label is None else str(label), frames, rest=rest)
