"""What can be wrong with classes: their names, their order, and how many videos they have."""

from collections import Counter
from collections.abc import Collection, Sequence
from math import sqrt

from gta.data.check.finding import Finding, number
from gta.data.check.inspect import Facts
from gta.data.records import VideoList
from gta.data.transforms.flips import flip_partners

FEW = 5
"""Training videos of a class below which a warning is given."""
UNEQUAL = 3
"""How many times as many videos one class has as another before it is told."""
VERY_UNEQUAL = 10
"""Likewise, before it is a warning."""
ROUGH, VERY_ROUGH = 0.05, 0.15
"""Half of the interval of an accuracy above which it is told, and is a warning."""
_Z = 1.959964
"""Of 95 %."""


def other_classes(classes: Sequence[str], trained: Sequence[str] | None) -> list[Finding]:
    """Whether a model was trained for other classes, or for another order of them."""
    if trained is None or list(classes) == list(trained):
        return []
    names = [f"only in the data: {name}" for name in classes if name not in trained]
    names += [f"only in the model: {name}" for name in trained if name not in classes]
    count = f"{number(len(trained), 'class', 'classes')}, the data {len(classes)}"
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
            text = (
                f"{lost} of {total} {split} videos of the annotation "
                f"{'is' if lost == 1 else 'are'} not there. Skipped"
            )
            findings.append(Finding("warning", "missing", text, list(videos.missing)))
    return findings


def class_counts(
    train: Sequence[Facts] | None,
    val: Sequence[Facts] | None,
    classes: Sequence[str],
    *,
    reported: Collection[str] = (),
) -> list[Finding]:
    """Classes without videos that can be read, with very few, or with far more than others.

    Args:
        train: Training videos; None: they could not be listed.
        val: Validation videos, likewise.
        classes: Names by label.
        reported: Classes of which another finding has said that they have none.
    """
    findings = []
    if train is not None:
        findings += _without(train, classes, reported, "training", "error", "cannot be learned")
    if val is not None:
        findings += _without(val, classes, reported, "validation", "warning", "not tested")
    if train is None:
        return findings
    counts = counted(train, len(classes))
    few = [f"{classes[i]} ({n})" for i, n in enumerate(counts) if 0 < n < FEW]
    if few:
        text = f"{number(len(few), 'class has', 'classes have')} fewer than {FEW} training videos"
        findings.append(Finding("warning", "few videos", text, few))
    scored = None if val is None else counted(val, len(classes))
    return findings + _imbalance(counts, scored, classes)


def counted(facts: Sequence[Facts], num_classes: int) -> list[int]:
    """Videos of each class."""
    counts = Counter(f.video.label for f in facts)
    return [counts[label] for label in range(num_classes)]


def _without(
    facts: Sequence[Facts],
    classes: Sequence[str],
    reported: Collection[str],
    split: str,
    severity: str,
    follows: str,
) -> list[Finding]:
    counts = counted(facts, len(classes))
    read = counted([f for f in facts if f.problem is None], len(classes))
    none = [name for name, n in zip(classes, counts, strict=True) if not n and name not in reported]
    lost = [
        f"{name} ({n})"
        for name, n, well in zip(classes, counts, read, strict=True)
        if n and not well
    ]
    findings = []
    verb = ("is " if "tested" in follows else "", "are " if "tested" in follows else "")
    for kind, names, what in (
        (f"no {split} video", none, f"no {split} video"),
        (f"no readable {split} video", lost, f"no {split} video that can be read"),
    ):
        if names:
            it = f"it {verb[0]}{follows}" if len(names) == 1 else f"they {verb[1]}{follows}"
            text = f"{number(len(names), 'class has', 'classes have')} {what}: {it}"
            findings.append(
                Finding("error" if severity == "error" else "warning", kind, text, names)
            )
    return findings


def _imbalance(
    counts: Sequence[int], val: Sequence[int] | None, classes: Sequence[str]
) -> list[Finding]:
    present = [i for i, n in enumerate(counts) if n]
    if not present:
        return []
    most, least = (pick(present, key=counts.__getitem__) for pick in (max, min))
    times = counts[most] / counts[least]
    if times < UNEQUAL:
        return []
    share = counts[most] / sum(counts)
    scored = val is not None and sum(val) and val[most] / sum(val)
    always = f"{scored:.0%} of the validation videos" if scored else f"{share:.0%} of the videos"
    text = (
        f"{classes[most]!r} has {counts[most]} training videos, {classes[least]!r} "
        f"{counts[least]}: {times:.3g} times as many. A model that always answers "
        f"{classes[most]!r} is correct on {always}; look at the mean class accuracy of gta test too"
    )
    by_count = sorted(present, key=lambda i: (-counts[i], classes[i]))
    items = [f"{classes[i]} ({counts[i]})" for i in by_count]
    severity = "warning" if times >= VERY_UNEQUAL else "note"
    return [Finding(severity, "imbalance", text, items)]


def few_to_validate(val: Sequence[Facts] | None) -> list[Finding]:
    """What an accuracy on so few validation videos says."""
    n = sum(f.problem is None for f in val or ())
    if not n:
        return []
    # Wilson's interval at an accuracy of one half, where it is widest
    half = _Z / 2 / sqrt(n + _Z**2)
    if half < ROUGH:
        return []
    text = (
        f"{number(n, 'validation video', 'validation videos')} can be read: an accuracy of 50 % on "
        f"{'it' if n == 1 else 'them'} means {50 - 100 * half:.0f} to {50 + 100 * half:.0f} % "
        f"(95 % interval). Models that differ by less cannot be told apart"
    )
    severity = "warning" if half > VERY_ROUGH else "note"
    return [Finding(severity, "few validation videos", text)]


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
        text = (
            f"{number(len(pairs), 'pair of classes is', 'pairs of classes are')} mirror images of "
            f"each other; {effect} (augment.flip={flip})"
        )
        findings.append(Finding("note", "mirrored pairs", text, names))
    lone = [classes[label] for label in sorted(rules.lone)]
    if lone:
        single = len(lone) == 1
        text = (
            f"{number(len(lone), 'class has', 'classes have')} a direction, and there is none for "
            f"the other. {'It is' if single else 'They are'} not mirrored either"
        )
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
