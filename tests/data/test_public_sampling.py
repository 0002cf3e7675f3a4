"""The rules of public projects against their integer tables; see golden/README.md."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from gta.data.dataset import ViewClips
from gta.data.decode import frame_rate
from gta.data.modes import Sampling
from gta.data.public_sampling import pyslowfast_indices, pyslowfast_ssv2_indices
from gta.data.records import Video, VideoList
from gta.data.transforms import ViewTransform

GOLDEN = Path(__file__).parent / "golden"
TSM = json.loads((GOLDEN / "sampling_tsm_frames.json").read_text())["cases"]
SSV2 = json.loads((GOLDEN / "sampling_psf_ssv2.json").read_text())["cases"]
KINETICS = json.loads((GOLDEN / "sampling_psf_temporal.json").read_text())["cases"]


class Numpy:
    """The generator with which TSM's tables were drawn, under the names of the new one."""

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
