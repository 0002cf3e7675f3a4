"""TAPE against the loops, and its positions."""

from typing import Literal, get_args

import pytest
import torch

from gta.blocks import TAPE, TemporalAttention
from gta.blocks.tape import AddTo, sinusoids

from .equations import project, sinusoid, tape, tape_matrix, with_positions
from .random_weights import array, random_clip, randomize, relative_error, weights_of


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("position", ["learned", "sinusoidal"])
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize(
    ("add_to", "scale"), [("qk", True), ("qk", False), ("qkv", True), ("input", True)]
)
def test_equals_the_loops(
    add_to: AddTo,
    scale: bool,
    groups: int,
    position: Literal["learned", "sinusoidal"],
    training: bool,
):
    block = TAPE(16, 3, groups=groups, position=position, add_to=add_to, scale=scale)
    randomize(block).train(training)
    x = random_clip(2, 16, 3, 2, 3)
    expected = tape(
        array(x), weights_of(block), array(block.position), groups, scale=scale, add_to=add_to
    )
    assert relative_error(block(x), expected) <= 1e-10


@pytest.mark.parametrize("add_to", get_args(AddTo))
def test_attention_is_the_matrix_of_each_head_group_and_position(add_to: AddTo):
    block = TAPE(16, 3, groups=2, add_to=add_to)
    randomize(block)
    x = random_clip(2, 16, 3, 2, 5)
    attention = block.attention(x)
    assert attention.shape == (2, 2 * 5, 2, 3, 2, 3)  # B, N, K, T, G, S
    weights, position = weights_of(block), array(block.position)
    seen = with_positions(array(x), position) if add_to == "input" else array(x)
    query, key = (project(seen, weights[name])[1, :, :, 1, 3].T for name in ("query", "key"))
    if add_to != "input":
        query, key = query + position, key + position
    matrix = tape_matrix(query, key, 2)  # G, K, T, S
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


@pytest.mark.parametrize(("add_to", "size"), [("qk", 64), ("qkv", 64), ("input", 256)])
def test_learned_positions_start_small_and_differ_between_frames(add_to: AddTo, size: int):
    torch.manual_seed(0)
    position = TAPE(256, 8, add_to=add_to).position
    assert position.shape == (8, size)
    assert 0.018 < position.std() < 0.022
    torch.manual_seed(0)
    larger = TAPE(256, 8, add_to=add_to, position_std=0.5).position
    torch.testing.assert_close(larger, 25 * position)


def test_positions_in_the_input_tell_the_next_frame_from_the_one_before():
    """Added to queries and keys they are compared by a symmetric product, here by any."""
    scores = {}
    for add_to in get_args(AddTo):
        block = TAPE(16, 4, add_to=add_to)
        with torch.no_grad():
            randomize(block)
            for part in (block.query, block.key):
                part.bias.zero_()
        attention = block.attention(torch.zeros(1, 16, 4, 1, 1).double())[0, 0, 0, :, 0]
        ahead = attention.log() - attention.log().diagonal()[:, None]
        cycle = ahead[0, 1] + ahead[1, 2] + ahead[2, 0] - ahead[1, 0] - ahead[2, 1] - ahead[0, 2]
        scores[add_to] = float(cycle.detach().abs())
    assert scores["qk"] < 1e-9
    assert scores["qkv"] < 1e-9
    assert scores["input"] > 1e-3


@pytest.mark.parametrize("given", [0, -1.0, float("nan")])
def test_positions_must_differ_at_the_start(given: float):
    with pytest.raises(ValueError, match="position_std") as error:
        TAPE(16, 3, position_std=given)
    assert str(error.value) == f"position_std must be above 0, got {given}"


def test_width_is_a_quarter_of_the_channels_unless_given():
    assert TAPE(16, 8).query.out_features == 4
    assert TAPE(16, 8, width=6).query.out_features == 6


def test_groups_must_divide_the_width():
    with pytest.raises(ValueError, match="groups") as error:
        TAPE(16, 3, groups=3)
    assert str(error.value) == (
        "3 groups do not divide the block's width of 4 channels: groups must be one of [1, 2, 4]"
    )
