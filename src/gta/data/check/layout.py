"""The splits of a data set as far as they can be listed, and what keeps the rest from it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gta.data.check.finding import Finding, number
from gta.data.decode.picture_names import PICTURE_SUFFIXES
from gta.data.formats.class_folders import by_ending, is_hidden
from gta.data.formats.endings import is_video_name
from gta.data.formats.folder import list_split
from gta.data.formats.folder_layout import Layout, look_at, nothing_to_validate
from gta.data.formats.prepared import find_manifest
from gta.data.records import Split, VideoList
from gta.data.storage.locations import is_url
from gta.errors import DataError

_KEEP = "--set data.keep_groups=true keeps each in one split, in a new run"
_MOVE = "move all of one into one split"


@dataclass(frozen=True, slots=True)
class Listed:
    """What `gta check` looks through."""

    train: VideoList | None
    """None: it could not be listed; a finding says why."""
    val: VideoList | None
    findings: list[Finding] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    """Classes of which a finding says that they have no video."""
    way_out: str = _MOVE
    """What keeps clips of one recording in one split."""


def is_folder_of_classes(format: str, root: str) -> bool:
    """Whether a data set is read from folders of classes as they lie there."""
    if format not in ("folder", "kinetics") or is_url(root):
        return False
    folder = Path(root).expanduser()
    if not folder.is_dir() or find_manifest(folder) is not None:
        return False
    annotated = (folder / name for name in (".", "annotations", "labels"))
    return format == "folder" or not any(
        list(part.glob("*.csv")) + list(part.glob("*.json")) for part in annotated
    )


def list_annotated(read: Callable[[Split], VideoList]) -> Listed:
    """Both splits of a data set that has an annotation; either may be missing or wrong.

    Raises:
        DataError: Neither can be listed, for the same reason.
    """
    splits: dict[Split, VideoList | None] = {}
    reasons: dict[Split, DataError] = {}
    for split in ("train", "val"):
        try:
            splits[split] = read(split)
        except DataError as error:
            splits[split], reasons[split] = None, error
    if len(reasons) == 2 and len({str(error) for error in reasons.values()}) == 1:
        raise reasons["train"]
    names = {"train": "training", "val": "validation"}
    findings = [
        Finding("error", "no list", f"The {names[split]} videos cannot be listed: {error}")
        for split, error in reasons.items()
    ]
    notes = dict.fromkeys(
        note for videos in splits.values() if videos is not None for note in videos.notes
    )
    findings += [Finding("note", "annotation", note) for note in notes]
    return Listed(splits["train"], splits["val"], findings)


def list_folders(
    root: Path,
    *,
    val_fraction: float,
    seed: int,
    keep_groups: bool,
    scenes: dict[str, str] | None = None,
) -> Listed:
    """Both splits of a folder per class, with all that is wrong with the folders."""
    layout = look_at(root)
    findings = [
        Finding("error", fault.kind, f"{fault.text}. {fault.way_out}", fault.items)
        for fault in layout.faults
    ]
    findings += _passed_over(layout)
    empty = [
        name
        for survey in layout.surveys.values()
        for name, inside in survey.classes.items()
        if not inside.videos
    ]
    if layout.own_split:
        parts = set.symmetric_difference(
            *(set(survey.classes) for survey in layout.surveys.values())
        )
        empty += sorted(parts)
    if not layout.classes:
        return Listed(None, None, findings)
    lists = [
        list_split(
            *(layout, split),
            val_fraction=val_fraction,
            seed=seed,
            keep_groups=keep_groups,
            scenes=scenes,
        )
        for split in ("train", "val")
    ]
    val = lists[1]
    if not val.videos and lists[0].videos and not layout.own_split:
        fault = nothing_to_validate(root)
        findings.append(Finding("error", fault.kind, f"{fault.text}. {fault.way_out}"))
        val = None
    way_out = _MOVE if layout.own_split else _KEEP
    return Listed(lists[0], val, findings, empty, way_out)


def _passed_over(layout: Layout) -> list[Finding]:
    """Everything in the folders that is not used, by its kind."""
    surveys = layout.surveys.values()
    loose = [path for survey in surveys for path in survey.loose]
    inside = [
        path for survey in surveys for name in survey.classes.values() for path in name.passed_over
    ]
    hidden = [path for path in inside if is_hidden(path.name)]
    hidden += [path for survey in surveys for path in survey.hidden]
    shown = [path for path in inside if not is_hidden(path.name)]
    pictures = [path for path in shown if path.suffix.lower() in PICTURE_SUFFIXES]
    beside = [path for path in shown if is_video_name(path)]
    apart = {*pictures, *beside}
    rest = [path for path in shown if path not in apart]
    findings = []
    for kind, files, text in (
        (
            "videos beside the classes",
            loose,
            f"{number(len(loose), 'video lies', 'videos lie')} beside the class folders, in none "
            f"of them. Passed over",
        ),
        (
            "pictures among videos",
            pictures,
            f"{number(len(pictures), 'picture lies', 'pictures lie')} directly in class folders "
            f"({by_ending(pictures)}). Passed over: frames of a video are a folder of their own",
        ),
        (
            "other files",
            rest,
            f"{number(len(rest), 'file', 'files')} in class folders without the ending of a "
            f"video: {by_ending(rest)}. Passed over; docs/data.md has the endings",
        ),
        (
            "videos beside frames",
            beside,
            f"{number(len(beside), 'video lies', 'videos lie')} in folders of frames. Passed "
            f"over: the pictures are the video",
        ),
    ):
        if files:
            findings.append(Finding("warning", kind, text, _names(layout, files)))
    if layout.runs:
        text = (
            f"{number(len(layout.runs), 'folder', 'folders')} of trainings (gta train's --out) "
            f"among the videos. Passed over; move them out of the data set"
        )
        findings.append(Finding("warning", "trainings", text, _names(layout, layout.runs)))
    if layout.unused:
        text = (
            f"{number(len(layout.unused), 'name lies', 'names lie')} beside the folders of the "
            f"splits, with videos that are not read"
        )
        findings.append(Finding("warning", "beside the splits", text, layout.unused))
    if hidden:
        text = f"{number(len(hidden), 'hidden entry is', 'hidden entries are')} passed over"
        findings.append(Finding("note", "hidden files", text, _names(layout, hidden)))
    return findings


def _names(layout: Layout, paths: Sequence[Path]) -> list[str]:
    return sorted(path.relative_to(layout.root).as_posix() for path in paths)
