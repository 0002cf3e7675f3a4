"""What can be wrong with a data set: each function looks for one kind of fault."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

from .flips import flip_partners
from .inspect import Facts
from .records import VideoList

Severity = Literal["error", "warning", "note"]
FEW = 5
"""Training videos of a class below which a warning is given."""
CUT_OFF = 0.8
"""Share of the announced frames below which a video counts as cut off."""
UNUSUAL = 20
"""How many times the median length is unusually long."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of thing that was found, and where."""

    severity: Severity
    kind: str
    text: str
    """What it means and what to do."""
    items: list[str] = field(default_factory=list)
    """The videos or classes concerned."""


def other_classes(classes: Sequence[str], trained: Sequence[str] | None) -> list[Finding]:
    """Whether a model was trained for other classes, or for another order of them."""
    if trained is None or list(classes) == list(trained):
        return []
    names = [f"only in the data: {name}" for name in classes if name not in trained]
    names += [f"only in the model: {name}" for name in trained if name not in classes]
    count = f"{len(trained)} classes, the data {len(classes)}"
    text = f"The model has other classes: it has {count}. It cannot be tested on these videos"
    if not names:
        text = "The model has the same classes in another order: its answers would be mistaken"
        pairs = zip(classes, trained, strict=True)
        names = [f"{i}: {a}, in the model {b}" for i, (a, b) in enumerate(pairs) if a != b]
    return [Finding("error", "other classes", text, names)]


def missing(train: VideoList, val: VideoList) -> list[Finding]:
    """Videos that the annotation names and the disk lacks."""
    findings = []
    for split, videos in (("training", train), ("validation", val)):
        if videos.missing:
            lost, total = len(videos.missing), len(videos) + len(videos.missing)
            text = f"{lost} of {total} {split} videos of the annotation are not there. Left out"
            findings.append(Finding("warning", "missing", text, list(videos.missing)))
    return findings


def unreadable(facts: list[Facts]) -> list[Finding]:
    """Videos that cannot be decoded."""
    bad = [f"{one.video.path}: {one.problem}" for one in facts if one.problem is not None]
    text = (
        f"Videos that cannot be read: {len(bad)}. Training puts others in their place and counts "
        f"them, tests leave them out; mend or remove them"
    )
    return [Finding("error", "unreadable", text, bad)] if bad else []


def cut_off(facts: list[Facts]) -> list[Finding]:
    """Files that end before the time that their header tells: what is there can be read."""
    bad = [
        f"{one.video.id}: {one.num_frames} of {one.announced} frames"
        for one in facts
        if one.announced is not None and one.num_frames < CUT_OFF * one.announced
    ]
    text = f"Videos cut off, by their headers: {len(bad)}. They are used as far as they go"
    return [Finding("warning", "cut off", text, bad)] if bad else []


def duplicates(train: list[Facts], val: list[Facts]) -> list[Finding]:
    """The same content twice: in both splits, or under two labels."""
    places: dict[str, list[tuple[str, Facts]]] = defaultdict(list)
    for split, facts in (("train", train), ("val", val)):
        for one in facts:
            if one.problem is None:
                places[one.fingerprint].append((split, one))
    across, labelled, within = list[str](), list[str](), list[str]()
    for same in places.values():
        names = " = ".join(one.video.id for _, one in same)
        if len({split for split, _ in same}) > 1:
            across.append(names)
        if len({one.video.label for _, one in same}) > 1:
            labelled.append(names)
        elif len(same) > 1 and len({split for split, _ in same}) == 1:
            within.append(names)
    findings = []
    if across:
        text = f"Videos in both splits: {len(across)}. Scores would be too good; remove one of each"
        findings.append(Finding("error", "in both splits", text, across))
    if labelled:
        text = f"Videos with two labels: {len(labelled)}. Which is right?"
        findings.append(Finding("error", "two labels", text, labelled))
    if within:
        text = f"Videos there more than once in a split: {len(within)}"
        findings.append(Finding("warning", "duplicates", text, within))
    return findings


