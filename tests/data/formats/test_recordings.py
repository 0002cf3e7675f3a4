"""Which names tell that videos were cut from one recording, and which do not."""

import pytest

from gta.data.formats.recordings import find_recordings


def groups(names: list[str], labels: list[int] | None = None) -> dict[str, list[str]]:
    labels = labels or [0] * len(names)
    by_recording: dict[str, list[str]] = {}
    recordings = find_recordings(list(zip(names, labels, strict=True)))
    for name, recording in zip(names, recordings, strict=True):
        if recording is not None:
            by_recording.setdefault(recording.key, []).append(name)
    return by_recording


def is_sure(name: str) -> bool:
    (recording,) = find_recordings([(name, 0)])
    return recording is not None and recording.sure


def test_groups_of_ucf():
    names = [f"Biking/v_Biking_g{g:02}_c{c:02}.avi" for g in (1, 2) for c in (1, 2, 3)]
    assert groups(names) == {"v_Biking_g01": names[:3], "v_Biking_g02": names[3:]}
    assert all(is_sure(name) for name in names)


@pytest.mark.parametrize(
    ("first", "two"),
    [
        ("train/yoga/-bcdef_hijk_000010_000020.mp4", "-bcdef_hijk_000100_000110"),
        ("a/GX010123.MP4", "a/GX020123.MP4"),
    ],
)
def test_names_that_are_sure(first: str, two: str):
    assert is_sure(first)
    assert is_sure(two)
    assert len(groups([first, two])) == 1


@pytest.mark.parametrize(
    "name",
    [
        "{}_{:04}.mp4",
        "{}-{:04}.mp4",
        "{} ({}).mp4",
        "{}-clip{}.mp4",
        "{}_part_{}.mkv",
        "{}.scene-{:03}.mp4",
        "{}clip{}.mp4",
        "{}_00-0{}-30.mp4",
        "{}_0{}.50_09.00.mp4",
        "{}_20240501_12300{}.mp4",
        "{}_2024-05-01T12-30-0{}.mp4",
        "{}_{}00_999.mp4",
        "{}_{}",
    ],
)
def test_pieces_of_recordings(name: str):
    takes = ["match one", "match two", "cam7", "0012"]
    names = [name.format(take, i) for take in takes for i in (1, 2, 3)]
    by_recording = groups(names)
    assert list(by_recording.values()) == [names[i : i + 3] for i in range(0, 12, 3)]
    assert not any(is_sure(name) for name in names)


@pytest.mark.parametrize(
    "name",
    [
        "{:04}.mp4",
        "video_{:04}.mp4",
        "clip-{}.mp4",
        "jump_{:03}.mp4",
        "jump{:03}.mp4",
        "IMG_{:04}.MOV",
        "GH01{:04}.MP4",
        "VID_20240501_1230{:02}.mp4",
        "202405{:02}_123005.mp4",
        "PXL_202405{:02}_123005123.mp4",
        "WhatsApp Video 2024-05-{:02} at 12.30.05.mp4",
        "2024-05-{:02} 12-30-05.mkv",
        "{:016x}.mp4",
        "Screen Recording 2024-05-01 at 12.30.{:02}.mov",
    ],
)
def test_numbering_is_no_recording(name: str):
    names = [name.format(i) for i in range(1, 20)]
    assert all(len(members) == 1 for members in groups(names).values())


def test_numbering_by_class_is_no_recording():
    names = [f"{c}_{i}.mp4" for c in ("jump", "run") for i in range(9)]
    assert groups(names, [0] * 9 + [1] * 9) == {}


def test_names_of_two_cameras_are_no_recordings():
    assert groups([f"{c}_{i:04}.mp4" for c in ("IMG", "MVI", "DSC") for i in range(9)]) == {}


def test_one_numbering_through_all_names_is_no_recording():
    names = [f"{('red', 'green', 'blue')[i % 3]}_{i:03}.mp4" for i in range(30)]
    assert groups(names) == {}


def test_recordings_may_have_clips_of_several_classes():
    names = [f"match{m}_{i}.mp4" for m in range(4) for i in range(4)]
    assert len(groups(names, [0, 0, 1, 1] * 4)) == 4
