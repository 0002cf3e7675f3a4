"""The rules of public projects against their integer tables; see golden/README.md."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from gta.data.dataset import ViewClips
from gta.data.decode import frame_rate
from gta.data.records import Video, VideoList
from gta.data.sampling import Sampling, segment_indices
from gta.data.sampling.public import (
    pyslowfast_indices,
    pyslowfast_ssv2_indices,
    tsm_twice_indices,
    tsm_validation_indices,
)
from gta.data.transforms.clip import ViewTransform

GOLDEN = Path(__file__).parent.parent / "golden"
TSM = json.loads((GOLDEN / "sampling_tsm_frames.json").read_text())["cases"]
SSV2 = json.loads((GOLDEN / "sampling_psf_ssv2.json").read_text())["cases"]
KINETICS = json.loads((GOLDEN / "sampling_psf_temporal.json").read_text())["cases"]


class Numpy:
    """The generator with which TSM's tables were drawn, under the names of the new generator."""

    def __init__(self, seed: int):
        self.state = np.random.RandomState(seed)

    def integers(self, low, high=None, size=None):
        return self.state.randint(low, high, size=size)


class Python:
    """The same for PySlowFast's."""

    def __init__(self, seed: int):
        self.state = random.Random(seed)

    def integers(self, low, high):
        return self.state.randint(low, high - 1)


def views(mode: str, n: int, segments: int, num_views: int) -> list[int]:
    return [
        index
        for view in range(num_views)
        for index in Sampling(mode)(n, segments, view=view, num_views=num_views)
    ]


@pytest.mark.parametrize("segments", [8, 16])
@pytest.mark.parametrize(
    ("table", "mode", "num_views"),
    [
        ("val_uniform", "tsm_validation", 1),
        ("test_uniform", "segments", 1),
        ("test_twice", "tsm_twice", 2),
        ("test_dense", "tsm_dense", 10),
    ],
)
def test_views_of_tsm(table: str, mode: str, num_views: int, segments: int):
    cases = TSM[f"{table}_seg{segments}"]
    assert len(cases) >= 25
    for n, expected in cases.items():
        assert views(mode, int(n), segments, num_views) == expected, n


@pytest.mark.parametrize("segments", [8, 16])
@pytest.mark.parametrize(("table", "mode"), [("uniform", "segments"), ("dense", "tsm_dense")])
def test_training_clips_of_tsm(table: str, mode: str, segments: int):
    for n, expected in TSM[f"train_{table}_seg{segments}_seed7"].items():
        if table == "uniform" and int(n) < segments:
            continue  # TSM repeats the first frame; see test_sampling.py
        assert Sampling(mode)(int(n), segments, rng=Numpy(7)) == expected, n


@pytest.mark.parametrize("segments", [8, 16, 32, 64])
def test_views_of_pyslowfast_on_something_something(segments: int):
    for n, expected in SSV2[f"val_and_test_frames{segments}"].items():
        assert Sampling("pyslowfast_ssv2")(int(n), segments) == expected, n


def test_training_clips_of_pyslowfast_on_something_something():
    for n, expected in SSV2["train_frames16_random.seed(3)_before_each"].items():
        assert pyslowfast_ssv2_indices(int(n), 16, rng=Python(3)) == expected, n


def test_views_of_pyslowfast_on_kinetics():
    assert len(KINETICS) > 100
    for case in KINETICS:
        for view, (_, _, expected) in enumerate(case["clips"]):
            assert expected == pyslowfast_indices(
                case["video_frames"],
                case["num_frames"],
                case["sampling_rate"],
                fps=case["fps"],
                target_fps=case["target_fps"],
                view=view,
                num_views=case["num_clips"],
                use_offset=case["use_offset"],
            )


def test_training_clips_of_pyslowfast_on_kinetics_start_anywhere():
    draws = [pyslowfast_indices(100, 8, 8, rng=np.random.default_rng(seed)) for seed in range(300)]
    starts = {draw[0] for draw in draws}
    assert (min(starts), max(starts)) == (0, 35)
    assert all(np.isin(np.diff(draw), (8, 9, 10)).all() for draw in draws)


def test_a_video_of_a_lower_frame_rate_is_shown_as_long(tmp_path, write_video, frame_numbers):
    """A stride of 5 at 30 frames a second is one of 2 at 12."""
    video = write_video(tmp_path / "slow.mp4", 24)
    assert frame_rate(video) == 12
    videos = VideoList([Video("slow", video, 0)], ["a"])
    views = ViewClips(
        videos,
        num_frames=4,
        transform=ViewTransform(size=32, resize=(32, 32)),
        sampling=Sampling("pyslowfast", 5),
    )
    expected = pyslowfast_indices(24, 4, 5, fps=12.0)
    assert frame_numbers(views[0].clip[0].transpose(0, 1)) == expected == [0, 2, 4, 7]


