"""A folder per class: `root/{train,val,test}/<class>/*`, or `root/<class>/*` split here."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gta.errors import DataError

from .class_folders import JUNK, Survey, by_ending, is_hidden, survey
from .endings import VIDEO_SUFFIXES as VIDEO_SUFFIXES
from .endings import is_video_name
from .recordings import find_recordings
from .records import Split, Video, VideoList

_NAMES = {
    "train": ("train", "train_256", "videos_train", "rawframes_train"),
    "val": ("val", "validation", "val_256", "videos_val", "rawframes_val", "test"),
    "test": ("test", "test_256", "videos_test", "rawframes_test"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What keeps folders of classes from being used."""

    kind: str
    text: str
    """A sentence without its full stop."""
    items: list[str]
    way_out: str

    def __str__(self) -> str:
        names = f": {_listed(self.items)}" if self.items else ""
        return f"{self.text}{names}. {self.way_out}".rstrip()


@dataclass(frozen=True, slots=True)
class Layout:
    """What a data folder holds, faults included."""

    root: Path
    surveys: dict[Split, Survey]
    """Of each split that has a folder of its own; else the root's under "train" alone."""
    own_split: bool
    """Whether the root has folders for training and for validation."""
    unused: list[str] = field(default_factory=list)
    """Videos, and folders that hold some, beside the folders of the splits: they are not read."""
    faults: list[Fault] = field(default_factory=list)

    @property
    def classes(self) -> list[str]:
        """Sorted names of all classes of all splits."""
        return sorted({name for one in self.surveys.values() for name in one.classes})

    @property
    def passed_over(self) -> list[Path]:
        """All files that are no video of a class."""
        return [path for one in self.surveys.values() for path in one.passed_over]

    def ids(self, survey: Survey, name: str) -> list[str]:
        """The videos of one class, as paths relative to the root."""
        folder = survey.classes.get(name)
        return [v.relative_to(self.root).as_posix() for v in folder.videos] if folder else []


def read_folder(
    root: Path,
    split: Split,
    *,
    val_fraction: float = 0.2,
    seed: int = 0,
    keep_groups: bool = False,
) -> VideoList:
    """Reads a folder per class; sorted class names give the labels.

    A video is a file with the ending of a video (`gta.data.endings`), or a folder of JPEG or PNG
    frames. Other files of class folders are passed over; a note of the list counts them. Without
    `train` and `val` folders each class is split by itself: its videos are ranked by a hash of
    (seed, id), and the first `val_fraction` of them, but at least one, are for validation; a class
    of one video is for training alone. A file that is added moves at most one other video of its
    class.

    Args:
        root: The data folder.
        split: Which of its splits.
        val_fraction: Share of each class for validation where the folder has no split.
        seed: Of that split.
        keep_groups: Videos of one recording, by their names (`gta.data.recordings`), stay in one
            part of that split.

    Raises:
        DataError: No class, only one class, a class without videos, folders that are no videos,
            or other classes in `val`. All of it in one message.
    """
    layout = look_at(root, split)
    if layout.faults:
        raise DataError(" ".join(str(fault) for fault in layout.faults))
    found = list_split(layout, split, val_fraction=val_fraction, seed=seed, keep_groups=keep_groups)
    if not found.videos:
        raise DataError(str(nothing_to_validate(root)))
    return found


