"""FrameResNet against torchvision's ResNet, and what it promises of clips."""

import pytest
import torch
from torch import nn

from gta.backbones import FrameResNet
from gta.backbones.frame_resnet import DEPTHS
from gta.backbones.temporal_shift import TemporalShift
from gta.blocks import SpatialAttention

from .networks import random_clips, randomize, relative_error, torchvision_resnet


def twin(reference: nn.Module, depth: int, num_frames: int) -> FrameResNet:
    model = FrameResNet(depth, num_classes=5, num_frames=num_frames).eval()
    model.load_state_dict(reference.state_dict(), strict=True)
    return model


@pytest.mark.parametrize("depth", [18, 34, 50])
@torch.no_grad()
def test_equals_torchvision_to_the_last_bit(depth: int):
    reference = torchvision_resnet(depth)
    frames = random_clips(2, 3, 64, 48)
    expected = reference(frames)
    assert torch.equal(twin(reference, depth, 1)(frames[:, :, None]), expected)

    frames = random_clips(2, 4, 3, 64, 48, seed=2)  # B, T, C, H, W
    expected = reference(frames.flatten(0, 1)).unflatten(0, (2, 4)).mean(dim=1)
    assert torch.equal(twin(reference, depth, 4)(frames.transpose(1, 2)), expected)


@torch.no_grad()
def test_logits_are_the_mean_of_those_of_each_frame():
    reference = torchvision_resnet(18)
    clip = random_clips(1, 3, 4, 64, 48)
    expected = torch.stack([reference(clip[:, :, t]) for t in range(4)]).mean(dim=0)
    assert relative_error(twin(reference, 18, 4)(clip), expected) <= 1e-5


@pytest.mark.parametrize("depth", [18, 34, 50, 101])
def test_names_and_shapes_are_torchvisions(depth: int):
    with torch.device("meta"):
        reference = torchvision_resnet(depth).state_dict()
        state = FrameResNet(depth, num_classes=5, num_frames=8).state_dict()
    assert list(state) == list(reference)  # so an optimizer sees the same order too
    assert all(state[name].shape == reference[name].shape for name in state)


def test_training_mode_equals_torchvision_with_its_gradients():
    reference = torchvision_resnet(18)
    model = twin(reference, 18, 2)
    model.dropout.p = 0.0
    clips = random_clips(2, 3, 2, 32, 32)
    expected = reference.train()(clips.transpose(1, 2).flatten(0, 1))
    expected.unflatten(0, (2, 2)).mean(dim=1).square().sum().backward()
    model.train()(clips).square().sum().backward()
    gradients = dict(model.named_parameters())
    for name, parameter in reference.named_parameters():
        actual = gradients[name].grad
        assert actual is not None
        assert parameter.grad is not None
        assert torch.equal(actual, parameter.grad), name
    state = model.state_dict()
    assert all(torch.equal(state[name], t) for name, t in reference.state_dict().items())


@torch.no_grad()
def test_height_and_width_are_free():
    model = randomize(
        FrameResNet(
            10,
            num_classes=5,
            num_frames=2,
            width=8,
            tsm=True,
            blocks=[SpatialAttention],
            placement={"res3": [0], "res5": [0]},  # res5 sees single pixels
        )
    ).eval()
    for size in ((32, 32), (33, 70), (17, 31)):
        logits = model(random_clips(2, 3, 2, *size))
        assert logits.shape == (2, 5)
        assert logits.isfinite().all()


@torch.no_grad()
def test_time_is_free_without_blocks_and_shift():
    model = FrameResNet(10, num_classes=5, num_frames=8, width=8).eval()
    assert model(random_clips(1, 3, 3, 32, 32)).shape == (1, 5)


@torch.no_grad()
def test_frames_are_a_bag_without_blocks_and_shift():
    model = randomize(FrameResNet(10, num_classes=5, num_frames=4, width=8)).eval()
    clips = random_clips(2, 3, 4, 32, 32)
    assert relative_error(model(clips.flip(2)), model(clips)) <= 1e-6


@torch.no_grad()
def test_dropout_is_before_the_classifier_and_in_training_only():
    model = FrameResNet(10, num_classes=64, num_frames=3, width=8, dropout=0.5)
    nn.init.eye_(model.fc.weight)  # logits are the features
    clips = random_clips(1, 3, 3, 32, 32)
    features = model.eval()(clips)
    assert torch.equal(model(clips), features)
    model.train()
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.eval()  # else the batch changes the features
    torch.manual_seed(0)
    frame = clips[:, :, :1]
    dropped = model(frame)
    features = model.eval()(frame)
    kept = dropped != 0
    assert 0.25 < kept.sum() / (features != 0).sum() < 0.75
    assert torch.allclose(dropped[kept], 2 * features[kept])


@torch.no_grad()
def test_temporal_pool_keeps_the_larger_of_two_frames_after_res2():
    model = randomize(FrameResNet(18, num_classes=5, num_frames=6, width=8, temporal_pool=True))
    plain = FrameResNet(18, num_classes=5, num_frames=6, width=8)
    plain.load_state_dict(model.state_dict())
    features: list[torch.Tensor] = []
    plain.eval().get_submodule("layer1.1").register_forward_hook(
        lambda _, __, output: features.append(output)
    )
    clips = random_clips(2, 3, 6, 64, 48)
    plain(clips)
    x = features[0].unflatten(0, (2, 3, 2)).amax(2).flatten(0, 1)
    for layer in ("layer2", "layer3", "layer4"):
        x = plain.get_submodule(layer)(x)
    expected = plain.fc(x.mean((2, 3))).unflatten(0, (2, 3)).mean(1)
    assert relative_error(model.eval()(clips), expected) <= 1e-5


