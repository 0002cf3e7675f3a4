"""The annotation files of Kinetics, by the names that its distributions give them."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from gta.data.formats.disk import paths_in
from gta.data.records import Split
from gta.errors import DataError

NAMES: dict[Split, tuple[str, ...]] = {
    "train": ("train",),
    "val": ("val", "validate", "validation"),
    "test": ("test",),
}
_SPLITS: dict[Split, str] = {
    "train": "train(?:ing)?",
    "val": "val(?:id(?:ate|ation)?)?",
    "test": "test(?:ing)?",
}
_NAMED = (
    r"(?:.*[-_. ])?{split}(?:[-_. ]?(?:list|set|split|data|annotations?|labels?|videos?|clips|"
    r"kinetics|k)?[-_. ]?\d*)*\.{ending}"
)
_WHOLE = r"(?!.*(?:label|class))(?:.*[-_. ])?(?:kinetics|k[-_ ]?\d{3}).*\.{ending}"
_FOLDERS = ("annotations", "labels", "csv", "splits", "lists")
_SETS = re.compile(r"(?:.*[-_. ])?(?:kinetics|k[-_ ]?\d{3}).*", re.IGNORECASE)


def find_annotations(root: Path, given: Mapping[Split, str | None]) -> dict[Split, Path]:
    """The annotation of each split that has an annotation.

    They are found as train.csv, val.csv or validate.csv, test.csv in the root and its folders
    annotations and labels; else by names that contain these words (k400_train.csv,
    kinetics-600_val.csv, train.json), also in folders such as kinetics700_2020; else one file of
    all splits (kinetics400.json).

    Raises:
        DataError: There are several of one split, or a file that was given does not exist.
    """
    files = dict[Split, Path]()
    for split in NAMES:
        if (name := given.get(split)) is not None:
            if not (root / name).is_file():
                raise DataError(f"The {split} list {root / name} does not exist.")
            files[split] = root / name
        elif (file := _usual(root, split) or _named(root, split)) is not None:
            files[split] = file
    if not files:
        whole = _one_of(root, _WHOLE, "csv", None) or _one_of(root, _WHOLE, "json", None)
        if whole is not None:
            return dict.fromkeys(NAMES, whole)
    return files


def unread(root: Path) -> list[str]:
    """Files that may be annotations, whose names tell nothing."""
    files = (file for folder in _folders(root) for file in _files(folder))
    return [str(f.relative_to(root)) for f in files if f.suffix.lower() in (".csv", ".json")]


def _usual(root: Path, split: Split) -> Path | None:
    folders = (root, root / "annotations", root / "labels")
    files = (folder / f"{name}.csv" for folder in folders for name in NAMES[split])
    return next((file for file in files if file.is_file()), None)


def _named(root: Path, split: Split) -> Path | None:
    pattern = _NAMED.replace("{split}", _SPLITS[split])
    return _one_of(root, pattern, "csv", split) or _one_of(root, pattern, "json", split)


def _one_of(root: Path, pattern: str, ending: str, split: Split | None) -> Path | None:
    name = re.compile(pattern.replace("{ending}", ending), re.IGNORECASE)
    for folder in _folders(root):
        matches = [file for file in _files(folder) if name.fullmatch(file.name)]
        if len(matches) > 1 and split is None:
            return None
        if len(matches) > 1:
            raise DataError(
                f"{folder} has several annotations of the {split} split of Kinetics: "
                f"{', '.join(file.name for file in matches)}. Say which: "
                f"--set data.{split}_list={matches[0].relative_to(root)}"
            )
        if matches:
            return matches[0]
    return None


def _folders(root: Path) -> Iterator[Path]:
    tops = [root, *(root / name for name in _FOLDERS)]
    sets = [e for e in paths_in(root) if _SETS.fullmatch(e.name) and e.is_dir()]
    tops += [folder / name for folder in sets for name in (".", *_FOLDERS)]
    return (folder for folder in tops if folder.is_dir())


def _files(folder: Path) -> list[Path]:
    return [e for e in paths_in(folder) if e.is_file() and not e.name.startswith(".")]