def look_at(root: Path, split: Split = "val") -> Layout:
    """What a data folder holds. Raises nothing: what is wrong is in `faults`.

    Args:
        root: The data folder.
        split: "test" looks at `test` beside `train`, the others at `val`.
    """
    train, val = _split_folder(root, "train"), _split_folder(root, "val")
    other = _split_folder(root, "test") if split == "test" else val
    faults = list[Fault]()
    surveys: dict[Split, Survey] = {}
    if split == "test" and other is None:
        text = f"{root} has no test/; its splits are 'train' and 'val'"
        return Layout(root, {}, False, faults=[Fault("no test split", text, [], "")])
    if train is not None and other is not None:
        surveys = {"train": survey(train), split if split == "test" else "val": survey(other)}
        used = {folder for folder in (train, val, _split_folder(root, "test")) if folder}
        layout = Layout(root, surveys, True, _unused(root, used), faults)
        _compare(layout, train, other)
    else:
        half = next((part for part in (train, val) if part is not None and _is_split(part)), None)
        missing = "none of val/, validation/, test/" if half == train else "no train/"
        if half is not None:
            faults.append(
                Fault(
                    "only one split",
                    f"{root} has {half.name}/ but {missing}",
                    [],
                    f"Add one, or give {half} as the data folder: a part of it is then kept for "
                    f"validation.",
                )
            )
        layout = Layout(root, {"train": survey(half or root)}, False, [], faults)
    for one in layout.surveys.values():
        faults.extend(_faults(one))
    if len(layout.classes) == 1:
        faults.append(
            Fault(
                "only one class",
                f"{root} has only one class, {layout.classes[0]!r}; a classifier needs two or more",
                [],
                "Put the videos of each class into a folder of their own.",
            )
        )
    return layout


def list_split(
    layout: Layout,
    split: Split,
    *,
    val_fraction: float = 0.2,
    seed: int = 0,
    keep_groups: bool = False,
) -> VideoList:
    """The videos of one split; of a layout with faults, those that can be listed."""
    classes = layout.classes
    if layout.own_split:
        chosen = {name: layout.ids(layout.surveys[split], name) for name in classes}
    else:
        every = {name: layout.ids(layout.surveys["train"], name) for name in classes}
        groups = _groups(every) if keep_groups else {}
        chosen = {
            name: _part(ids, groups, split, val_fraction, seed) for name, ids in every.items()
        }
    videos = [
        Video(id, layout.root / id, label)
        for label, name in enumerate(classes)
        for id in chosen[name]
    ]
    return VideoList(videos, classes, notes=_notes(layout))


def nothing_to_validate(root: Path) -> Fault:
    """The fault of a folder in which each class has one video."""
    return Fault(
        "no validation video",
        f"{root} leaves no video for validation: each class has only one",
        [],
        f"Add videos, or make the folders {root.name}/train/<class> and {root.name}/val/<class>.",
    )


def _notes(layout: Layout) -> tuple[str, ...]:
    passed = [path for path in layout.passed_over if not _is_junk(path)]
    if not passed:
        return ()
    one = len(passed) == 1
    return (
        f"{_counted(len(passed), 'file')} in {layout.root} {'is' if one else 'are'} passed over, "
        f"no video{'' if one else 's'} of a class: {by_ending(passed)}; gta check names "
        f"{'it' if one else 'them'}",
    )


def _is_junk(path: Path) -> bool:
    name = path.name.lower()
    return name in JUNK or name.startswith("._") or name in (".git", "__macosx")


def _faults(found: Survey) -> list[Fault]:
    folder, faults = found.folder, list[Fault]()
    if found.blocked:
        return [Fault("unusable folders", f"{folder} {found.blocked[folder]}", [], _OPEN_IT)]
    if not found.classes:
        loose = f", only {_counted(len(found.loose), 'video')}" if found.loose else ""
        return [
            Fault(
                "no class folders",
                f"{folder} holds no folders{loose}",
                [],
                f"Put the videos of each class into a folder that has the name of the class: "
                f"{folder.name}/<class>/<video>.mp4",
            )
        ]
    closed = {p: why for p, why in found.obstacles.items() if why.startswith("cannot be opened")}
    if closed:
        text = f"{_counted(len(closed), 'folder')} of {folder} cannot be opened"
        names = [f"{p} ({why.partition(': ')[2]})" for p, why in closed.items()]
        faults.append(Fault("unusable folders", text, names, _OPEN_IT))
    empty = [
        name + (f" (holds {by_ending(one.passed_over)})" if one.passed_over else "")
        for name, one in found.classes.items()
        if not one.videos and not one.blocked
    ]
    if empty:
        faults.append(
            Fault(
                "empty class folders",
                f"No video in {_counted(len(empty), 'class folder')} of {folder}",
                empty,
                "Add videos (.mp4, .mkv, .webm, .avi and others, docs/data.md names them; or a "
                f"folder of frames for each), or remove the "
                f"{'folder' if len(empty) == 1 else 'folders'}.",
            )
        )
    deeper = [f"{p} ({why})" for p, why in found.obstacles.items() if p not in closed]
    if deeper:
        faults.append(
            Fault(
                "nested folders",
                f"{_counted(len(deeper), 'folder')} inside class folders of {folder} "
                f"{'is' if len(deeper) == 1 else 'are'} no folder of JPEG or PNG frames",
                deeper,
                f"Videos lie directly in the folder of their class: {folder}/<class>/<video>.mp4",
            )
        )
    return faults