def test_blocks_and_shifts_after_temporal_pool_see_half_of_the_frames():
    seen: dict[int, int] = {}

    def block(channels: int, num_frames: int) -> nn.Module:
        seen[channels] = num_frames
        return nn.Identity()

    places = {"res2": [0], "res3": [0], "res5": [0]}
    model = FrameResNet(
        18,
        num_classes=5,
        num_frames=6,
        width=8,
        tsm=True,
        temporal_pool=True,
        blocks=[block],
        placement=places,
    )
    assert seen == {8: 6, 16: 3, 64: 3}
    assert model(random_clips(1, 3, 6, 32, 32)).shape == (1, 5)


def test_the_share_of_channels_that_are_shifted():
    model = FrameResNet(10, num_classes=5, num_frames=4, width=8, tsm=True, shift_div=4)
    shifts = [part for part in model.modules() if isinstance(part, TemporalShift)]
    assert [shift.fraction for shift in shifts] == [4, 4, 4, 4]
    frames = torch.arange(1.0, 5.0).reshape(4, 1, 1, 1).expand(4, 8, 1, 1)
    moved = shifts[0](frames).flatten(1)
    assert moved[0].tolist() == [2, 2, 0, 0, 1, 1, 1, 1]
    with pytest.raises(ValueError, match=r"shifts 1/8 of the channels: width must be at least 8, "):
        FrameResNet(10, num_classes=5, num_frames=4, width=4, tsm=True)
    FrameResNet(10, num_classes=5, num_frames=4, width=4, tsm=True, shift_div=4)


def test_temporal_pool_of_an_odd_number_of_frames():
    message = r"temporal_pool takes pairs of frames: got "
    with pytest.raises(ValueError, match=message + "num_frames=5"):
        FrameResNet(18, num_classes=5, num_frames=5, temporal_pool=True)
    model = FrameResNet(10, num_classes=5, num_frames=4, width=8, temporal_pool=True)
    with pytest.raises(ValueError, match=message + "clips of 3"):
        model(random_clips(2, 3, 3, 32, 32))


@torch.no_grad()
def test_windows_of_larger_clips():
    model = randomize(FrameResNet(18, num_classes=5, num_frames=4, width=8, window=2)).eval()
    model.fc.weight.mul_(0.1)
    clip = random_clips(1, 3, 4, 64, 96)
    plain = FrameResNet(18, num_classes=5, num_frames=4, width=8).eval()
    plain.load_state_dict(model.state_dict())
    assert torch.equal(model(clip[..., :64]), plain(clip[..., :64]))
    assert not torch.allclose(model(clip).softmax(1), plain(clip).softmax(1), atol=1e-3)
    assert torch.allclose(model(clip).exp().sum(1), torch.ones(1))  # logarithms of probabilities
    with pytest.raises(ValueError, match="window must be at least 1, got 0"):
        FrameResNet(18, num_classes=5, num_frames=4, window=0)


def test_width_scales_every_layer():
    with torch.device("meta"):
        wide = FrameResNet(50, num_classes=5, num_frames=8).state_dict()
        narrow = FrameResNet(50, num_classes=5, num_frames=8, width=16).state_dict()
    assert narrow["conv1.weight"].shape == (16, 3, 7, 7)
    assert narrow["layer4.2.conv3.weight"].shape == (512, 128, 1, 1)
    assert wide.keys() == narrow.keys()
    fixed = {3, 5, 7, 1}  # colors, classes, kernels
    for name in wide:
        assert all(
            n == w if w in fixed else 4 * n == w
            for n, w in zip(narrow[name].shape, wide[name].shape, strict=True)
        ), name


@pytest.mark.parametrize("depth", DEPTHS)
def test_every_depth_trains(depth: int):
    model = FrameResNet(depth, num_classes=5, num_frames=2, width=4)
    model(random_clips(2, 3, 2, 32, 32)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_the_same_seed_makes_the_same_network_whatever_is_inserted():
    torch.manual_seed(0)
    plain = FrameResNet(10, num_classes=5, num_frames=2, width=8).state_dict()
    torch.manual_seed(0)
    blocks = FrameResNet(
        10,
        num_classes=5,
        num_frames=2,
        width=8,
        blocks=[SpatialAttention],
        placement={"res3": [0]},
    ).state_dict()
    assert len(blocks) > len(plain)
    assert all(torch.equal(blocks[name], tensor) for name, tensor in plain.items())


def test_a_depth_that_does_not_exist():
    with pytest.raises(ValueError, match="depth") as error:
        FrameResNet(152, num_classes=5, num_frames=8)
    assert str(error.value) == ("there is no ResNet of depth 152: depths are [10, 18, 34, 50, 101]")


def network(*, num_classes: int = 5, num_frames: int = 8, width: int = 8) -> FrameResNet:
    return FrameResNet(10, num_classes=num_classes, num_frames=num_frames, width=width)


@pytest.mark.parametrize("option", ["num_classes", "num_frames", "width"])
@pytest.mark.parametrize("given", [0, -1])
def test_numbers_that_must_be_positive(option: str, given: int):
    with pytest.raises(ValueError, match=option) as error:
        network(**{option: given})
    assert str(error.value) == f"{option} must be at least 1, got {given}"


@pytest.mark.parametrize("given", [1.0, -0.1, 50])
def test_dropout_that_would_leave_nothing(given: float):
    with pytest.raises(ValueError, match="dropout") as error:
        FrameResNet(10, num_classes=5, num_frames=8, dropout=given)
    assert str(error.value) == f"dropout must be at least 0 and less than 1, got {given}"
