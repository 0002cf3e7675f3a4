"""Which folders of a data folder are splits and classes, and what keeps them from being used."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from gta.data.formats.class_folders import Survey, by_ending, count_of, is_hidden, survey
from gta.data.formats.endings import is_video_name
from gta.data.records import Split

_NAMES = {
    "train": ("train", "train_256", "videos_train", "rawframes_train"),
    "val": ("val", "validation", "val_256", "videos_val", "rawframes_val", "test"),
    "test": ("test", "test_256", "videos_test", "rawframes_test"),
}


_OPEN_IT = "Give it the permission to be read, or move it out of the data folder."


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
        return sorted({name for survey in self.surveys.values() for name in survey.classes})

    @property
    def passed_over(self) -> list[Path]:
        """All files that are no video of a class."""
        return [path for survey in self.surveys.values() for path in survey.passed_over]

    @property
    def runs(self) -> list[Path]:
        """Folders of trainings among those of the videos."""
        return sorted(path for survey in self.surveys.values() for path in survey.runs)

    def ids(self, survey: Survey, name: str) -> list[str]:
        """The videos of one class, as paths relative to the root."""
        folder = survey.classes.get(name)
        return [v.relative_to(self.root).as_posix() for v in folder.videos] if folder else []


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
    for surveyed in layout.surveys.values():
        faults.extend(_faults(surveyed))
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


def nothing_to_validate(root: Path) -> Fault:
    """The fault of a folder in which each class has one video."""
    return Fault(
        "no validation video",
        f"{root} leaves no video for validation: each class has only one",
        [],
        f"Add videos, or make the folders {root.name}/train/<class> and {root.name}/val/<class>.",
    )


def _faults(surveyed: Survey) -> list[Fault]:
    folder, faults = surveyed.folder, list[Fault]()
    if surveyed.blocked:
        return [Fault("unusable folders", f"{folder} {surveyed.blocked[folder]}", [], _OPEN_IT)]
    if not surveyed.classes:
        loose = f", only {count_of(len(surveyed.loose), 'video')}" if surveyed.loose else ""
        return [
            Fault(
                "no class folders",
                f"{folder} holds no folders{loose}",
                [],
                f"Put the videos of each class into a folder that has the name of the class: "
                f"{folder.name}/<class>/<video>.mp4",
            )
        ]
    closed = {p: why for p, why in surveyed.obstacles.items() if why.startswith("cannot be opened")}
    if closed:
        text = f"{count_of(len(closed), 'folder')} of {folder} cannot be opened"
        names = [f"{p} ({why.partition(': ')[2]})" for p, why in closed.items()]
        faults.append(Fault("unusable folders", text, names, _OPEN_IT))
    empty = [
        name + (f" (holds {by_ending(inside.passed_over)})" if inside.passed_over else "")
        for name, inside in surveyed.classes.items()
        if not inside.videos and not inside.blocked
    ]
    if empty:
        faults.append(
            Fault(
                "empty class folders",
                f"No video in {count_of(len(empty), 'class folder')} of {folder}",
                empty,
                "Add videos (.mp4, .mkv, .webm, .avi and others, docs/data.md names them; or a "
                f"folder of frames for each), or remove the "
                f"{'folder' if len(empty) == 1 else 'folders'}.",
            )
        )
    deeper = [f"{p} ({why})" for p, why in surveyed.obstacles.items() if p not in closed]
    if deeper:
        faults.append(
            Fault(
                "nested folders",
                f"{count_of(len(deeper), 'folder')} inside class folders of {folder} "
                f"{'is' if len(deeper) == 1 else 'are'} no folder of frames",
                deeper,
                f"Videos lie directly in the folder of their class: {folder}/<class>/<video>.mp4",
            )
        )
    return faults


def _compare(layout: Layout, train: Path, other: Path) -> None:
    first, second = (set(surveyed.classes) for surveyed in layout.surveys.values())
    if not first or not second or first == second:
        return
    names = [f"only in {train.name}/: {name}" for name in sorted(first - second)]
    names += [f"only in {other.name}/: {name}" for name in sorted(second - first)]
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
        surveyed = survey(path)
        if surveyed.loose or any(class_folder.videos for class_folder in surveyed.classes.values()):
            names.append(f"{path.name}/")
    return names


def _split_folder(root: Path, split: Split) -> Path | None:
    return next((root / name for name in _NAMES[split] if (root / name).is_dir()), None)


def _is_split(folder: Path) -> bool:
    """Whether `folder` holds class folders, rather than being a class itself."""
    surveyed = survey(folder)
    inside = surveyed.classes.values()
    return not surveyed.loose and any(
        class_folder.videos or class_folder.blocked for class_folder in inside
    )


def _listed(names: list[str], most: int = 10) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
