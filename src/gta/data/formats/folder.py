"""A folder per class: `root/{train,val,test}/<class>/*`, or `root/<class>/*` split here."""

import hashlib
from collections import Counter, defaultdict
from pathlib import Path

from gta.data.formats.class_folders import JUNK, by_ending, count_of
from gta.data.formats.endings import VIDEO_SUFFIXES as VIDEO_SUFFIXES
from gta.data.formats.folder_layout import Layout, look_at, nothing_to_validate
from gta.data.formats.recordings import find_recordings
from gta.data.formats.scenes import of_known, read_scenes
from gta.data.records import Split, Video, VideoList
from gta.errors import DataError


def read_folder(
    root: Path,
    split: Split,
    *,
    val_fraction: float = 0.2,
    seed: int = 0,
    keep_groups: bool = False,
    scenes: str | None = None,
) -> VideoList:
    """Reads a folder per class; sorted class names give the labels.

    A video is a file with the ending of a video (`gta.data.formats.endings`), or a folder of JPEG
    or PNG frames. Other files of class folders are passed over; a note of the list counts them.
    Without `train` and `val` folders each class is split by itself: its videos are ranked by a hash
    of (seed, id), and the first `val_fraction` of them, but at least one video, are for validation;
    a class of one video is for training alone. A file that is added moves at most one other video
    of its class.

    Args:
        root: The data folder.
        split: Which of its splits.
        val_fraction: Share of each class for validation where the folder has no split.
        seed: Of that split.
        keep_groups: Videos of one recording, by their names (`gta.data.formats.recordings`), stay
            in one part of that split.
        scenes: A csv file with the scene of each video (`gta.data.formats.scenes`): likewise.

    Raises:
        DataError: No class, only one class, a class without videos, folders that are no videos,
            or other classes in `val`. All of it in one message.
    """
    layout = look_at(root, split)
    if layout.faults:
        raise DataError(" ".join(str(fault) for fault in layout.faults))
    known = read_scenes(scenes) if scenes else {}
    if scenes:
        every = [
            id
            for survey in layout.surveys.values()
            for n in survey.classes
            for id in layout.ids(survey, n)
        ]
        known = of_known(known, every, scenes)
    videos = list_split(
        *(layout, split),
        val_fraction=val_fraction,
        seed=seed,
        keep_groups=keep_groups,
        scenes=known,
    )
    if not videos.videos:
        raise DataError(str(nothing_to_validate(root)))
    return videos


def list_split(
    layout: Layout,
    split: Split,
    *,
    val_fraction: float = 0.2,
    seed: int = 0,
    keep_groups: bool = False,
    scenes: dict[str, str] | None = None,
) -> VideoList:
    """The videos of one split; of a layout with faults, those that can be listed."""
    classes = layout.classes
    if layout.own_split:
        chosen = {name: layout.ids(layout.surveys[split], name) for name in classes}
    else:
        every = {name: layout.ids(layout.surveys["train"], name) for name in classes}
        groups = scenes or (_groups(every) if keep_groups else {})
        val = _held_out(every, groups, val_fraction, seed)
        chosen = {
            name: [id for id in ids if (id in val) == (split == "val")]
            for name, ids in every.items()
        }
    videos = [
        Video(id, layout.root / id, label)
        for label, name in enumerate(classes)
        for id in chosen[name]
    ]
    return VideoList(videos, classes, notes=_notes(layout))


def _notes(layout: Layout) -> tuple[str, ...]:
    runs = [path.relative_to(layout.root).as_posix() for path in layout.runs]
    note = f"{count_of(len(runs), 'folder')} of trainings in {layout.root} passed over: "
    return (*_files_passed_over(layout), *([note + ", ".join(runs)] if runs else []))


def _files_passed_over(layout: Layout) -> tuple[str, ...]:
    passed = [path for path in layout.passed_over if not _is_junk(path)]
    if not passed:
        return ()
    single = len(passed) == 1
    return (
        f"{count_of(len(passed), 'file')} in {layout.root} {'is' if single else 'are'} passed "
        f"over, no video{'' if single else 's'} of a class: {by_ending(passed)}; gta check names "
        f"{'it' if single else 'them'}",
    )


def _is_junk(path: Path) -> bool:
    name = path.name.lower()
    return name in JUNK or name.startswith("._") or name in (".git", "__macosx")


def _groups(ids: dict[str, list[str]]) -> dict[str, str]:
    """The recording of each video whose name tells it."""
    names = [(id, label) for label, name in enumerate(sorted(ids)) for id in ids[name]]
    recordings = find_recordings(names)
    return {
        id: recording.key
        for (id, _), recording in zip(names, recordings, strict=True)
        if recording is not None
    }


def _held_out(
    classes: dict[str, list[str]], groups: dict[str, str], val_fraction: float, seed: int
) -> set[str]:
    """The ids of all classes that are for validation; those of a group stay together."""
    wanted = {
        name: min(max(round(len(ids) * val_fraction), 1), len(ids) - 1)
        for name, ids in classes.items()
    }
    spare = {name: len(ids) - 1 for name, ids in classes.items()}  # a video is left for training
    members: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, ids in classes.items():
        for id in ids:
            members[groups.get(id, id)].append((name, id))
    val = set[str]()
    for group in sorted(members, key=lambda group: _rank(seed, group)):
        counts = Counter(name for name, _ in members[group])
        fits = all(count <= spare[name] for name, count in counts.items())
        if fits and any(wanted[name] > 0 for name in counts):
            val.update(id for _, id in members[group])
            for name, count in counts.items():
                wanted[name] -= count
                spare[name] -= count
    return val


def _rank(seed: int, name: str) -> bytes:
    # a name that is not UTF-8 is ranked by its own bytes
    return hashlib.sha256(f"{seed}/{name}".encode(errors="surrogateescape")).digest()
