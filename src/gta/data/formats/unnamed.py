"""What the columns of a list without a header are, by what stands in them."""

import re
from collections import Counter

from gta.data.decode import count_frames
from gta.data.formats.columns import Columns, is_number, whole
from gta.data.formats.dialect import strength
from gta.data.formats.disk import Finder, has_video_ending
from gta.data.formats.table import Table, filled
from gta.errors import VideoError

_LOOKED_AT = 5
"""Folders whose pictures are counted, to tell a number of frames from a label."""


def by_content(table: Table, finder: Finder) -> Columns:
    """`path label`, `label path` or `folder num_frames label`; more columns are ambiguous.

    Raises:
        DataError: There are more, or two numbers after a video file.
    """
    records = [(number, filled(fields)) for number, fields in table.records]
    if len({len(fields) for _, fields in records}) > 1 and table.dialect.delimiter == "\t":
        records = [(number, [f for f in fields if f]) for number, fields in records]  # runs of tabs
    table.records = records
    width = max(len(fields) for _, fields in records)
    if width == 1:
        return Columns(0)
    two = [fields for _, fields in records if len(fields) == 2]
    if len(two) == len(records) and table.dialect.delimiter != " ":
        sample = two[:200]
        first, second = (sum(strength(f[i], finder.has) for f in sample) for i in (0, 1))
        if second > first:
            table.said.append("the second column is the video")
            return Columns(1, 0)
    if width == 2:
        _check_one_name(table)
        return Columns(0, 1)
    if _counts_frames(table, finder):
        table.said.append("the second column is the number of frames")
        return Columns(0, 2, frames=1)
    usual = Counter(len(fields) for _, fields in records).most_common(1)[0][0]
    number, fields = next(r for r in records if len(r[1]) > (2 if usual <= 2 else usual - 1))
    sep = table.dialect.delimiter
    raise table.error(
        number,
        f"has {len(fields) - 1} columns after the video, and which is the label is unclear. "
        f"Several labels of one video (multi-label) are not supported, and a video file has no "
        f"number of frames in a list. Leave one label in a line, put a name with the separator "
        f"in it into quotes, or name the columns in a first line, such as "
        f"`path{sep}num_frames{sep}label`.",
    )


def _check_one_name(table: Table) -> None:
    """Looks whether labels of several words are a name and its number.

    Raises:
        DataError: Each name has one number: these may be two columns.
    """
    if table.dialect.delimiter != " ":
        return
    labels = {
        fields[1]: number
        for number, fields in table.records
        if len(fields) == 2 and not set("\"'#") & set(table.lines[number])
    }
    for pattern in (r"(?P<n>\d+) (?P<name>.*\D)", r"(?P<name>.*\D) (?P<n>\d+)"):
        matches = [re.fullmatch(pattern, label) for label in labels]
        names, numbers = ({m[group] for m in matches if m} for group in ("name", "n"))
        if len(labels) > 1 and len(names) == len(numbers) == len(labels):
            raise table.error(
                min(labels.values()),
                "may have the name of a class and its number, or one name with a number in it. Put "
                "the name into quotes, or leave one of them.",
            )


def _counts_frames(table: Table, finder: Finder) -> bool:
    """Whether the lines are `folder num_frames label`, as TSM has them."""
    records = [fields for _, fields in table.records]
    if not all(len(f) == 3 and is_number(f[1]) and whole(f[1]) > 0 for f in records):
        return False
    step = -(-len(records) // 50)
    looked_at, agrees = 0, False
    for name, count, _ in records[::step]:
        folder = finder.first(name)
        if folder is None:
            if has_video_ending(name):
                return False
            continue
        if not folder.is_dir():
            return False
        if looked_at < _LOOKED_AT:
            try:
                num_frames = count_frames(folder)
            except VideoError:
                continue
            looked_at += 1
            agrees = agrees or abs(num_frames - whole(count)) <= max(2, num_frames // 10)
    return agrees or looked_at == 0
