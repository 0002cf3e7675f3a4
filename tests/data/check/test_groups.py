"""Recordings with clips in both splits."""

from pathlib import Path

from gta.data.check.groups import groups
from gta.data.records import Video, VideoList


def videos(*ids: str) -> VideoList:
    return VideoList([Video(id, Path(id), 0) for id in ids], ["a"])


def test_groups_of_ucf():
    train = videos("a/v_A_g01_c01.avi", "a/v_A_g01_c02.avi", "a/v_A_g02_c01.avi")
    val = videos("a/v_A_g01_c03.avi", "a/v_A_g03_c01.avi")
    (finding,) = groups(train, val, "move it")
    assert (finding.severity, finding.kind) == ("warning", "groups in both splits")
    assert finding.text == (
        "1 of 3 groups of clips of one recording is in both splits: scores would be too good; "
        "move it"
    )
    assert finding.items == ["v_A_g01 (2 train, 1 val)"]


def test_names_that_make_it_likely():
    def names(parts) -> list[str]:
        return [f"match{m}-{i:03}.mp4" for m in range(4) for i in parts]

    (finding,) = groups(videos(*names((1, 2))), videos(*names((3,))), "move them")
    assert finding.severity == "note"
    assert finding.text == (
        "4 of 4 groups of clips whose names differ in their number alone are in both splits. If "
        "they were cut from one recording, scores would be too good; move them"
    )


def test_whole_groups_and_plain_numbers_are_no_finding():
    assert groups(videos("v_A_g01_c01", "v_A_g01_c02"), videos("v_A_g02_c01"), "") == []
    assert groups(videos(*(f"{i}.mp4" for i in range(9))), videos("10.mp4", "11.mp4"), "") == []
