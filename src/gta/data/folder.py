"""A folder per class: `root/{train,val,test}/<class>/*`, or `root/<class>/*` split here."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from gta.errors import DataError

from .pictures import PICTURE_SUFFIXES
from .records import Split, Video, VideoList

VIDEO_SUFFIXES = tuple(
    f".{name}"
    for name in (
        *("mp4", "mkv", "webm", "avi", "mov", "m4v", "mpg", "mpeg"),
        *("wmv", "flv", "gif", "3gp", "ts", "mts", "ogv"),
    )
)
_NAMES = {
    "train": ("train", "train_256", "videos_train", "rawframes_train"),
    "val": ("val", "validation", "val_256", "videos_val", "rawframes_val", "test"),
    "test": ("test", "test_256", "videos_test", "rawframes_test"),
}


def read_folder(root: Path, split: Split, *, val_fraction: float = 0.2, seed: int = 0) -> VideoList:
    """Reads a folder per class; sorted class names give the labels.

    A video is a file with the ending of a video, or a folder of JPEG or PNG frames. Hidden files
    and other files (a licence, a list) are ignored. Without `train` and `val` folders each class is
    split by itself: its videos are ranked by a hash of (seed, id), and the first `val_fraction`
    of them, but at least one, are for validation; a class of one video is for training alone. A
    file that is added moves at most one other video of its class.

    Raises:
        DataError: No class, only one class, a class without videos, or other classes in `val`.
    """
    train, val = _split_folder(root, "train"), _split_folder(root, "val")
    other = _split_folder(root, "test") if split == "test" else val
    if split == "test" and other is None:
        raise DataError(f"{root} has no test/; its splits are 'train' and 'val'.")
    if train is not None and other is not None:
        in_train, in_other = _read_classes(root, train), _read_classes(root, other)
        _check_same_classes(train, in_train, other, in_other)
        chosen = in_train if split == "train" else in_other
        classes = sorted(chosen)
    else:
        _check_not_half(train, "none of val/, validation/, test/")
        _check_not_half(val, "no train/")
        every = _read_classes(root, root)
        classes = sorted(every)
        chosen = {name: _part(every[name], split, val_fraction, seed) for name in classes}
    if len(classes) < 2:
        raise DataError(
            f"{root} has only one class, {classes[0]!r}; a classifier needs two or more. "
            f"Put the videos of each class into a folder of their own."
        )
    if not any(chosen.values()):
        raise DataError(
            f"{root} leaves no video for validation: each class has only one. Add videos, or make "
            f"the folders {root.name}/train/<class> and {root.name}/val/<class>."
        )
    videos = [
        Video(id, root / id, label) for label, name in enumerate(classes) for id in chosen[name]
    ]
    return VideoList(videos, classes)


def _read_classes(root: Path, folder: Path) -> dict[str, list[str]]:
    """Class names with the ids of their videos, paths relative to `root`."""
    classes = {
        entry.name: [video.relative_to(root).as_posix() for video in _videos_in(entry)]
        for entry in sorted(_visible(folder))
        if entry.is_dir()
    }
    if not classes:
        raise DataError(
            f"{folder} holds no folders. Put the videos of each class into a folder that has the "
            f"name of the class: {folder.name}/<class>/<video>.mp4"
        )
    empty = [name for name, videos in classes.items() if not videos]
    if empty:
        raise DataError(
            f"No videos in the class folder{'s' if len(empty) > 1 else ''} {_listed(empty)} of "
            f"{folder}. Add videos ({', '.join(VIDEO_SUFFIXES)}, or folders of frames), or "
            f"remove the folder."
        )
    return classes


def _videos_in(folder: Path) -> list[Path]:
    videos = []
    for entry in sorted(_visible(folder)):
        if entry.is_dir():
            if not any(e.suffix.lower() in PICTURE_SUFFIXES for e in _visible(entry)):
                raise DataError(
                    f"{entry} is inside a class folder but is no folder of JPEG or PNG frames. "
                    f"Videos lie directly in the folder of their class: {folder}"
                )
            videos.append(entry)
        elif entry.suffix.lower() in VIDEO_SUFFIXES:
            videos.append(entry)
    return videos


def _visible(folder: Path) -> Iterator[Path]:
    return (entry for entry in folder.iterdir() if not entry.name.startswith((".", "__")))


def _split_folder(root: Path, split: Split) -> Path | None:
    return next((root / name for name in _NAMES[split] if (root / name).is_dir()), None)


def _check_not_half(split: Path | None, missing: str) -> None:
    if split is not None and split.is_dir() and _is_split(split):
        raise DataError(
            f"{split.parent} has {split.name}/ but {missing}. Add one, or give {split} as the data "
            f"folder: a part of it is then kept for validation."
        )


def _is_split(folder: Path) -> bool:
    """Whether `folder` holds class folders, rather than being a class itself."""
    entries = list(_visible(folder))
    if any(entry.suffix.lower() in VIDEO_SUFFIXES for entry in entries):
        return False
    inside = [e for entry in entries if entry.is_dir() for e in _visible(entry)]
    return any(e.is_dir() or e.suffix.lower() in VIDEO_SUFFIXES for e in inside)


def _part(ids: list[str], split: Split, val_fraction: float, seed: int) -> list[str]:
    num_val = min(max(round(len(ids) * val_fraction), 1), len(ids) - 1)
    ranked = sorted(ids, key=lambda id: _hash(f"{seed}/{id}"))
    val = set(ranked[:num_val])
    return [id for id in ids if (id in val) == (split == "val")]


def _hash(text: str) -> bytes:
    # a file name need not be UTF-8
    return hashlib.sha256(text.encode(errors="backslashreplace")).digest()


def _check_same_classes(
    train: Path, in_train: Iterable[str], val: Path, in_val: Iterable[str]
) -> None:
    only_train, only_val = set(in_train) - set(in_val), set(in_val) - set(in_train)
    parts = [
        f"only in {folder.name}/: {_listed(sorted(names))}"
        for folder, names in ((train, only_train), (val, only_val))
        if names
    ]
    if parts:
        raise DataError(
            f"The classes of {train.parent} differ between its splits; {'; '.join(parts)}. Both "
            f"need the same folders; a difference in spelling counts."
        )


def _listed(names: list[str], most: int = 10) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
