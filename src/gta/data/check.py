"""What is wrong with a data set, before a run finds out. Nothing is changed or deleted."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from statistics import median

from . import findings as look
from .findings import Finding
from .inspect import Facts, inspect_video
from .records import VideoList


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All findings, and the facts that they come from."""

    findings: list[Finding]
    summary: dict[str, object]

    @property
    def ok(self) -> bool:
        """Whether there is no error; warnings and notes may remain."""
        return not any(finding.severity == "error" for finding in self.findings)


def check_videos(
    train: VideoList,
    val: VideoList,
    *,
    clip_frames: int,
    size: int,
    flip: str,
    trained_classes: Sequence[str] | None = None,
    thorough: bool = False,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> CheckReport:
    """Decodes some frames of every video and looks for what would spoil a run.

    Args:
        train: Training videos.
        val: Validation videos.
        clip_frames: Frames of a clip.
        size: Height and width of a clip in pixels.
        flip: "skip", "remap" or "off": what training does with mirror images.
        trained_classes: Of a model that is to be used with these videos.
        thorough: Decode all frames of every video instead of some.
        workers: Videos decoded at a time.
        progress: Called with (videos done, videos in all).
    """
    facts = {"train": list[Facts](), "val": list[Facts]()}
    total, done = len(train) + len(val), 0
    with ThreadPoolExecutor(workers) as pool:
        jobs = {
            pool.submit(inspect_video, video, thorough=thorough): (split, index)
            for split, videos in (("train", train), ("val", val))
            for index, video in enumerate(videos.videos)
        }
        found: dict[tuple[str, int], Facts] = {}
        for job in as_completed(jobs):
            found[jobs[job]] = job.result()
            done += 1
            if progress is not None:
                progress(done, total)
    for split, index in sorted(found):
        facts[split].append(found[split, index])
    everything = [*facts["train"], *facts["val"]]
    findings = [
        *look.other_classes(train.classes, trained_classes),
        *look.missing(train, val),
        *look.unreadable(everything),
        *look.duplicates(facts["train"], facts["val"]),
        *look.class_counts(train, val),
        *look.cut_off(everything),
        *look.frame_counts(everything, clip_frames),
        *look.sizes(everything, size),
        *look.flips(train.classes, flip),
        *look.label_order(train.classes),
    ]
    return CheckReport(findings, summary(facts, train.classes))


def summary(facts: dict[str, list[Facts]], classes: Sequence[str]) -> dict[str, object]:
    """Counts, lengths and sizes of each split."""
    told: dict[str, object] = {"classes": len(classes)}
    for split, all_facts in facts.items():
        read = [one for one in all_facts if one.problem is None]
        lengths = [one.num_frames for one in read] or [0]
        shapes = Counter(f"{one.width}x{one.height}" for one in read)
        told[split] = {
            "videos": len(all_facts),
            "unreadable": len(all_facts) - len(read),
            "frames": {"min": min(lengths), "median": median(lengths), "max": max(lengths)},
            "sizes": dict(shapes.most_common(5)),
        }
    return told
