"""Whether a manifest of prepared data says what it should: it may be a stranger's.

Names lead to nothing outside of its folder, parts of shards are inside of them, labels are classes.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from gta.errors import DataError


def check_rows(manifest: Mapping[str, Any], where: str) -> None:
    """Looks at all that a manifest names.

    Args:
        manifest: What the file holds.
        where: The file, for errors.

    Raises:
        DataError: Something is not as it is written, or is somewhere else.
    """
    try:
        shards = [(_name(name), _whole(size)) for name, size in manifest["shards"]]
        for part in manifest["splits"].values():
            classes, rows = part["classes"], part["videos"]
            _expect(all(isinstance(name, str) for name in (*classes, *part["missing"])))
            checksums = part.get("checksums") or [None] * len(rows)
            _expect(len(checksums) == len(rows))
            for row, checksum in zip(rows, checksums, strict=True):
                _expect(checksum is None or isinstance(checksum, str))
                _check_row(row, len(classes), shards)
        for name in ("source", "settings", "without"):
            _expect(isinstance(manifest[name], Mapping))
        _expect(isinstance(manifest["made"], str) and "form" in manifest["settings"])
    except _OutsideError as error:
        raise DataError(
            f"{where} names {str(error)!r}, which is not inside of its folder. It was not written "
            f"by `gta prepare`: do not use it if it is not your own."
        ) from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"{where} is damaged, or was changed by hand: it is not as `gta prepare` writes it "
            f"({str(error)[:200]}). Copy it again, or prepare the data set again."
        ) from error


class _OutsideError(ValueError):
    """A name that leads out of the folder."""


def _check_row(row: Any, num_classes: int, shards: list[tuple[str, int]]) -> None:
    id, label, place, num_frames, fps = row
    _expect(isinstance(id, str), row)
    _expect(label is None or 0 <= _whole(label) < num_classes, row)
    _expect(num_frames is None or _whole(num_frames) > 0, row)
    _expect(fps is None or (isinstance(fps, int | float) and 0 < fps < float("inf")), row)
    if isinstance(place, Mapping):
        _expect(isinstance(place["name"], str) and isinstance(place["problem"], str), row)
    elif isinstance(place, str):
        if PurePosixPath(place).is_absolute() or {"..", ""} & set(place.split("/")):
            raise _OutsideError(place)
    else:
        shard, offset, size, key = place
        _expect(isinstance(key, str) and 0 <= _whole(shard) < len(shards), row)
        _expect(_whole(offset) + _whole(size) <= shards[shard][1], row)


def _name(name: Any) -> str:
    _expect(isinstance(name, str), name)
    if PurePosixPath(name).name != name or name == "..":
        raise _OutsideError(name)
    return name


def _whole(number: Any) -> int:
    _expect(type(number) is int and number >= 0, number)
    return number


def _expect(holds: bool, given: Any = None) -> None:
    if not holds:
        raise ValueError(f"got {given!r}" if given is not None else "a part has another form")
