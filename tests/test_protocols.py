import itertools

import pytest

from gta.data.sampling import segment_indices
from gta.errors import UsageError
from gta.protocols import parse_protocol


@pytest.mark.parametrize(
    ("name", "crops", "clips", "size", "resize"),
    [
        ("1x1-center224", 1, 1, 224, (240, 320)),
        ("1x2-center224", 1, 2, 224, (240, 320)),
        ("1x1-center256", 1, 1, 256, 256),
        ("1x1-center224@256", 1, 1, 224, 256),
        ("1x1-center112@128", 1, 1, 112, 128),
        ("3x2-full256", 3, 2, 256, 256),
        ("3x10-256", 3, 10, 256, 256),
        ("3x1-full224", 3, 1, 224, 224),
        ("1x1-left256", 1, 1, 256, 256),
    ],
)
def test_names(name: str, crops: int, clips: int, size: int, resize):
    protocol = parse_protocol(name)
    assert (protocol.num_crops, protocol.num_clips) == (crops, clips)
    assert (protocol.size, protocol.resize) == (size, resize)
    assert protocol.num_views == crops * clips
    assert str(protocol).startswith(f"{name} ({crops * clips} view")


def test_mirror_images():
    protocol = parse_protocol("1x2-center160@176+flip")
    assert (protocol.flip, protocol.num_views, protocol.resize) == (True, 4, 176)
    assert not parse_protocol("1x2-center160@176").flip


def test_places():
    names = ("1x1-center256", "1x1-left256", "3x1-256")
    assert [parse_protocol(name).places for name in names] == [(1,), (0,), (0, 1, 2)]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("center224", "'center224' is not an evaluation protocol. Its form is crops x clips"),
        ("1x1-middle224", "is not an evaluation protocol"),
        ("1x1-center", "is not an evaluation protocol"),
        (
            "3x1-center224",
            "`center` and `left` go with 1 crop and `full` with 3, .* 1x1-center224 or 3x1-",
        ),
        ("1x4-full256", "for example 1x4-center256 or 3x4-full256"),
        ("2x1-256", "`center` and `left` go with 1 crop"),
        ("1x0-center224", "there is at least 1 clip; for example 1x1-center224"),
        ("1x1-center224@200", "a crop of 224 does not fit into a short side of 200"),
    ],
)
def test_impossible_names(name: str, message: str):
    with pytest.raises(UsageError, match=message):
        parse_protocol(name)


def test_clips_are_distinct_and_cover_the_video():
    protocol = parse_protocol("3x10-256")
    clips = [
        segment_indices(160, 8, view=view, num_views=protocol.num_clips)
        for view in range(protocol.num_clips)
    ]
    assert len({tuple(clip) for clip in clips}) == 10
    frames = sorted(index for clip in clips for index in clip)
    gaps = [after - before for before, after in itertools.pairwise(frames)]
    assert max(gaps) <= 2
    assert frames[0] <= 1
    assert frames[-1] >= 158
