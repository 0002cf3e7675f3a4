"""`FrameWise` on networks of timm, torchvision and our own: the correct features and axes."""

import copy
import pickle
from collections.abc import Callable
from functools import partial

import pytest
import timm
import torch
import torchvision
from tests.backbones.networks import random_clips
from torch import Tensor, nn

from gta.backbones.feature_layout import FeatureLayout, exact_grid, nearest_grid
from gta.backbones.frame_wise import FrameWise
from gta.blocks import AlongTime, GlobalTemporalAttention, NonLocal, SpatialAttention

T = 3
GTA = partial(GlobalTemporalAttention, groups=2)


def vision_transformer() -> nn.Module:
    return torchvision.models.VisionTransformer(
        image_size=32,
        patch_size=8,
        num_layers=3,
        num_heads=2,
        hidden_dim=16,
        mlp_dim=32,
        num_classes=5,
    )


def timm_network(name: str, **options: object) -> Callable[[], nn.Module]:
    return lambda: timm.create_model(name, num_classes=5, **options)


NETWORKS = {
    "resnet": (
        lambda: torchvision.models.resnet18(num_classes=5),
        ["layer2.1", "layer3"],
        (32, 48),
    ),
    "timm_resnet": (timm_network("test_resnet"), ["layer3.0"], (32, 48)),
    "convnext": (timm_network("test_convnext"), ["stages.1.blocks.0", "stages.2"], (64, 96)),
    "convnext_nhwc": (
        lambda: torchvision.models.convnext_tiny(num_classes=5),
        ["features.1.0.block.3"],  # its linear layers see the channels last
        (32, 32),
    ),
    "efficientnet": (timm_network("test_efficientnet"), ["blocks.3"], (64, 64)),
    "swin": (
        timm_network("swin_tiny_patch4_window7_224", img_size=(32, 64), embed_dim=24),
        ["layers.1.blocks.1"],
        (32, 64),
    ),
    "vit": (timm_network("test_vit", img_size=(32, 64)), ["blocks.1", "blocks.2"], (32, 64)),
    "vit_registers": (
        timm_network(
            "vit_tiny_patch16_224", img_size=64, reg_tokens=4, embed_dim=24, depth=3, num_heads=2
        ),
        ["blocks.1"],
        (64, 64),
    ),
    "deit_distilled": (
        timm_network(
            "deit_tiny_distilled_patch16_224", img_size=64, embed_dim=24, depth=3, num_heads=2
        ),
        ["blocks.1"],
        (64, 64),
    ),
    "mixer": (
        timm_network("mixer_s32_224", img_size=64),
        ["blocks.0"],
        (64, 64),
    ),
    "torchvision_vit": (vision_transformer, ["encoder.layers.encoder_layer_1"], (32, 32)),
}
everywhere = pytest.mark.parametrize("name", NETWORKS)


def network_of(name: str) -> tuple[nn.Module, list[str], Tensor]:
    """A network with random weights in evaluation mode, places in it, and clips."""
    make, at, size = NETWORKS[name]
    return redraw(make()).eval(), at, random_clips(2, 3, T, *size)


@torch.no_grad()
def redraw(network: nn.Module, seed: int = 0) -> nn.Module:
    """In place: no weight is left at the zero or the 1e-6 that hides what comes before it."""
    draw = torch.Generator().manual_seed(seed)
    for key, value in network.state_dict().items():
        if not value.is_floating_point():
            continue
        if value.ndim > 1:
            value.copy_(torch.randn(value.shape, generator=draw) * value[0].numel() ** -0.5)
        elif key.endswith(("bias", "running_mean")):
            value.copy_(0.1 * torch.randn(value.shape, generator=draw))
        else:
            value.copy_(0.5 + torch.rand(value.shape, generator=draw))
    return network


def wake(model: FrameWise) -> None:
    """Draw the inserted normalizations, which start at zero."""
    draw = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for module in model.inserted.modules():
            if isinstance(module, nn.BatchNorm3d):
                module.weight.copy_(1 + torch.rand(module.weight.shape, generator=draw))


class Probe(nn.Module):
    """Records the clip that it is given, and marks it."""

    def __init__(self, channels: int, num_frames: int):
        super().__init__()
        self.channels = channels
        self.seen = torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        self.seen = x.detach().clone()
        return x + torch.arange(x.shape[2])[:, None, None] * torch.arange(x.shape[4])