_OPEN_IT = "Give it the permission to be read, or move it out of the data folder."


def _compare(layout: Layout, train: Path, other: Path) -> None:
    one, two = (set(found.classes) for found in layout.surveys.values())
    if not one or not two or one == two:
        return
    names = [f"only in {train.name}/: {name}" for name in sorted(one - two)]
    names += [f"only in {other.name}/: {name}" for name in sorted(two - one)]
    layout.faults.append(
        Fault(
            "other classes in a split",
            f"The classes of {layout.root} differ between its splits",
            names,
            "Both need the same folders; a difference in spelling counts.",
        )
    )


def _unused(root: Path, used: Collection[Path]) -> list[str]:
    """Videos, and folders that hold some, beside the folders of the splits."""
    names = list[str]()
    for path in sorted(root.iterdir()):
        if is_hidden(path.name) or path in used:
            continue
        if not path.is_dir():
            names += [path.name] * is_video_name(path)
            continue
        inside = survey(path)
        if inside.loose or any(one.videos for one in inside.classes.values()):
            names.append(f"{path.name}/")
    return names


def _split_folder(root: Path, split: Split) -> Path | None:
    return next((root / name for name in _NAMES[split] if (root / name).is_dir()), None)


def _is_split(folder: Path) -> bool:
    """Whether `folder` holds class folders, rather than being a class itself."""
    found = survey(folder)
    inside = found.classes.values()
    return not found.loose and any(one.videos or one.blocked for one in inside)


def _groups(ids: dict[str, list[str]]) -> dict[str, str]:
    """The recording of each video whose name tells it."""
    names = [(id, label) for label, name in enumerate(sorted(ids)) for id in ids[name]]
    found = find_recordings(names)
    return {id: one.key for (id, _), one in zip(names, found, strict=True) if one is not None}


def _part(
    ids: Sequence[str], groups: dict[str, str], split: Split, val_fraction: float, seed: int
) -> list[str]:
    """The ids of one class that are for `split`; those of a group stay together."""
    if len(ids) < 2:
        return [] if split == "val" else list(ids)
    num_val = min(max(round(len(ids) * val_fraction), 1), len(ids) - 1)
    members: dict[str, list[str]] = defaultdict(list)
    for id in ids:
        members[groups.get(id, id)].append(id)
    ranked = sorted(members, key=lambda group: _rank(seed, group))
    val = set[str]()
    for group in ranked[:-1]:  # one is left for training
        if len(val) >= num_val:
            break
        val.update(members[group])
    return [id for id in ids if (id in val) == (split == "val")]


def _rank(seed: int, name: str) -> bytes:
    # a name that is not UTF-8 is ranked by its own bytes
    return hashlib.sha256(f"{seed}/{name}".encode(errors="surrogateescape")).digest()


def _counted(number: int, name: str) -> str:
    return f"{number} {name}{'s' * (number != 1)}"


def _listed(names: list[str], most: int = 10) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
