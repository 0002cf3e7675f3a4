"""The files of the lists of a data set, by the names that are usual."""

import re
from collections.abc import Mapping
from pathlib import Path

from gta.data.formats.disk import paths_in
from gta.data.records import Split
from gta.errors import DataError

FOLDERS = (".", "annotations", "labels", "lists")
_WORDS: dict[Split, str] = {"train": "train", "val": "(?:val|validation)", "test": "test"}
_NAME = r"(?:.*_)?{split}(?:_?list)?(?:_videofolder|_videos|_rawframes|_split_\d.*)?\.(?:txt|csv)"
_MORE: dict[Split, str] = {
    "train": "train(?:ing)?",
    "val": "(?:val(?:id(?:ate|ation)?)?|dev)",
    "test": "test(?:ing)?",
}
_WIDER = (
    r"(?:.*[-_. ])?{split}[-_. ]?(?:list|split|set|data|labels?|annotations?|videos?|frames|"
    r"rawframes|videofolder)*[-_. ]?(?:videos|rawframes|split[-_ ]?\d.*|\d{{1,2}})?"
    r"\.(?:txt|csv|tsv|lst|list|json|jsonl|ndjson)"
)


def find_lists(root: Path, split: Split, given: Mapping[Split, str | None]) -> dict[Split, Path]:
    """The list of each split that has a list. Where there is none for "val", that of "test" is it.

    Args:
        root: The data folder.
        split: That which is asked for; ambiguous lists of the others are skipped.
        given: The files that are named, relative to `root`.

    Raises:
        DataError: There are several lists of the split that is asked for, or a list that was given
            does not exist.
    """
    files = dict[Split, Path]()
    for part in _WORDS:
        try:
            file = _list_of(root, part, given.get(part))
        except DataError:
            if part == split or (split == "val" and part == "test" and "val" not in files):
                raise
            file = None
        if file is not None:
            files[part] = file
    if "val" not in files and "test" in files:
        files["val"] = files["test"]
    return files


def _list_of(root: Path, split: Split, given: str | None) -> Path | None:
    if given is not None:
        if not (root / given).is_file():
            raise DataError(f"The {split} list {root / given} does not exist.")
        return root / given
    for name, words in ((_NAME, _WORDS), (_WIDER, _MORE)):
        pattern = re.compile(name.format(split=words[split]), re.IGNORECASE)
        for folder in (root / place for place in FOLDERS):
            matches = [entry for entry in paths_in(folder) if pattern.fullmatch(entry.name)]
            matches = [entry for entry in matches if entry.is_file() and entry.name[0] != "."]
            if len(matches) > 1:
                raise DataError(
                    f"{folder} has several lists of the {split} split: "
                    f"{', '.join(entry.name for entry in matches)}. Say which: "
                    f"--set data.{split}_list={matches[0].relative_to(root)}"
                )
            if matches:
                return matches[0]
    return None
