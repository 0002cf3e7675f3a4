"""What blocks say about an input that is no feature of theirs."""

import numpy as np
import pytest
import torch

from .blocks_under_test import ALL, Make

every_block = pytest.mark.parametrize("make", ALL.values(), ids=ALL.keys())


@every_block
@pytest.mark.parametrize(
    ("shape", "way_out"),
    [
        ((2, 3, 16, 5, 4), r"; got \(2, 3, 16, 5, 4\): channels second; x\.transpose\(1, 2\)"),
        ((2, 3, 5, 4, 16), r"channels second; x\.permute\(0, 4, 1, 2, 3\) puts them there"),
        ((16, 3, 5, 4), r"one feature is a batch of one, x\[None\]"),
        ((3, 16, 5, 4), r"of the frames of one clip, x\.transpose\(0, 1\)\[None\]"),
        ((2, 8, 3, 5, 4), r"got \(2, 8, 3, 5, 4\)$"),
    ],
)
def test_axes(make: Make, shape: tuple[int, ...], way_out: str):
    with pytest.raises(ValueError, match=rf"expects \(B, C, T, H, W\) with C = 16.*{way_out}"):
        make(3)(torch.randn(shape))


@every_block
def test_types(make: Make):
    with pytest.raises(TypeError, match=r"expects floating point numbers; got torch\.int64"):
        make(3)(torch.zeros(2, 16, 3, 5, 4, dtype=torch.int64))
    with pytest.raises(TypeError, match=r"expects a tensor \(B, C, T, H, W\); got numpy\.ndarray"):
        make(3)(np.zeros((2, 16, 3, 5, 4), np.float32))  # pyright: ignore
