"""What can be wrong with single videos."""

from collections.abc import Sequence
from statistics import median

import av

from gta.data.check.finding import Finding, number
from gta.data.check.inspect import Facts
from gta.data.decode import codecs

UNUSUAL = 20
"""How many times the median length is unusually long."""


def unreadable(facts: Sequence[Facts]) -> list[Finding]:
    """Videos that cannot be decoded."""
    bad = [f"{f.video.path}: {f.problem}" for f in facts if f.problem is not None]
    it, another = ("it", "another video") if len(bad) == 1 else ("them", "other videos")
    text = (
        f"{number(len(bad), 'video', 'videos')} cannot be read. Training replaces {it} by "
        f"{another} and counts {it}, tests skip {it}; repair or remove {it}"
    )
    return [Finding("error", "unreadable", text, bad)] if bad else []


def known_flaws(version: str | None = None) -> list[Finding]:
    """What is known of the FFmpeg that decodes them, `version` if not that of PyAV."""
    flaws = codecs.known_flaws(version)
    text = (
        f"The FFmpeg that decodes videos, {version or av.ffmpeg_version_info}, has flaws that a "
        f"video from a stranger could use: pip install --upgrade av"
    )
    return [Finding("warning", "FFmpeg", text, flaws)] if flaws else []


def cut_off(facts: Sequence[Facts]) -> list[Finding]:
    """Files that end before the end that they tell; what is there can be read."""
    bad = [
        f"{f.video.id}: {number(f.num_frames, 'frame', 'frames')}; {f.cut_off}"
        for f in facts
        if f.problem is None and f.cut_off is not None
    ]
    text = (
        f"{number(len(bad), 'video file is cut off. It is', 'video files are cut off. They are')} "
        f"used as far as {'it goes' if len(bad) == 1 else 'they go'}; copy or download "
        f"{'it' if len(bad) == 1 else 'them'} again"
    )
    return [Finding("warning", "cut off", text, bad)] if bad else []


def frame_counts(facts: Sequence[Facts], clip_frames: int) -> list[Finding]:
    """Videos shorter than a clip, unusually long videos, and annotations that are wrong."""
    read = [f for f in facts if f.problem is None]
    findings = []
    wrong = [
        f"{f.video.id}: annotated {f.video.num_frames}, has {f.num_frames}"
        for f in read
        if f.video.num_frames not in (None, f.num_frames)
    ]
    if wrong:
        text = (
            f"{number(len(wrong), 'video has', 'videos have')} another number of frames than "
            f"annotated"
        )
        findings.append(Finding("error", "wrong frame counts", text, wrong))
    short = [f"{f.video.id} ({f.num_frames})" for f in read if f.num_frames < clip_frames]
    if short:
        text = (
            f"{number(len(short), 'video has', 'videos have')} fewer frames than a clip "
            f"({clip_frames}): frames repeat"
        )
        findings.append(Finding("warning", "short", text, short))
    usual = median([f.num_frames for f in read]) if read else 0
    long = [f"{f.video.id} ({f.num_frames})" for f in read if f.num_frames > UNUSUAL * usual]
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
        f"{f.video.id} ({f.width}x{f.height})"
        for f in facts
        if f.problem is None and min(f.width, f.height) < size / 2
    ]
    if not small:
        return []
    text = (
        f"{number(len(small), 'video has', 'videos have')} less than half of the clip's {size} "
        f"pixels: {'it is' if len(small) == 1 else 'they are'} enlarged"
    )
    return [Finding("warning", "small", text, small)]
