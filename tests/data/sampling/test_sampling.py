import json
from pathlib import Path

import numpy as np
import pytest

from gta.data.sampling import dense_indices, segment_indices

GOLDEN = json.loads((Path(__file__).parent.parent / "golden/sampling_tsm_frames.json").read_text())[
    "cases"
]


class LegacyGenerator:
    """The generator that the golden tables were drawn with, under the names of today's."""

    def __init__(self, seed: int):
        self.state = np.random.RandomState(seed)

    def integers(self, high, size):
        return self.state.randint(high, size=size)


@pytest.mark.parametrize("segments", [8, 16])
def test_centers_are_those_of_tsm(segments: int):
    for n, expected in GOLDEN[f"test_uniform_seg{segments}"].items():
        assert segment_indices(int(n), segments) == expected


@pytest.mark.parametrize("segments", [8, 16])
def test_training_draws_are_those_of_tsm(segments: int):
    for n, expected in GOLDEN[f"train_uniform_seg{segments}_seed7"].items():
        if int(n) >= segments:  # below, TSM repeats the first frame; see the next test
            assert segment_indices(int(n), segments, rng=LegacyGenerator(7)) == expected


def test_short_video_repeats_frames_in_order_in_training_too():
    rng = np.random.default_rng(0)
    assert segment_indices(3, 8, rng=rng) == segment_indices(3, 8) == [0, 0, 0, 1, 1, 2, 2, 2]
    assert segment_indices(1, 8, rng=rng) == [0] * 8


@pytest.mark.parametrize("n", [8, 9, 31, 64])
def test_training_takes_one_frame_of_each_segment_and_reaches_all(n: int):
    length, seen = n // 8, set[int]()
    for seed in range(200):
        indices = segment_indices(n, 8, rng=np.random.default_rng(seed))
        assert [i // length for i in indices] == list(range(8))
        seen.update(indices)
    assert seen == set(range(8 * length))


def test_views_are_distinct_and_share_the_video():
    views = [segment_indices(32, 4, view=v, num_views=2) for v in range(2)]
    assert views == [[2, 10, 18, 26], [6, 14, 22, 30]]
    assert sorted(i for v in range(8) for i in segment_indices(32, 4, view=v, num_views=8)) == list(
        range(32)
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"num_frames": 0, "num_segments": 8}, "cannot take 8 frames of a video of 0"),
        ({"num_frames": 8, "num_segments": 0}, "cannot take 0 frames"),
        ({"num_frames": 8, "num_segments": 4, "view": 2, "num_views": 2}, "view 2 does not exist"),
    ],
)
def test_impossible(arguments: dict, words: str):
    with pytest.raises(ValueError, match=words):
        segment_indices(**arguments)


def test_dense_views_run_from_the_first_frame_to_the_last():
    assert dense_indices(16, 4, 2, view=0, num_views=2) == [0, 2, 4, 6]
    assert dense_indices(16, 4, 2, view=1, num_views=2) == [9, 11, 13, 15]
    assert dense_indices(16, 4, 2) == [4, 6, 8, 10]
    views = [dense_indices(300, 32, 2, view=v, num_views=10) for v in range(10)]
    assert views[0][0] == 0
    assert views[9][-1] == 299
    assert len({tuple(view) for view in views}) == 10


def test_dense_training_starts_anywhere_and_nowhere_else():
    draws = [dense_indices(12, 3, 4, rng=np.random.default_rng(seed)) for seed in range(100)]
    assert {tuple(draw) for draw in draws} == {(s, s + 4, s + 8) for s in range(4)}


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_dense_clips_of_short_videos_repeat_the_last_frame(n: int):
    expected = [min(i * 2, n - 1) for i in range(8)]
    rng = np.random.default_rng(0)
    assert dense_indices(n, 8, 2, rng=rng) == dense_indices(n, 8, 2) == expected
    assert dense_indices(n, 8, 2, view=2, num_views=3) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 8, 2), "cannot take 8 frames, 2 apart, of a video of 0; all three must be at least 1"),
        ((9, 0, 2), "cannot take 0 frames"),
        ((9, 8, 0), "8 frames, 0 apart"),
    ],
)
def test_impossible_dense_clips(arguments: tuple[int, int, int], message: str):
    with pytest.raises(ValueError, match=message):
        dense_indices(*arguments)


def test_a_dense_view_that_does_not_exist():
    with pytest.raises(ValueError, match="view 3 does not exist: num_views=3, counted from 0"):
        dense_indices(9, 8, 2, view=3, num_views=3)
