"""TAPE against the loops, and its positions."""

from typing import Literal

import pytest
import torch

from gta.blocks import TAPE, TemporalAttention
from gta.blocks.tape import sinusoids

from .equations import project, sinusoid, tape, tape_matrix
from .random_weights import array, random_clip, randomize, relative_error, weights_of


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("position", ["learned", "sinusoidal"])
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("scale", [True, False])
def test_equals_the_loops(
    scale: bool, groups: int, position: Literal["learned", "sinusoidal"], training: bool
):
    block = TAPE(16, 3, groups=groups, position=position, scale=scale)
    randomize(block).train(training)
    x = random_clip(2, 16, 3, 2, 3)
    expected = tape(array(x), weights_of(block), array(block.position), groups, scale=scale)
    assert relative_error(block(x), expected) <= 1e-10


def test_attention_is_the_matrix_of_each_head_group_and_position():
    block = TAPE(16, 3, groups=2)
    randomize(block)
    x = random_clip(2, 16, 3, 2, 5)
    attention = block.attention(x)
    assert attention.shape == (2, 2 * 5, 2, 3, 2, 3)  # B, N, K, T, G, S
    weights, position = weights_of(block), array(block.position)
    query, key = (project(array(x), weights[name])[1, :, :, 1, 3] for name in ("query", "key"))
    matrix = tape_matrix(query.T + position, key.T + position, 2)  # G, K, T, S
    assert relative_error(attention[1, 1 * 5 + 3], matrix.transpose(1, 2, 0, 3)) <= 1e-10


@pytest.mark.parametrize("frames", [1, 2, 4])
def test_attention_refuses_another_number_of_frames(frames: int):
    """A single frame would otherwise be broadcast over the positions."""
    with pytest.raises(ValueError, match=f"built for 3 frames, got {frames}:"):
        TAPE(16, 3).attention(torch.zeros(1, 16, frames, 2, 2))


def test_without_positions_it_is_temporal_attention():
    block, plain = TAPE(16, 3), TemporalAttention(16, 3)
    randomize(block).eval()
    randomize(plain).eval()
    weights = {name.removeprefix("block."): w for name, w in plain.state_dict().items()}
    block.load_state_dict(weights | {"position": torch.zeros(3, 4)})
    x = random_clip(2, 16, 3, 2, 3)
    assert relative_error(block(x), plain(x)) <= 1e-12


def test_sinusoids_are_those_of_the_transformer():
    for num_frames, width in ((7, 6), (400, 64), (3, 5)):
        table = sinusoids(num_frames, width)
        assert table.dtype == torch.float32
        assert relative_error(table.double(), sinusoid(num_frames, width)) <= 6e-8  # one rounding


def test_sinusoidal_positions_are_not_trained():
    block = TAPE(16, 3, position="sinusoidal")
    assert "position" not in dict(block.named_parameters())
    assert "position" in dict(TAPE(16, 3, position="learned").named_parameters())


def test_learned_positions_start_small_and_differ_between_frames():
    torch.manual_seed(0)
    position = TAPE(256, 8).position
    assert position.shape == (8, 64)
    assert 0.01 < position.std() < 0.03


def test_width_is_a_quarter_of_the_channels_unless_given():
    assert TAPE(16, 8).query.out_features == 4
    assert TAPE(16, 8, width=6).query.out_features == 6


def test_groups_must_divide_the_width():
    with pytest.raises(ValueError, match="groups") as error:
        TAPE(16, 3, groups=3)
    assert str(error.value) == (
        "3 groups do not divide the block's width of 4 channels: groups must be one of [1, 2, 4]"
    )
