"""Training and validation on lines of their own, where one file is the list of both."""

import posixpath
from collections.abc import Mapping, Sequence
from pathlib import Path

from gta.data.formats.rows import Row
from gta.data.records import Split
from gta.errors import DataError


def check_apart(lists: Mapping[Split, tuple[Path, Sequence[Row]]]) -> None:
    """Looks whether one file gives a video to training and to another split.

    Raises:
        DataError: It does; names both lines.
    """
    if "train" not in lists:
        return
    file, rows = lists["train"]
    first = dict[str, Row]()
    for row in rows:
        first.setdefault(_plain(row.name), row)
    for split in ("val", "test"):
        if split not in lists or not lists[split][0].samefile(file):
            continue
        for row in lists[split][1]:
            same = first.get(_plain(row.name))
            if same is None:
                continue
            if same.where != row.where:
                raise DataError(
                    f"{file}, {row.where}: video {row.name!r} is of the {split} split, and of "
                    f"training in {same.where}. Leave one of the lines."
                )
            raise DataError(
                f"{file} is the list of training and of {split}, and no column divides its lines: "
                f"{row.where} would be in both. Give each line train, val or test in a column "
                f"`split`, or give each split a file of its own: data.train_list, "
                f"data.{split}_list."
            )


def _plain(name: str) -> str:
    return posixpath.normpath(name.replace("\\", "/"))
