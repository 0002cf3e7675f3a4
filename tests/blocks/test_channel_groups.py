"""`mix_groups`, Eq. 6-8 as one matrix product, against the loop."""

import pytest
import torch

from gta.blocks.channel_groups import mix_groups

from .equations import mix
from .random_weights import array, random_clip, relative_error


def loop(matrix: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """`mix` for each sample and position: matrix (K, T, G, S), value (B, T, N, G*D)."""
    indexed, v = array(matrix).transpose(2, 0, 1, 3), array(value)
    out = torch.empty(value.shape, dtype=value.dtype)
    for b in range(value.shape[0]):
        for n in range(value.shape[2]):
            out[b, :, n] = torch.from_numpy(mix(indexed, v[b, :, n]))
    return out


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_equals_the_loop(groups: int):
    matrix, value = random_clip(groups, 4, groups, 4), random_clip(2, 4, 5, 6, seed=2)
    assert relative_error(mix_groups(matrix, value), loop(matrix, value)) <= 1e-12


def test_equals_the_loop_for_tensors_that_are_not_contiguous():
    matrix = random_clip(4, 2, 4, 2).permute(1, 0, 3, 2)
    value = random_clip(8, 10, 4, 2, seed=2).permute(3, 2, 1, 0)[:, :, ::2]
    assert not matrix.is_contiguous()
    assert not value.is_contiguous()
    assert relative_error(mix_groups(matrix, value), loop(matrix, value)) <= 1e-12


def test_each_entry_of_the_matrix_is_from_one_group_and_frame_to_one_head_and_frame():
    matrix = torch.zeros(2, 3, 2, 3)
    matrix[1, 2, 0, 1] = 5.0  # head 1, frame 2 <- group 0, frame 1
    value = random_clip(1, 3, 1, 4).float()  # two groups of two channels
    expected = torch.zeros(1, 3, 1, 4)
    expected[0, 2, :, 2:] = 5.0 * value[0, 1, :, :2]
    assert torch.equal(mix_groups(matrix, value), expected)