def class_counts(train: VideoList, val: VideoList) -> list[Finding]:
    """Classes without videos, or with very few."""
    classes = train.classes
    counts = {
        split: Counter(video.label for video in videos.videos)
        for split, videos in (("train", train), ("val", val))
    }
    findings = []
    none = [name for label, name in enumerate(classes) if not counts["train"][label]]
    if none:
        text = f"Classes without a training video: {len(none)}. They cannot be learned"
        findings.append(Finding("error", "no training video", text, none))
    untested = [name for label, name in enumerate(classes) if not counts["val"][label]]
    if untested:
        text = f"Classes without a validation video: {len(untested)}. They are not tested"
        findings.append(Finding("warning", "no validation video", text, untested))
    few = [
        f"{name} ({counts['train'][label]})"
        for label, name in enumerate(classes)
        if 0 < counts["train"][label] < FEW
    ]
    if few:
        text = f"Classes with fewer than {FEW} training videos: {len(few)}"
        findings.append(Finding("warning", "few videos", text, few))
    return findings


def frame_counts(facts: list[Facts], clip_frames: int) -> list[Finding]:
    """Videos shorter than a clip, unusually long ones, and annotations that are wrong."""
    read = [one for one in facts if one.problem is None]
    findings = []
    wrong = [
        f"{one.video.id}: annotated {one.video.num_frames}, has {one.num_frames}"
        for one in read
        if one.video.num_frames not in (None, one.num_frames)
    ]
    if wrong:
        text = f"Videos with another number of frames than annotated: {len(wrong)}"
        findings.append(Finding("error", "wrong frame counts", text, wrong))
    short = [f"{one.video.id} ({one.num_frames})" for one in read if one.num_frames < clip_frames]
    if short:
        text = f"Videos with fewer frames than a clip ({clip_frames}): {len(short)}. Frames repeat"
        findings.append(Finding("warning", "short", text, short))
    usual = median([one.num_frames for one in read]) if read else 0
    long = [
        f"{one.video.id} ({one.num_frames})" for one in read if one.num_frames > UNUSUAL * usual
    ]
    if long:
        text = f"Videos over {UNUSUAL} times as long as the median ({usual:g} frames): {len(long)}"
        findings.append(Finding("warning", "very long", text, long))
    return findings


def sizes(facts: list[Facts], size: int) -> list[Finding]:
    """Videos that are enlarged to the size of a clip."""
    small = [
        f"{one.video.id} ({one.width}x{one.height})"
        for one in facts
        if one.problem is None and min(one.width, one.height) < size / 2
    ]
    if not small:
        return []
    text = (
        f"Videos with less than half of the clip's {size} pixels: {len(small)}. They are enlarged"
    )
    return [Finding("warning", "small", text, small)]


def flips(classes: Sequence[str], flip: str) -> list[Finding]:
    """What mirror images do to classes whose names have a direction."""
    rules = flip_partners(classes)
    findings = []
    pairs = sorted({tuple(sorted((label, rules.partner[label]))) for label in rules.directional})
    if pairs:
        effect = {
            "skip": "their clips are not mirrored",
            "remap": "their mirrored clips get the other label",
            "off": "no clip is mirrored",
        }[flip]
        names = [f"{classes[a]} | {classes[b]}" for a, b in pairs]
        count = f"{len(pairs)} pairs"
        text = f"Classes that are mirror images: {count}; {effect} (augment.flip={flip})"
        findings.append(Finding("note", "mirrored pairs", text, names))
    lone = [classes[label] for label in sorted(rules.lone)]
    if lone:
        text = f"Classes with a direction, but none for the other: {len(lone)}. Not mirrored either"
        findings.append(Finding("note", "lone directions", text, lone))
    return findings


def label_order(classes: Sequence[str]) -> list[Finding]:
    """Whether labels are in another order than the sorted names that other projects use."""
    if list(classes) == sorted(classes):
        return []
    text = (
        "The labels are in the order of the data set's file, not alphabetical: weights and scores "
        "of projects that sort the names have other labels"
    )
    return [Finding("note", "label order", text)]
