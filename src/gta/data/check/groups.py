"""Recordings of which both splits have clips."""

from collections import Counter, defaultdict

from gta.data.check.finding import Finding, number
from gta.data.formats.recordings import find_recordings
from gta.data.records import VideoList


def groups(train: VideoList, val: VideoList, way_out: str) -> list[Finding]:
    """Recordings, as far as names tell, that have clips on both sides of the split.

    Args:
        train: Training videos.
        val: Validation videos.
        way_out: What keeps a recording in one split.
    """
    videos = [
        *(("train", video) for video in train.videos),
        *(("val", video) for video in val.videos),
    ]
    recordings = find_recordings([(video.id, video.label) for _, video in videos])
    clips: dict[tuple[bool, str], Counter[str]] = defaultdict(Counter)
    for (split, _), recording in zip(videos, recordings, strict=True):
        if recording is not None:
            clips[recording.sure, recording.key][split] += 1
    findings = []
    for sure in (True, False):
        of_kind = {key: counts for (kind, key), counts in clips.items() if kind == sure}
        both = {key: counts for key, counts in of_kind.items() if len(counts) == 2}
        if not both:
            continue
        items = [f"{key} ({n['train']} train, {n['val']} val)" for key, n in both.items()]
        count = f"{len(both)} of {number(len(of_kind), 'group', 'groups')} of clips"
        if sure:
            text = f"{count} of one recording {_in_both(len(both))}: scores would be too good"
        else:
            text = (
                f"{count} whose names differ in their number alone {_in_both(len(both))}. If they "
                f"were cut from one recording, scores would be too good"
            )
        severity = "warning" if sure else "note"
        findings.append(Finding(severity, "groups in both splits", f"{text}; {way_out}", items))
    return findings


def scenes_in_both(train: VideoList, val: VideoList, scenes: dict[str, str]) -> list[Finding]:
    """Scenes, as a file tells them, that have videos on both sides of the split."""
    sides = [{scenes[v.id] for v in part.videos if v.id in scenes} for part in (train, val)]
    both = sorted(sides[0] & sides[1])
    if not both:
        return []
    told = f"{len(both)} of {number(len(sides[0] | sides[1]), 'scene', 'scenes')}"
    text = (
        f"{told} {_in_both(len(both))}: scores say nothing about other places; let `gta` split "
        f"(a folder without train/ and val/), or part them by hand"
    )
    return [Finding("warning", "scenes in both splits", text, both)]


def _in_both(count: int) -> str:
    return "is in both splits" if count == 1 else "are in both splits"
