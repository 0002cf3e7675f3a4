import numpy as np
import pytest

from gta.data.sampling import in_order


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_orders():
    frames = [0, 3, 6, 9]
    assert in_order(frames, "forward", rng()) == frames
    assert in_order(frames, "reversed", rng()) == [9, 6, 3, 0]
    assert in_order(frames, "frozen", rng()) == [6, 6, 6, 6]
    assert frames == [0, 3, 6, 9]


@pytest.mark.parametrize("num_frames", [3, 4, 8])
def test_shuffled_frames_are_neither_forward_nor_reversed(num_frames):
    frames = list(range(0, 5 * num_frames, 5))
    orders = [in_order(frames, "shuffled", rng(seed)) for seed in range(30)]
    assert all(sorted(order) == frames for order in orders)
    assert frames not in orders
    assert frames[::-1] not in orders
    assert len({tuple(order) for order in orders}) > 2
    assert orders[7] == in_order(frames, "shuffled", rng(7))


def test_repeated_frames_of_a_short_video():
    assert in_order([0, 0, 0], "shuffled", rng()) == [0, 0, 0]
    assert sorted(in_order([0, 1], "shuffled", rng())) == [0, 1]
