"""Sampling modes by name."""

from typing import get_args

import numpy as np
import pytest

from gta.data.sampling import Sampling, dense_indices, segment_indices
from gta.errors import UsageError
from gta.recipes import find_recipe, read_recipe
from gta.sampling_modes import MOST_VIEWS, STRIDED, Mode

MODES = get_args(Mode)


def sampling(mode: Mode) -> Sampling:
    return Sampling(mode, 2 if mode in STRIDED else None)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 64, 65, 300])
def test_every_mode_gives_frames_that_exist(mode: Mode, n: int):
    for rng in (None, np.random.default_rng(n)):
        indices = sampling(mode)(n, 8, rng=rng)
        assert len(indices) == 8
        assert all(isinstance(i, int) and 0 <= i < n for i in indices)


@pytest.mark.parametrize("mode", MODES)
def test_training_clips_depend_on_the_generator_alone(mode: Mode):
    def draw(seed: int) -> list[int]:
        return sampling(mode)(300, 8, rng=np.random.default_rng(seed))

    assert draw(1) == draw(1)
    assert len({tuple(draw(seed)) for seed in range(20)}) > 5


@pytest.mark.parametrize("mode", ["segments", "dense", "tsm_dense", "pyslowfast_offset"])
def test_ten_views_are_distinct(mode: Mode):
    views = [sampling(mode)(300, 8, view=v, num_views=10) for v in range(10)]
    assert len({tuple(view) for view in views}) == 10


def test_our_own_modes():
    rng = np.random.default_rng
    assert Sampling()(50, 8) == segment_indices(50, 8)
    assert Sampling()(50, 8, rng=rng(0)) == segment_indices(50, 8, rng=rng(0))
    assert Sampling("dense", 3)(50, 8, view=1, num_views=2) == dense_indices(
        50, 8, 3, view=1, num_views=2
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["clip.sampling=dense"], "clip.sampling=dense needs a stride, got None"),
        (["clip.stride=2"], "clip.sampling=segments has no stride, got 2"),
        (
            ["clip.sampling=tsm_twice", "test.protocol=3x10-256"],
            "clip.sampling=tsm_twice has 2 clips of a video, and the protocol asks for 10",
        ),
    ],
)
def test_recipes_are_checked_by_the_same_rules(settings: list[str], message: str):
    with pytest.raises(UsageError, match=message):
        read_recipe(find_recipe("ssv2", "r2d50"), settings)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dens",), r"sampling='dens' is not possible; it is one of segments, dense, tsm_val"),
        (("dense",), r"sampling=dense needs a stride, got None"),
        (("segments", 2), r"sampling=segments has no stride, got 2"),
    ],
)
def test_mistakes(arguments: tuple, message: str):
    with pytest.raises(UsageError, match=message):
        Sampling(*arguments)


@pytest.mark.parametrize(("mode", "most"), [("pyslowfast_ssv2", "1 clip "), ("tsm_twice", "2 cl")])
def test_more_views_than_a_mode_has(mode: Mode, most: str):
    assert int(most[0]) == MOST_VIEWS[mode]
    with pytest.raises(UsageError, match=f"clip.sampling={mode} has {most}.*asks for 10"):
        Sampling(mode)(50, 8, view=9, num_views=10)
