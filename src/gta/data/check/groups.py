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
    videos = [*(("train", one) for one in train.videos), *(("val", one) for one in val.videos)]
    found = find_recordings([(one.id, one.label) for _, one in videos])
    clips: dict[tuple[bool, str], Counter[str]] = defaultdict(Counter)
    for (split, _), recording in zip(videos, found, strict=True):
        if recording is not None:
            clips[recording.sure, recording.key][split] += 1
    findings = []
    for sure in (True, False):
        of_kind = {key: counts for (kind, key), counts in clips.items() if kind == sure}
        both = {key: counts for key, counts in of_kind.items() if len(counts) == 2}
        if not both:
            continue
        items = [f"{key} ({n['train']} train, {n['val']} val)" for key, n in both.items()]
        told = f"{len(both)} of {number(len(of_kind), 'group', 'groups')} of clips"
        if sure:
            text = f"{told} of one recording {_in_both(len(both))}: scores would be too good"
        else:
            text = (
                f"{told} whose names differ in their number alone {_in_both(len(both))}. If they "
                f"were cut from one recording, scores would be too good"
            )
        severity = "warning" if sure else "note"
        findings.append(Finding(severity, "groups in both splits", f"{text}; {way_out}", items))
    return findings


def _in_both(count: int) -> str:
    return "is in both splits" if count == 1 else "are in both splits"
