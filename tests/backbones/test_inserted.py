"""Blocks inserted by placement: where they are, that they change nothing at first, mistakes."""

import warnings
from functools import partial
from typing import cast

import pytest
import torch
from torch import Tensor, nn

from gta.backbones import FrameResNet, with_fitting_groups
from gta.blocks import (
    TAPE,
    GlobalTemporalAttention,
    NonLocal,
    SpatialAttention,
    TemporalAttention,
)
from gta.errors import Notice

from .networks import random_clips, randomize

FIVE = {"res3": [1, 3], "res4": [1, 3, 5]}


def small(blocks, placement, *, depth: int = 34, num_frames: int = 4) -> FrameResNet:
    return FrameResNet(
        depth, num_classes=5, num_frames=num_frames, width=8, blocks=blocks, placement=placement
    )


@pytest.mark.parametrize("tsm", [False, True])
@pytest.mark.parametrize(
    "blocks",
    [
        [NonLocal],
        [SpatialAttention, TemporalAttention],
        [SpatialAttention, TAPE],
        [SpatialAttention, partial(GlobalTemporalAttention, groups=2)],
    ],
    ids=["NL", "DNL", "TAPE", "GTA"],
)
@torch.no_grad()
def test_insertion_leaves_the_logits_as_they_were(blocks, tsm: bool):
    plain = randomize(FrameResNet(34, num_classes=5, num_frames=4, width=8, tsm=tsm)).eval()
    model = FrameResNet(
        34, num_classes=5, num_frames=4, width=8, tsm=tsm, blocks=blocks, placement=FIVE
    ).eval()
    keys = model.load_state_dict(plain.state_dict(), strict=False)
    assert keys.unexpected_keys == []
    assert all(key.startswith("inserted.") for key in keys.missing_keys)
    clips = random_clips(2, 3, 4, 32, 32)
    assert torch.equal(model(clips), plain(clips))
    for place in model.inserted.values():
        before = model(clips)
        randomize(place)  # now that it is no longer the identity, each block is seen to be run
        assert not torch.allclose(model(clips), before, rtol=1e-3)


def test_names():
    model = small([SpatialAttention, partial(GlobalTemporalAttention, groups=2)], FIVE)
    plain = small([], {})
    inserted = [key for key in model.state_dict() if key not in plain.state_dict()]
    assert {key.rsplit(".", 3)[0] for key in inserted if ".query." in key} == {
        "inserted.res3_1.0",
        "inserted.res3_3.0",
        "inserted.res4_1.0",
        "inserted.res4_3.0",
        "inserted.res4_5.0",
    }
    assert "inserted.res3_1.0.block.query.weight" in inserted
    assert "inserted.res3_1.1.pixel.matrix" in inserted
    assert list(model.inserted) == ["res3_1", "res3_3", "res4_1", "res4_3", "res4_5"]


class Record(nn.Module):
    """Keeps what it was built with and what it sees."""

    def __init__(self, channels: int, num_frames: int):
        super().__init__()
        self.built = (channels, num_frames)

    def forward(self, x: Tensor) -> Tensor:
        self.seen = x
        return x


class Add(nn.Module):
    """Adds the number of the frame, so that order and axes are seen."""

    def __init__(self, channels: int, num_frames: int):
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.arange(1.0, x.shape[2] + 1)[:, None, None]


