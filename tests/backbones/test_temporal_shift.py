"""The shift of TSM against a loop, and where FrameResNet applies it."""

import pytest
import torch
from torch import Tensor, nn

from gta.backbones import FrameResNet
from gta.backbones.frame_resnet import BasicBlock, Bottleneck
from gta.backbones.temporal_shift import TemporalShift

from .networks import random_clips, randomize


def coded(num_clips: int, num_frames: int, channels: int) -> Tensor:
    """(B*T, C, 1, 2): each number says clip, frame, channel and column, and none is zero."""
    axes = (torch.arange(1.0, n + 1) for n in (num_clips, num_frames, channels, 2))
    clip, frame, channel, column = torch.meshgrid(*axes, indexing="ij")
    number = ((clip * 100 + frame) * 100 + channel) * 10 + column
    return number.flatten(0, 1).unsqueeze(2)


def loop(x: Tensor, num_frames: int, fold: int) -> Tensor:
    """The first `fold` channels come from the next frame, the second from the frame before."""
    out = torch.zeros_like(x)
    for frame in range(x.shape[0]):
        t = frame % num_frames
        for channel in range(x.shape[1]):
            step = 1 if channel < fold else -1 if channel < 2 * fold else 0
            if 0 <= t + step < num_frames:
                out[frame, channel] = x[frame + step, channel]
    return out


@pytest.mark.parametrize("num_clips", [1, 3])
@pytest.mark.parametrize("num_frames", [1, 2, 5])
@pytest.mark.parametrize(("channels", "fraction", "fold"), [(16, 8, 2), (23, 8, 2), (10, 4, 2)])
def test_equals_the_loop(num_clips: int, num_frames: int, channels: int, fraction: int, fold: int):
    x = coded(num_clips, num_frames, channels)
    shifted = TemporalShift(num_frames, fraction=fraction)(x)
    assert torch.equal(shifted, loop(x, num_frames, fold))


def test_an_eighth_each_way_unless_told():
    x = coded(1, 3, 16)
    shifted = TemporalShift(3)(x)
    assert torch.equal(shifted[0, :2], x[1, :2])  # from the next frame
    assert torch.equal(shifted[1, 2:4], x[0, 2:4])  # from the frame before
    assert torch.equal(shifted[:, 4:], x[:, 4:])
    assert not shifted[2, :2].any()
    assert not shifted[0, 2:4].any()


def test_the_input_is_left_as_it_was():
    x = coded(1, 3, 16)
    before = x.clone()
    TemporalShift(3)(x)
    assert torch.equal(x, before)


@pytest.mark.parametrize("residual", [BasicBlock, Bottleneck])
@pytest.mark.parametrize("stride", [1, 2])
@torch.no_grad()
def test_only_the_residual_branch_is_shifted(
    residual: type[BasicBlock] | type[Bottleneck], stride: int
):
    width = 32 // residual.expansion
    block = randomize(residual(32, width, stride, TemporalShift(4))).eval()
    x = random_clips(8, 32, 6, 6)
    shifted = loop(x, 4, 4)
    shortcut = x if block.downsample is None else block.downsample(x)
    block.shift, block.downsample = None, None
    last = block.bn2 if isinstance(block, BasicBlock) else block.bn3
    branch = branch_of(block, last, shifted)
    block.shift, block.downsample = TemporalShift(4), Constant(shortcut)
    assert torch.allclose(block(x), (branch + shortcut).relu(), atol=1e-6)
    assert not torch.allclose(block(shifted), (branch + shortcut).relu(), atol=0.1)


def branch_of(block: nn.Module, last: nn.Module, x: Tensor) -> Tensor:
    """What the last norm of the branch gives for x."""
    outputs = []
    handle = last.register_forward_hook(lambda module, args, output: outputs.append(output.clone()))
    block.downsample = Constant(torch.zeros(()))
    block(x)
    handle.remove()
    return outputs[0]


class Constant(nn.Module):
    def __init__(self, value: Tensor):
        super().__init__()
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        return self.value


def shifted_blocks(depth: int) -> dict[str, list[int]]:
    with torch.device("meta"):
        model = FrameResNet(depth, num_classes=5, num_frames=8, tsm=True)
    return {
        layer: [i for i, b in enumerate(model.get_submodule(layer).children()) if b.shift]
        for layer in ("layer1", "layer2", "layer3", "layer4")
    }


@pytest.mark.parametrize("depth", [18, 34, 50])
def test_every_block_is_shifted(depth: int):
    lengths = [2, 2, 2, 2] if depth == 18 else [3, 4, 6, 3]
    assert list(shifted_blocks(depth).values()) == [list(range(n)) for n in lengths]


def test_every_second_block_is_shifted_in_resnet_101():
    assert shifted_blocks(101) == {
        "layer1": [0, 2],
        "layer2": [0, 2],
        "layer3": list(range(0, 23, 2)),
        "layer4": [0, 2],
    }


def test_no_block_is_shifted_unless_asked():
    model = FrameResNet(18, num_classes=5, num_frames=8)
    assert not any(isinstance(module, TemporalShift) for module in model.modules())


def test_the_shift_has_no_weights():
    with torch.device("meta"):
        plain = FrameResNet(50, num_classes=5, num_frames=8).state_dict()
        shifted = FrameResNet(50, num_classes=5, num_frames=8, tsm=True).state_dict()
    assert list(plain) == list(shifted)


def tsm() -> FrameResNet:
    return FrameResNet(10, num_classes=5, num_frames=8, width=8, tsm=True)


@torch.no_grad()
def test_the_order_of_frames_matters_and_clips_stay_apart():
    model = randomize(tsm()).eval()
    clips = random_clips(2, 3, 8, 32, 32)
    logits = model(clips)
    assert not torch.allclose(model(clips.flip(2)), logits, atol=1e-3)
    other = torch.cat([clips[:1], random_clips(1, 3, 8, 32, 32, seed=2)])
    assert torch.allclose(model(other)[0], logits[0], atol=1e-5)


@pytest.mark.parametrize(("num_clips", "frames"), [(1, 4), (2, 4), (1, 16), (3, 7)])
def test_another_number_of_frames(num_clips: int, frames: int):
    """Two clips of 4 frames and one of 16 are also whole numbers of clips of 8."""
    with pytest.raises(ValueError, match="frames") as error:
        tsm()(torch.zeros(num_clips, 3, frames, 32, 32))
    assert str(error.value) == (
        f"this model was built for 8 frames, got {frames}: give it clips of 8 frames, or build it "
        f"with num_frames={frames}"
    )


def test_frames_that_are_no_whole_clips():
    with pytest.raises(ValueError, match="frames") as error:
        TemporalShift(8)(torch.zeros(12, 16, 2, 2))
    assert str(error.value) == (
        "this shift was built for clips of 8 frames, got 12 frames in all, which is no whole "
        "number of clips"
    )


@pytest.mark.parametrize("fraction", [1, 0, -8])
def test_a_fraction_without_room_for_both_ways(fraction: int):
    with pytest.raises(ValueError, match="fraction") as error:
        TemporalShift(8, fraction=fraction)
    assert str(error.value) == f"fraction must be at least 2, one part each way, got {fraction}"


def test_a_network_too_narrow_to_be_shifted():
    with pytest.raises(ValueError, match="width") as error:
        FrameResNet(10, num_classes=5, num_frames=8, width=7, tsm=True)
    assert str(error.value) == "tsm shifts 1/8 of the channels: width must be at least 8, got 7"