class Head(nn.Module):
    """A small network of our own: what comes before, then a mean and a classifier."""

    def __init__(self, first: nn.Module, channels: int = 6):
        super().__init__()
        self.first = first
        self.last = nn.Linear(channels, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        x = x[0] if isinstance(x, tuple) else x
        return self.last(x.flatten(1)[:, : self.last.in_features])


class Returns(nn.Module):
    """Takes frames, and returns what a function makes of them."""

    def __init__(self, function: Callable[[Tensor], object]):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> object:
        return self.function(x)


def conv(channels: int = 6) -> nn.Conv2d:
    return nn.Conv2d(3, channels, 8, 8)


# -- what comes out


@everywhere
@torch.no_grad()
def test_logits_are_the_mean_over_frames(name: str):
    network, _, clips = network_of(name)
    expected = torch.stack([network(clips[:, :, t]) for t in range(T)]).mean(dim=0)
    torch.testing.assert_close(FrameWise(network, num_frames=T)(clips), expected)


@everywhere
@torch.no_grad()
def test_insertion_changes_no_logit(name: str):
    network, at, clips = network_of(name)
    before = FrameWise(network, num_frames=T)(clips)
    model = FrameWise(
        network,
        num_frames=T,
        blocks=[SpatialAttention, GTA],
        at=at,
        image_size=(clips.shape[3], clips.shape[4]),
    ).eval()
    assert torch.equal(model(clips), before)
    wake(model)
    assert (model(clips) - before).abs().max() > 1e-4


@everywhere
@torch.no_grad()
def test_order_of_frames_matters_to_gta_alone(name: str):
    network, at, clips = network_of(name)
    size = (clips.shape[3], clips.shape[4])
    backwards = clips.flip(2)
    space = FrameWise(
        copy.deepcopy(network), num_frames=T, blocks=[SpatialAttention], at=at, image_size=size
    ).eval()
    time = FrameWise(network, num_frames=T, blocks=[GTA], at=at, image_size=size).eval()
    wake(space)
    wake(time)
    torch.testing.assert_close(space(clips), space(backwards))
    assert (time(clips) - time(backwards)).abs().max() > 1e-4


# -- what a block sees, and where its output goes


@everywhere
@torch.no_grad()
def test_a_block_sees_the_frames_features_and_changes_what_follows(name: str):
    network, at, clips = network_of(name)
    at = at[:1]
    H, W = clips.shape[3:]
    plain = copy.deepcopy(network)
    model = FrameWise(network, num_frames=T, blocks=[Probe], at=at, image_size=(H, W)).eval()
    logits = model(clips)
    (place,) = model.inserted.values()
    probe = place[0]

    # by hand: each frame alone, the features taken out, marked and put back
    def features_of(output: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """The features (C, h, w) of one frame's output, and the way back."""
        if output.ndim == 3:
            prefix = getattr(network, "num_prefix_tokens", int(hasattr(network, "class_token")))
            tokens = output[0, prefix:]
            w = round((len(tokens) * W / H) ** 0.5)
            front = output[:, :prefix]
            grid = tokens.T.reshape(tokens.shape[1], -1, w)
            return grid, lambda x: torch.cat([front, x.flatten(1).T[None]], dim=1)
        if output.shape[1] == probe.channels:
            return output[0], lambda x: x[None]
        return output[0].permute(2, 0, 1), lambda x: x.permute(1, 2, 0)[None]

    per_frame = torch.zeros_like(logits)
    for b in range(len(clips)):
        for t in range(T):

            def mark(module: nn.Module, args: object, output: Tensor, b: int = b, t: int = t):
                feature, back = features_of(output)
                torch.testing.assert_close(probe.seen[b, :, t], feature, rtol=1e-4, atol=1e-5)
                return back(feature + t * torch.arange(feature.shape[2]))

            handle = plain.get_submodule(at[0]).register_forward_hook(mark)
            per_frame[b] += plain(clips[b : b + 1, :, t])[0] / T
            handle.remove()
    torch.testing.assert_close(logits, per_frame, rtol=1e-4, atol=1e-5)
    assert probe.seen.shape[3] * W == probe.seen.shape[4] * H  # of the frame's aspect ratio


@pytest.mark.parametrize(
    ("name", "prefix"), [("vit_registers", 5), ("deit_distilled", 2), ("torchvision_vit", 1)]
)
@torch.no_grad()
def test_prefix_tokens_pass_unchanged(name: str, prefix: int):
    network, at, clips = network_of(name)
    model = FrameWise(network, num_frames=T, blocks=[Probe], at=at).eval()
    (place,) = model.inserted.values()
    assert place.layout.prefix_tokens == prefix
    place.clip_size = (T, *clips.shape[3:])
    tokens = torch.randn(2 * T, prefix + 16, place.layout.channels)
    after = place.replace_output(nn.Identity(), (), tokens)
    assert torch.equal(after[:, :prefix], tokens[:, :prefix])
    assert not torch.equal(after[:, prefix:], tokens[:, prefix:])


def test_modules_without_the_class_token_of_their_network():
    network = timm.create_model(  # two of its blocks come before the class token, two after
        "convit_tiny", img_size=32, depth=4, local_up_to_layer=2, num_classes=5
    )
    model = FrameWise(network, num_frames=T, blocks=[GTA], at=["blocks.1", "blocks.2"])
    assert [place.layout.prefix_tokens for place in model.inserted.values()] == [0, 1]


def test_a_number_of_prefix_tokens_may_be_given():
    network = Head(Returns(lambda x: x.flatten(2).transpose(1, 2)[:, :19]), channels=57)
    options = {"num_frames": T, "blocks": [Probe], "at": ["first"], "image_size": 32}
    model = FrameWise(copy.deepcopy(network), prefix_tokens=3, **options)
    model(random_clips(1, 3, T, 32, 32))
    assert model.inserted["first"][0].seen.shape == (1, 3, T, 4, 4)
    with pytest.raises(ValueError, match=r"\(1, 19, 3\) .*give prefix_tokens.*prefix_tokens=3 le"):
        FrameWise(network, **options)
    with pytest.raises(ValueError, match="prefix_tokens must be at least 0, got -1"):
        FrameWise(network, prefix_tokens=-1, **options)


@pytest.mark.parametrize(
    ("positions", "size", "grid"),
    [
        (196, (224, 224), (14, 14)),
        (280, (224, 320), (14, 20)),
        (24, (96, 64), (6, 4)),
        (24, (64, 96), (4, 6)),
        (6, (65, 90), (2, 3)),  # strides of 32, rounded down
        (197, (224, 224), None),
        (0, (224, 224), None),
    ],
)
def test_grid(positions: int, size: tuple[int, int], grid: tuple[int, int] | None):
    assert nearest_grid(positions, *size) == grid
    assert exact_grid(positions, *size) in (grid, None)


def test_tokens_of_a_frame_that_has_no_such_grid():
    layout = FeatureLayout("tokens", 4, 1)
    with pytest.raises(ValueError, match=r"17 tokens are no grid .* 32x32 pixels: give clips of"):
        layout.to_clips(torch.zeros(2, 18, 4), 2, (32, 32))


@torch.no_grad()
def test_memory_format_is_kept():
    network, at, clips = network_of("resnet")
    network = network.to(memory_format=torch.channels_last)
    model = FrameWise(network, num_frames=T, blocks=[GTA], at=at[:1]).eval()
    formats = []
    model.network.get_submodule("layer3.0").register_forward_pre_hook(
        lambda module, args: formats.append(
            args[0].is_contiguous(memory_format=torch.channels_last)
        )
    )
    model(clips)
    assert formats == [True]


# -- the model as a module


def test_names():
    network, at, _ = network_of("resnet")
    keys = list(network.state_dict())
    model = FrameWise(network, num_frames=T, blocks=[SpatialAttention, GTA], at=at)
    trunk = [key for key in model.state_dict() if key.startswith("network.")]
    assert trunk == [f"network.{key}" for key in keys]
    others = {key.rsplit(".")[1] for key in model.state_dict() if key not in trunk}
    assert others == {"layer2_1", "layer3"}
    assert "inserted.layer2_1.1.pixel.matrix" in model.state_dict()
    assert model.inserted["layer3"][1].num_frames == T


def test_paths_that_differ_by_a_dot_have_names_of_their_own():
    inner = nn.Sequential()
    inner.add_module("b", conv())
    network = nn.Sequential()
    network.add_module("a", inner)
    network.add_module("a_b", nn.Identity())
    network.add_module("pool", nn.AdaptiveAvgPool2d(1))
    network.add_module("flat", nn.Flatten())
    model = FrameWise(network, num_frames=T, blocks=[Probe], at=["a.b", "a_b"])
    assert [place.path for place in model.inserted.values()] == ["a.b", "a_b"]


@pytest.mark.parametrize("name", ["resnet", "vit", "swin"])
def test_gradients_reach_blocks_and_network(name: str):
    network, at, clips = network_of(name)
    model = FrameWise(network, num_frames=T, blocks=[GTA], at=at, image_size=tuple(clips.shape[3:]))
    wake(model.train())
    model(clips).square().sum().backward()
    for key, parameter in model.named_parameters():
        if key.endswith(("matrix", "value.weight")) or key.startswith("network.patch_embed"):
            assert parameter.grad is not None
            assert parameter.grad.abs().max() > 0, key


@pytest.mark.parametrize("again", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@torch.no_grad()
def test_a_copy_runs_its_own_blocks(again: Callable[[FrameWise], FrameWise]):
    network, at, clips = network_of("vit")
    model = FrameWise(network, num_frames=T, blocks=[GTA], at=at).eval()
    wake(model)
    logits = model(clips)
    copied = again(model)
    assert torch.equal(copied(clips), logits)
    for parameter in copied.inserted.parameters():
        parameter.zero_()
    assert torch.equal(model(clips), logits)
    assert not torch.equal(copied(clips), logits)


@torch.no_grad()
def test_a_state_dict_restores_another_model():
    models = []
    for seed in (0, 1):
        network, at, clips = network_of("swin")
        torch.manual_seed(seed)
        models.append(FrameWise(redraw(network, seed), num_frames=T, blocks=[GTA], at=at).eval())
        wake(models[-1])
    first, second = models
    assert not torch.equal(first(clips), second(clips))
    second.load_state_dict(first.state_dict(), strict=True)
    assert torch.equal(first(clips), second(clips))


@pytest.mark.parametrize("name", ["timm_resnet", "vit"])
@torch.no_grad()
def test_compile_and_export(name: str):
    network, at, clips = network_of(name)
    model = FrameWise(network, num_frames=T, blocks=[SpatialAttention, GTA], at=at).eval()
    wake(model)
    expected = model(clips)
    exported = torch.export.export(model, (clips,)).module()
    torch.testing.assert_close(exported(clips), expected)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(clips), expected)
    torch.testing.assert_close(compiled(clips[:1]), expected[:1])


@pytest.mark.parametrize("name", ["resnet", "convnext", "vit", "swin", "torchvision_vit"])
def test_meta_device(name: str):
    make, at, size = NETWORKS[name]
    with torch.device("meta"):
        model = FrameWise(make(), num_frames=T, blocks=[GTA], at=at, image_size=size)
        logits = model(torch.empty(2, 3, T, *size))
    assert logits.shape == (2, 5)
    assert all(parameter.is_meta for parameter in model.parameters())


def test_construction_leaves_the_network_and_the_random_state_as_they_were():
    network, at, _ = network_of("resnet")
    network.train()
    network.layer1.eval()
    network.dropout = nn.Dropout()
    flags = [module.training for module in network.modules()]
    state = copy.deepcopy(network.state_dict())
    random = torch.get_rng_state()
    FrameWise(network, num_frames=T, blocks=[Probe], at=at)
    assert torch.equal(torch.get_rng_state(), random)
    assert [module.training for module in network.modules()] == flags
    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())


def test_another_number_of_frames():
    network, at, _ = network_of("resnet")
    free = FrameWise(copy.deepcopy(network), num_frames=T, blocks=[SpatialAttention], at=at)
    assert free.any_frames
    assert free.eval()(random_clips(1, 3, T + 1, 32, 32)).shape == (1, 5)
    fixed = FrameWise(network, num_frames=T, blocks=[GTA], at=at)
    assert not fixed.any_frames
    with pytest.raises(ValueError, match="built for 3 frames, got 4"):
        fixed(random_clips(1, 3, T + 1, 32, 32))


# -- what cannot be


def insert(network: nn.Module, *at: str, **options: object) -> FrameWise:
    settings = {"num_frames": T, "blocks": [Probe], "image_size": 32} | options
    return FrameWise(network, at=at, **settings)


@pytest.mark.parametrize(
    ("returned", "text"),
    [
        (lambda x: (x, x), r"module 'first' returned a tuple of 2 for one frame of 32x32 pixels, "),
        (lambda x: x.mean((2, 3)), r"shape \(1, 3\) .* no feature map \(1, C, H, W\) .*name a mod"),
        (lambda x: x.flatten(0, 1), r"shape \(3, 32, 32\) for one frame"),
        (lambda x: x.repeat(2, 1, 1, 1), r"shape \(2, 3, 32, 32\) for one frame"),
        (lambda x: x[:, :, :3, :3], r"shape \(1, 3, 3, 3\) .* two readings fit .* layout=\"nhwc\""),
        (
            lambda x: x[:, :, :5, :19],
            r"no reading fits .* layout=\"nchw\", or \(1, H, W, C\), layo",
        ),
        (lambda x: x.flatten(2)[:, :, :9], r"with 0 prefix tokens, the rest is no grid"),
    ],
)
def test_what_is_no_feature(returned: Callable[[Tensor], object], text: str):
    with pytest.raises(ValueError, match=text):
        insert(Head(Returns(returned), channels=3), "first")


def test_layout_settles_what_the_shape_does_not():
    network = Head(Returns(lambda x: x[:, :, :3, :3] + torch.arange(3)), channels=27)
    for layout, axis in [("nchw", 4), ("nhwc", 1)]:
        model = insert(copy.deepcopy(network), "first", layout=layout)
        model(torch.zeros(1, 3, T, 32, 32))
        seen = model.inserted["first"][0].seen
        assert torch.equal(seen[0].movedim(axis - 1, 0)[:, 0, 0, 0], torch.arange(3.0))
    with pytest.raises(ValueError, match="no layout='NCHW': layout must be one of 'auto', 'nchw'"):
        insert(network, "first", layout="NCHW")


def test_paths_that_cannot_be():
    network, _, _ = network_of("resnet")
    with pytest.raises(
        ValueError, match=r"'layer2.7' .* Did you mean 'layer2.\d'\? At the top .*'"
    ):
        insert(network, "layer2.7")
    with pytest.raises(ValueError, match=r"name module 'layer2.1' twice"):
        insert(network, "layer2.1", "layer2.1")
    with pytest.raises(
        ValueError, match=r"at is a list of paths: got 'layer2', give at=\['layer2'\]"
    ):
        FrameWise(network, num_frames=T, blocks=[Probe], at="layer2")
    with pytest.raises(ValueError, match="got 1 blocks and 0 paths"):
        insert(network)
    with pytest.raises(ValueError, match="got 0 blocks and 1 paths"):
        insert(network, "layer2", blocks=[])
    with pytest.raises(
        ValueError, match=r"module 'layer2.0.relu' runs 2 times .* the module around"
    ):
        insert(network, "layer2.0.relu")
    network.spare = nn.Identity()
    with pytest.raises(ValueError, match=r"module 'spare' runs 0 times .* inside or around it"):
        insert(network, "spare")
    with pytest.raises(ValueError, match=r"'layer1' has 64 channels: 3 groups do not divide"):
        insert(network, "layer1", blocks=[partial(GTA, groups=3)])


def test_one_network_in_two_models():
    network, _, _ = network_of("resnet")
    insert(network, "layer2")
    with pytest.raises(ValueError, match=r"after module 'layer2' already, .* build the network an"):
        insert(network, "layer3")
    with pytest.raises(ValueError, match="there are blocks after module 'layer2' already"):
        FrameWise(network, num_frames=T)


def test_tokens_that_are_not_in_rows():
    network = timm.create_model("hiera_tiny_224", embed_dim=8, num_heads=1, num_classes=5)
    with pytest.raises(
        ValueError, match=r"'blocks.0' .* order of pooling windows .* of Hiera does"
    ):
        insert(network, "blocks.0", image_size=224)


def test_a_network_that_cannot_run_on_the_frame():
    text = r"cannot run on one frame of 48x48 pixels \(.*\); give image_size, the size for which"
    with pytest.raises(ValueError, match=text):
        insert(vision_transformer(), "encoder.layers.encoder_layer_1", image_size=48)


def test_a_network_that_returns_no_logits():
    clips = random_clips(1, 3, T, 32, 32)
    with pytest.raises(ValueError, match=r"returned \(3, 6, 4, 4\) and not logits"):
        FrameWise(conv(), num_frames=T)(clips)
    with pytest.raises(
        ValueError, match=r"returned tuple of 2 and not logits .* without auxiliary"
    ):
        FrameWise(Returns(lambda x: (x, x)), num_frames=T)(clips)


def test_a_network_without_its_clips():
    model = insert(Head(conv()), "first")
    with pytest.raises(ValueError, match="after 'first' need whole clips: call the FrameWise"):
        model.network(torch.zeros(1, 3, 32, 32))


def test_blocks_along_time_have_positions_for_samples():
    network, at, clips = network_of("vit")

    def temporal(channels: int, num_frames: int) -> nn.Module:
        return AlongTime(NonLocal(channels, num_frames, pool=None))

    model = FrameWise(network, num_frames=T, blocks=[temporal], at=at)
    assert model.eval()(clips).shape == (2, 5)
