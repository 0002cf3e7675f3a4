"""PySlowFast's list of frames: `original_vido_id video_id frame_id path labels`, a line a frame."""

from pathlib import Path

from gta.data.formats.dialect import Dialect, decide
from gta.data.formats.rows import Row
from gta.data.formats.text import read_lines
from gta.errors import DataError

_HEADER = ["original_vido_id", "video_id", "frame_id", "path", "labels"]


def is_frame_list(file: Path) -> bool:
    """Whether a file begins with the header of such a list."""
    lines = read_lines(file)
    return bool(lines) and _dialect(lines[0][1]).fields(lines[0][1]) == _HEADER


def _dialect(header: str) -> Dialect:
    return decide([(1, header)]) if any(mark in header for mark in "\t,;") else Dialect(" ")


def read_frame_list(file: Path) -> list[Row]:
    """The folder of each video, with the number of its frames.

    Raises:
        DataError: A line makes no sense, or has no label or several.
    """
    (_, header), *lines = read_lines(file)
    text = dict(lines)
    rows = dict[str, Row]()
    for number, fields in _dialect(header).records(lines, file):
        line = text[number]
        if len(fields) == 4:
            fields = [*fields, ""]  # an empty label between quotation marks
        if len(fields) != len(_HEADER):
            raise DataError(f"{file}, line {number}: {line!r} is not `{' '.join(_HEADER)}`.")
        folder, _, picture = fields[3].rpartition("/")
        label = fields[4]
        if not folder or not picture or not label.isdecimal():
            raise DataError(
                f"{file}, line {number}: {line!r} needs a path folder/picture and one label. "
                f"Something-Something's lists have no labels; its json files do, and are read "
                f"with --data ssv2."
            )
        known = rows.get(folder, Row(f"line {number}", folder, label, 0))
        if known.label != label:
            raise DataError(
                f"{file}, line {number}: {folder!r} has label {label} here and {known.label} at "
                f"{known.where}. Several labels of one video (multi-label) are not supported."
            )
        rows[folder] = Row(known.where, folder, label, (known.num_frames or 0) + 1)
    if not rows:
        raise DataError(f"{file} lists no videos.")
    return list(rows.values())
