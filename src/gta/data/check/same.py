"""The same content twice: in both splits, or under two labels."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from gta.data.check.finding import Finding, number
from gta.data.check.inspect import Facts, all_bytes, all_frames
from gta.errors import VideoError

Placed = tuple[str, Facts]
"""The split of a video, and what is known about it."""


def duplicates(train: Sequence[Facts], val: Sequence[Facts]) -> list[Finding]:
    """Videos of equal frames, whatever their names and containers are.

    Equal looks are a reason to compare, and no proof: what begins, ends and goes on in black may
    differ in between. Files of equal bytes are equal; of others, all frames are compared.
    """
    across, two_labels, within = list[str](), list[str](), list[str]()
    for same in _same([*(("train", facts) for facts in train), *(("val", facts) for facts in val)]):
        names = " = ".join(facts.video.id for _, facts in same)
        if len({split for split, _ in same}) > 1:
            across.append(names)
        if len({facts.video.label for _, facts in same}) > 1:
            two_labels.append(names)
        elif len({split for split, _ in same}) == 1:
            within.append(names)
    findings = []
    if across:
        text = (
            f"{number(len(across), 'video is', 'videos are')} in both splits: scores would be too "
            f"good. Remove one of each"
        )
        findings.append(Finding("error", "in both splits", text, across))
    if two_labels:
        text = (
            f"{number(len(two_labels), 'video has', 'videos have')} two labels. Which is correct?"
        )
        findings.append(Finding("error", "two labels", text, two_labels))
    if within:
        text = (
            f"{number(len(within), 'video is', 'videos are')} there more than once in a split, "
            f"under other names"
        )
        findings.append(Finding("warning", "duplicates", text, within))
    return findings


def _same(videos: Sequence[Placed]) -> Iterator[list[Placed]]:
    """Groups of two or more equal videos, in the order of their first."""
    read = [(split, facts) for split, facts in videos if facts.problem is None]
    order = {id(facts): place for place, (_, facts) in enumerate(read)}
    for alike in _grouped(read, lambda facts: facts.looks):
        if len(alike) < 2:
            continue
        equal = _grouped(alike, lambda facts: _digest(all_bytes, facts) or str(id(facts)))
        if len(equal) > 1:
            merged: dict[str, list[Placed]] = defaultdict(list)
            for group in equal:
                first = group[0][1]
                merged[_digest(all_frames, first) or str(id(first))].extend(group)
            equal = list(merged.values())
        for group in equal:
            if len(group) > 1:
                yield sorted(group, key=lambda placed: order[id(placed[1])])


def _grouped(videos: Sequence[Placed], key: Callable[[Facts], str]) -> list[list[Placed]]:
    groups: dict[str, list[Placed]] = defaultdict(list)
    for split, facts in videos:
        groups[key(facts)].append((split, facts))
    return list(groups.values())


def _digest(of: Callable[..., str], facts: Facts) -> str:
    try:
        return of(facts.video.path)
    except (VideoError, OSError):  # it was readable before
        return ""