def test_pictures_have_no_frame_rate(tmp_path, write_pictures):
    assert frame_rate(write_pictures(tmp_path / "frames", 3)) is None


LENGTHS = np.arange(1, 4001)


@pytest.mark.parametrize("segments", [*range(1, 33), 64])
def test_every_length_as_tsm_computes_it(segments: int):
    """In double precision: a length of n/S frames, half of it, and as many of it as segments."""
    tick = (LENGTHS / segments)[:, None]
    beginnings = np.trunc(tick * np.arange(segments)).astype(int).tolist()
    centers = np.trunc(tick / 2 + tick * np.arange(segments)).astype(int).tolist()
    for n, begin, center in zip(LENGTHS.tolist(), beginnings, centers, strict=True):
        assert tsm_twice_indices(n, segments, view=0) == center, n
        assert tsm_twice_indices(n, segments, view=1) == begin, n
        in_training = center if n > segments else [0] * segments
        assert tsm_validation_indices(n, segments) == in_training, n


@pytest.mark.parametrize(("segments", "differ"), [(7, 30), (25, 28), (8, 0), (16, 0), (32, 0)])
def test_our_own_centers_are_exact_where_those_of_tsm_are_rounded(segments: int, differ: int):
    different = [
        n
        for n in range(1, 401)
        if segment_indices(n, segments) != tsm_twice_indices(n, segments, view=0)
    ]
    assert len(different) == differ
    for n in different:  # a center that is a whole number, and the frame before it
        ours, theirs = segment_indices(n, segments), tsm_twice_indices(n, segments, view=0)
        assert {own - other for own, other in zip(ours, theirs, strict=True)} == {0, 1}


@pytest.mark.parametrize("segments", [*range(1, 33), 64])
def test_every_length_as_pyslowfast_computes_it_on_something_something(segments: int):
    """In double precision, rounded half to even; the middle of two neighboring ends."""
    ends = np.rint((LENGTHS - 1)[:, None] / segments * np.arange(segments + 1)).astype(int)
    middles = ((ends[:, :-1] + ends[:, 1:]) // 2).tolist()
    for n, middle in zip(LENGTHS.tolist(), middles, strict=True):
        assert pyslowfast_ssv2_indices(n, segments) == middle, n


@pytest.mark.parametrize(
    ("clip", "fps", "num_views", "use_offset"),
    [
        ((16, 8), 30.0, 10, False),
        ((8, 8), 30.0, 10, True),
        ((32, 2), 29.97, 10, False),
        ((64, 2), 25.0, 3, True),
        ((7, 5), 23.976, 1, True),
        ((25, 3), 12.0, 1, False),
        ((1, 1), 60.0, 1, False),
    ],
)
def test_lengths_as_pyslowfast_computes_them_on_kinetics(
    clip: tuple[int, int], fps: float, num_views: int, use_offset: bool
):
    """The start in double precision, the frames from there on in torch's single."""
    frames, stride = clip
    seconds = frames * stride / 30
    for n in [*range(1, 400), *range(400, 4001, 97)]:
        span = max(seconds * fps, 1.0)
        room = max(n - span, 0)
        for view in range(num_views):
            start = room * view / num_views
            if use_offset:
                start = room // 2 if num_views == 1 else view * (room // (num_views - 1))
            spaced = torch.linspace(start, start + span - 1, frames, dtype=torch.float32)
            expected = [min(max(int(position), 0), n - 1) for position in spaced.tolist()]
            indices = pyslowfast_indices(
                *(n, frames, stride),
                **{"fps": fps, "view": view, "num_views": num_views, "use_offset": use_offset},
            )
            assert indices == expected, (n, view)


def test_single_precision_decides_where_a_position_is_almost_whole():
    """16 frames of 8, from the third start in 129: the seventh is at 0.2 + 127 / 15 * 6 = 51."""
    indices = pyslowfast_indices(129, 16, 8, view=2, num_views=10)
    assert (indices[6], indices[5], indices[7]) == (50, 42, 59)


def test_a_drawn_start_is_a_fraction_of_a_frame():
    class Half:
        def uniform(self, low: float, high: float) -> float:
            return low + (high - low) * 0.505

    drawn = pyslowfast_indices(100, 4, 8, rng=Half())
    spaced = torch.linspace(68 * 0.505, 68 * 0.505 + 31, 4)
    assert drawn == spaced.long().tolist()


def test_the_rate_that_a_stride_refers_to():
    """A video at the target's rate keeps the stride; at half of it, half of the stride."""
    for rate in (24.0, 60.0):
        assert pyslowfast_indices(200, 4, 8, fps=rate, target_fps=rate) == [0, 10, 20, 31]
    assert pyslowfast_indices(200, 4, 8, fps=12.0, target_fps=24.0) == [0, 5, 10, 15]
