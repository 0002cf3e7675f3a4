"""What is wrong with a data set, before a run finds out. Nothing is changed or deleted."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from gta.data.check import classes as of_classes
from gta.data.check import contents
from gta.data.check.finding import Finding
from gta.data.check.groups import groups, scenes_in_both
from gta.data.check.inspect import Facts, inspect_video
from gta.data.check.same import duplicates
from gta.data.check.threads import each_result
from gta.data.records import VideoList

_NONE = VideoList([], [])


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All findings, and the facts that they come from."""

    findings: list[Finding]
    summary: dict[str, Any]

    @property
    def ok(self) -> bool:
        """Whether there is no error; warnings and notes may remain."""
        return not any(finding.severity == "error" for finding in self.findings)


def check_videos(
    train: VideoList | None,
    val: VideoList | None,
    *,
    clip_frames: int,
    size: int,
    flip: str,
    trained_classes: Sequence[str] | None = None,
    thorough: bool = False,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
    listing: Sequence[Finding] = (),
    without_videos: Collection[str] = (),
    way_out: str = "move all of one into one split",
    scenes: dict[str, str] | None = None,
) -> CheckReport:
    """Decodes some frames of every video and looks for what would spoil a run.

    Args:
        train: Training videos; None: they could not be listed.
        val: Validation videos, likewise.
        clip_frames: Frames of a clip.
        size: Height and width of a clip in pixels.
        flip: "skip", "remap" or "off": what training does with mirror images.
        trained_classes: Of a model that is to be used with these videos.
        thorough: Decode all frames of every video instead of some.
        workers: Videos decoded at a time.
        progress: Called with (videos done, videos in all).
        listing: What was found while the videos were listed.
        without_videos: Classes of which `listing` says that they have no video.
        way_out: What keeps clips of one recording in one split.
        scenes: By the ids of videos, where they were taken, as far as a file tells it.
    """
    lists = {"train": train or _NONE, "val": val or _NONE}
    videos = [(split, video) for split, part in lists.items() for video in part.videos]
    inspected: dict[int, Facts] = {}
    for done, (index, video_facts) in enumerate(
        each_result(
            lambda entry, stop: inspect_video(entry[1], thorough=thorough, stop=stop),
            videos,
            workers,
        ),
        1,
    ):
        inspected[index] = video_facts
        if progress is not None:
            progress(done, len(videos))
    facts: dict[str, list[Facts]] = {"train": [], "val": []}
    for index, (split, _) in enumerate(videos):
        facts[split].append(inspected[index])
    everything = [*facts["train"], *facts["val"]]
    classes = (train or val or _NONE).classes
    listed = train is not None or val is not None
    findings = [
        *listing,
        *of_classes.other_classes(classes, trained_classes if listed else None),
        *of_classes.missing(lists["train"], lists["val"]),
        *contents.unreadable(everything),
        *duplicates(facts["train"], facts["val"]),
        *groups(lists["train"], lists["val"], way_out),
        *scenes_in_both(lists["train"], lists["val"], scenes or {}),
        *of_classes.class_counts(
            facts["train"] if train is not None else None,
            facts["val"] if val is not None else None,
            classes,
            reported=without_videos,
        ),
        *of_classes.few_to_validate(facts["val"]),
        *contents.cut_off(everything),
        *contents.known_flaws(),
        *contents.frame_counts(everything, clip_frames),
        *contents.sizes(everything, size),
        *of_classes.flips(classes, flip),
        *of_classes.label_order(classes),
    ]
    findings.sort(key=lambda finding: ("error", "warning", "note").index(finding.severity))
    return CheckReport(findings, summary(facts, classes))


def summary(facts: dict[str, list[Facts]], classes: Sequence[str]) -> dict[str, object]:
    """Counts, lengths and sizes of each split, and the videos of each class."""
    result: dict[str, object] = {"classes": len(classes)}
    for split, all_facts in facts.items():
        read = [f for f in all_facts if f.problem is None]
        lengths = [f.num_frames for f in read] or [0]
        shapes = Counter(f"{f.width}x{f.height}" for f in read)
        result[split] = {
            "videos": len(all_facts),
            "unreadable": len(all_facts) - len(read),
            "frames": {"min": min(lengths), "median": median(lengths), "max": max(lengths)},
            "sizes": dict(shapes.most_common()),
        }
    counts = [of_classes.counted(part, len(classes)) for part in facts.values()]
    result["videos_of_class"] = {
        name: dict(zip(facts, numbers, strict=True))
        for name, *numbers in zip(classes, *counts, strict=True)
    }
    return result