@pytest.mark.parametrize(("depth", "expansion"), [(34, 1), (50, 4)])
@torch.no_grad()
def test_a_block_follows_the_relu_of_its_residual_block_and_precedes_the_next(
    depth: int, expansion: int
):
    model = small([Record, Add, Record], {"res3": [1], "res5": [2]}, depth=depth)
    outputs, inputs = [], []
    model.get_submodule("layer2.1").register_forward_hook(lambda m, i, o: outputs.append(o))
    model.get_submodule("layer2.2").register_forward_pre_hook(lambda m, i: inputs.append(i[0]))
    model.eval()(random_clips(2, 3, 4, 32, 32))
    first, _, last = cast(list[Record], list(cast(nn.Sequential, model.inserted["res3_1"])))
    assert first.built == (16 * expansion, 4)
    assert first.seen.shape == (2, 16 * expansion, 4, 4, 4)  # B, C, T, H, W
    assert (first.seen >= 0).all()
    clips = outputs[0].unflatten(0, (2, 4))  # B, T, C, H, W
    assert torch.equal(first.seen, clips.transpose(1, 2))
    assert torch.equal(last.seen - first.seen > 0.5, torch.ones_like(last.seen).bool())
    assert torch.equal(inputs[0], last.seen.transpose(1, 2).flatten(0, 1))
    assert cast(Record, model.inserted["res5_2"].get_submodule("0")).built == (64 * expansion, 4)


def test_each_place_has_its_own_weights():
    model = small([SpatialAttention], FIVE)
    matrices = [p for name, p in model.named_parameters() if name.endswith("query.weight")]
    assert len({p.data_ptr() for p in matrices}) == 5


@pytest.mark.parametrize(
    ("blocks", "placement"),
    [
        ([SpatialAttention], {}),
        ([SpatialAttention], None),
        ([SpatialAttention], {"res3": []}),
        ([], {"res3": [1, 3]}),
    ],
)
def test_nothing_inserted_is_an_error(blocks, placement):
    places = sum(map(len, (placement or {}).values()))
    with pytest.raises(ValueError, match="inserted") as error:
        small(blocks, placement)
    assert str(error.value) == (
        f"nothing was inserted: got {len(blocks)} blocks and {places} places; give both blocks and "
        f'a placement such as {{"res3": [1, 3], "res4": [1, 3, 5]}}, or neither'
    )


@pytest.mark.parametrize("stage", ["layer2", "res1", "res6", ""])
def test_a_stage_that_does_not_exist(stage: str):
    with pytest.raises(ValueError, match="stage") as error:
        small([SpatialAttention], {"res3": [1], stage: [0]})
    assert str(error.value) == (
        f"there is no stage {stage!r} to insert after: stages are ['res2', 'res3', 'res4', 'res5']"
    )


@pytest.mark.parametrize("index", [4, -1, 100])
def test_a_residual_block_that_does_not_exist(index: int):
    with pytest.raises(ValueError, match="res3") as error:
        small([SpatialAttention], {"res3": [1, index]})
    assert str(error.value) == (
        f"res3 has 4 residual blocks, counted from 0: cannot insert after block {index}"
    )


def test_the_same_place_twice():
    with pytest.raises(ValueError, match="twice") as error:
        small([SpatialAttention], {"res3": [1, 3, 1]})
    assert str(error.value) == "the placement names block 1 of res3 twice"


@pytest.mark.parametrize("block", [TAPE, partial(GlobalTemporalAttention, groups=2)])
def test_another_number_of_frames(block):
    model = small([SpatialAttention, block], FIVE)
    with pytest.raises(ValueError, match="this model was built for 4 frames, got 6:"):
        model(torch.zeros(1, 3, 6, 32, 32))


def test_groups_that_do_not_divide_fall_to_the_next_that_do_and_it_is_said_once():
    make = with_fitting_groups(GlobalTemporalAttention, 8)
    with pytest.warns(Notice, match="8 groups do not divide a block's width of 10 channels: 5"):
        block = make(40, 2)
    assert isinstance(block, GlobalTemporalAttention)
    assert block.pixel is not None
    assert block.pixel.matrix.shape == (5, 2, 5, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(40, 2)  # again
        assert make(64, 2).pixel.matrix.shape == (8, 2, 8, 2)
        wide = with_fitting_groups(partial(GlobalTemporalAttention, width=24), 8)
        assert wide(40, 2).pixel.matrix.shape == (8, 2, 8, 2)
