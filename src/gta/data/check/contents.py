"""What can be wrong with single videos."""

from collections.abc import Sequence
from statistics import median

from gta.data.check.finding import Finding, number
from gta.data.check.inspect import Facts

UNUSUAL = 20
"""How many times the median length is unusually long."""


def unreadable(facts: Sequence[Facts]) -> list[Finding]:
    """Videos that cannot be decoded."""
    bad = [f"{one.video.path}: {one.problem}" for one in facts if one.problem is not None]
    one = len(bad) == 1
    text = (
        f"{number(len(bad), 'video', 'videos')} cannot be read. Training puts "
        f"{'another in its place and counts it, tests leave it' if one else _OTHERS} out; mend or "
        f"remove {'it' if one else 'them'}"
    )
    return [Finding("error", "unreadable", text, bad)] if bad else []


_OTHERS = "others in their place and counts them, tests leave them"


def cut_off(facts: Sequence[Facts]) -> list[Finding]:
    """Files that end before the end that they tell; what is there can be read."""
    bad = [
        f"{one.video.id}: {number(one.num_frames, 'frame', 'frames')}; {one.cut_off}"
        for one in facts
        if one.problem is None and one.cut_off is not None
    ]
    text = (
        f"{number(len(bad), 'video file is cut off. It is', 'video files are cut off. They are')} "
        f"used as far as {'it goes' if len(bad) == 1 else 'they go'}; copy or download "
        f"{'it' if len(bad) == 1 else 'them'} again"
    )
    return [Finding("warning", "cut off", text, bad)] if bad else []


def frame_counts(facts: Sequence[Facts], clip_frames: int) -> list[Finding]:
    """Videos shorter than a clip, unusually long ones, and annotations that are wrong."""
    read = [one for one in facts if one.problem is None]
    findings = []
    wrong = [
        f"{one.video.id}: annotated {one.video.num_frames}, has {one.num_frames}"
        for one in read
        if one.video.num_frames not in (None, one.num_frames)
    ]
    if wrong:
        text = (
            f"{number(len(wrong), 'video has', 'videos have')} another number of frames than "
            f"annotated"
        )
        findings.append(Finding("error", "wrong frame counts", text, wrong))
    short = [f"{one.video.id} ({one.num_frames})" for one in read if one.num_frames < clip_frames]
    if short:
        text = (
            f"{number(len(short), 'video has', 'videos have')} fewer frames than a clip "
            f"({clip_frames}): frames repeat"
        )
        findings.append(Finding("warning", "short", text, short))
    usual = median([one.num_frames for one in read]) if read else 0
    long = [
        f"{one.video.id} ({one.num_frames})" for one in read if one.num_frames > UNUSUAL * usual
    ]
    if long:
        text = (
            f"{number(len(long), 'video is', 'videos are')} over {UNUSUAL} times as long as the "
            f"median ({usual:g} frames): a clip sees little of {'it' if len(long) == 1 else 'them'}"
        )
        findings.append(Finding("warning", "very long", text, long))
    return findings


def sizes(facts: Sequence[Facts], size: int) -> list[Finding]:
    """Videos that are enlarged to the size of a clip."""
    small = [
        f"{one.video.id} ({one.width}x{one.height})"
        for one in facts
        if one.problem is None and min(one.width, one.height) < size / 2
    ]
    if not small:
        return []
    text = (
        f"{number(len(small), 'video has', 'videos have')} less than half of the clip's {size} "
        f"pixels: {'it is' if len(small) == 1 else 'they are'} enlarged"
    )
    return [Finding("warning", "small", text, small)]
