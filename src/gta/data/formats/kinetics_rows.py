"""The clips that an annotation of Kinetics names: a row of its csv, a segment of its json."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gta.data.formats.columns import role_of
from gta.data.formats.dialect import decide
from gta.data.formats.splits import SPLIT_WORDS
from gta.data.formats.text import read_json, read_lines
from gta.data.records import Split
from gta.errors import DataError

_COLUMNS = ("label", "youtube_id", "time_start", "time_end")


@dataclass(frozen=True, slots=True)
class Clip:
    """One video of Kinetics."""

    where: str
    """Its line or entry."""
    id: str
    """Of the video on YouTube."""
    start: int
    """Seconds."""
    end: int
    label: str | None
    split: str

    @property
    def name(self) -> str:
        """As the official tools name its file."""
        return f"{self.id}_{self.start:06d}_{self.end:06d}"


def read_clips(file: Path, split: Split, *, shared: bool = False) -> list[Clip]:
    """The clips of one split; of a file with several splits, those of this split.

    Args:
        file: The annotation.
        split: Which.
        shared: Whether other splits are read from the file too: then it may also have none of a
            split.

    Raises:
        DataError: It is no annotation of Kinetics, or a line makes no sense.
    """
    clips = list(_of_json(file) if file.suffix.lower() == ".json" else _of_csv(file))
    said = {SPLIT_WORDS.get(clip.split.lower()) for clip in clips}
    if len(said) > 1 or (shared and said != {None}):
        odd = next((clip for clip in clips if clip.split.lower() not in SPLIT_WORDS), None)
        if odd is not None:
            raise DataError(
                f"{file}, {odd.where}: {odd.split!r} is no split; it is train, validate or test."
            )
        clips = [clip for clip in clips if SPLIT_WORDS[clip.split.lower()] == split]
    if not clips:
        of = f" of the {split} split" if said else ""
        raise DataError(f"{file} lists no videos{of}.")
    return clips


def _of_csv(file: Path) -> Iterator[Clip]:
    lines = [(n, line) for n, line in read_lines(file) if not line.startswith("#")]
    if not lines:
        return
    records = decide(lines).records(lines, file)
    _, header = next(records)
    columns = _columns(header)
    missing = [name for name in _COLUMNS[1:] if name not in columns]
    if missing:
        raise DataError(
            f"{file} is no annotation of Kinetics: its first line lacks {', '.join(missing)}. It "
            f"should be: {','.join(_COLUMNS)},split. A list of `path label` is read with "
            f"--set data.format=list."
        )
    for number, fields in records:
        cells = dict(zip(header, [*fields, *[""] * len(header)], strict=False))

        def cell(name: str, cells: dict[str, str] = cells) -> str:
            return cells[columns[name]] if name in columns else ""

        if not any(fields):
            continue
        if len(fields) > len(header) and any(fields[len(header) :]):
            raise DataError(
                f"{file}, line {number}: {len(fields)} columns, and the header has {len(header)}. "
                f"A name with the separator in it needs quotes."
            )
        times = (cell("time_start"), cell("time_end"))
        yield _clip(f"line {number}", cell("youtube_id"), times, cell("label"), cell("split"), file)


def _columns(header: Sequence[str]) -> dict[str, str]:
    """Headers by the names that the official csv gives them."""
    roles = {"label": "label", "start": "time_start", "end": "time_end", "split": "split"}
    header_of = dict[str, str]()
    for word in header:
        role = role_of(word)
        if role == "name" and ("youtube_id" not in header_of or "youtube" in word.lower()):
            header_of["youtube_id"] = word
        elif role in roles:
            header_of.setdefault(roles[role], word)
    return header_of


def _of_json(file: Path) -> Iterator[Clip]:
    content = read_json(file)
    if isinstance(content, dict) and isinstance(content.get("database"), dict):
        content = content["database"]
    wanted = '{"<youtube id>": {"annotations": {"label": ..., "segment": [start, end]}}}'
    if not isinstance(content, dict) or not all(
        isinstance(entry, dict) for entry in content.values()
    ):
        raise DataError(f"{file} is no annotation of Kinetics: expected {wanted}.")
    for id, entry in content.items():
        parts: Any = entry.get("annotations")
        split = str(entry.get("subset") or "")
        for part in parts if isinstance(parts, list) else [parts]:
            where = f"entry {id!r}"
            try:
                times, label = part["segment"], part.get("label")
                start, end = times
            except (TypeError, KeyError, ValueError, AttributeError) as error:
                raise DataError(f"{file}, {where}: expected {wanted}.") from error
            yield _clip(where, id, (start, end), str(label or ""), split, file)


def _clip(where: str, id: str, times: tuple[Any, Any], label: str, split: str, file: Path) -> Clip:
    if not id or Path(id).name != id or id in (".", ".."):
        raise DataError(f"{file}, {where}: {id!r} cannot be the name of a video.")
    try:
        start, end = (round(float(time)) for time in times)
    except (TypeError, ValueError, OverflowError) as error:
        shown = f"{times[0]!r} and {times[1]!r}"
        raise DataError(f"{file}, {where}: {shown} are no times in seconds.") from error
    return Clip(where, id, start, end, label or None, split)
