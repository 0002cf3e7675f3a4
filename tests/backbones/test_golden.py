"""The shift and whole networks against the public implementations; see golden/README.md."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from gta.backbones import FrameResNet, SlowFast
from gta.backbones.frame_resnet import BasicBlock, Bottleneck
from gta.backbones.slow_fast import slow_indices
from gta.backbones.temporal_shift import TemporalShift
from gta.backbones.weights import load_weights, recognized
from gta.blocks import NonLocal

from .networks import Network, relative_error

GOLDEN = Path(__file__).parent / "golden"
TOLERANCE = 1e-4  # float32, relative to the largest reference value


def load(name: str) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """Weights under the names of the project, input, output."""
    with safe_open(GOLDEN / f"{name}.safetensors", "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        scale = float(file.metadata().get("input_scale", 1))
    weights = {
        key.removeprefix("weight/"): tensor.float()
        for key, tensor in tensors.items()
        if key.startswith("weight/")
    }
    return weights, tensors["input"].float() * scale, tensors["output"]


def tensor(name: str, key: str) -> Tensor:
    with safe_open(GOLDEN / f"{name}.safetensors", "pt") as file:
        return file.get_tensor(key)


@pytest.mark.parametrize(
    ("name", "num_frames", "fraction"),
    [("tsm_temporal_shift_T16_div8", 16, 8), ("tsm_temporal_shift_T4_div4", 4, 4)],
)
def test_the_shift_to_the_bit(name: str, num_frames: int, fraction: int):
    _, x, output = load(name)
    assert torch.equal(TemporalShift(num_frames, fraction=fraction)(x), output)
    assert not torch.equal(x, output)


@pytest.mark.parametrize(
    ("name", "block"),
    [
        ("tsm_shift_basicblock", BasicBlock(32, 32, 1, TemporalShift(8))),
        ("tsm_shift_bottleneck_stride2", Bottleneck(32, 16, 2, TemporalShift(8))),
    ],
)
@torch.no_grad()
def test_residual_block(name: str, block: BasicBlock | Bottleneck):
    weights, x, output = load(name)
    block.load_state_dict({k.replace("conv1.net", "conv1"): v for k, v in weights.items()})
    assert relative_error(block.eval()(x), output) <= TOLERANCE
    block.shift = None
    assert relative_error(block(x), output) > 100 * TOLERANCE


FIVE = {"res3": [1, 3], "res4": [1, 3, 5]}


def pooled_before(channels: int, num_frames: int) -> NonLocal:
    return NonLocal(channels, num_frames, pool="before")


def tsm_unscaled(channels: int, num_frames: int) -> NonLocal:
    return NonLocal(channels, num_frames, pool="after", scale=False)


def loaded(model: Network, weights: dict[str, Tensor], project: str) -> Network:
    """With all of a project's weights and none of its own, through the converter of users."""
    report = load_weights(model, renamed := recognized(weights, "a file"))
    assert renamed.project == project
    assert report.unused == {}
    assert report.fresh == []
    return model.eval()


@torch.no_grad()
def test_tsm_with_shift_and_non_local_blocks():
    weights, x, output = load("tsm_resnet50_tiny_nl")
    places = {"res3": [0, 2], "res4": [0, 2, 4]}
    options = {"num_classes": 11, "num_frames": 8, "width": 8}
    model = FrameResNet(50, **options, tsm=True, blocks=[tsm_unscaled], placement=places)
    loaded(model, weights, "TSM")
    clips = x.unflatten(1, (8, 3)).transpose(1, 2)  # (B, T*3, H, W) to (B, 3, T, H, W)
    assert relative_error(model(clips), output) <= TOLERANCE
    assert relative_error(model(clips.flip(2)), output) > 100 * TOLERANCE


@torch.no_grad()
def test_slowfast_of_pyslowfast_with_non_local_blocks():
    name = "psf_slowfast_nln_r50_tiny"
    weights, x, probabilities = load(name)
    options = {"num_classes": 11, "num_frames": 32, "width": 8, "window": 2}
    model = SlowFast(50, **options, blocks=[pooled_before], placement=FIVE)
    loaded(model, weights, "PySlowFast")
    logits = model(x)
    assert relative_error(logits, tensor(name, "output_logits")) <= TOLERANCE
    assert relative_error(logits.softmax(1), probabilities) <= TOLERANCE
    assert slow_indices(32, 4) == tensor(name, "slow_indices").tolist()
    wide = torch.cat([x[:1], x[:1, ..., :32].flip(-1)], dim=-1)
    scores = model(wide).softmax(1)
    assert relative_error(scores, tensor(name, "output_wide")) <= TOLERANCE
    model.window = None  # pools all positions at once
    assert relative_error(model(wide).softmax(1), scores) > 10 * TOLERANCE
    assert relative_error(model(x.flip(2)), logits) > 100 * TOLERANCE


@torch.no_grad()
def test_slowfast_of_pytorchvideo():
    weights, x, output = load("ptv_slowfast_r50_tiny")
    model = SlowFast(50, num_classes=11, num_frames=32, width=8)
    assert relative_error(loaded(model, weights, "pytorchvideo")(x), output) <= TOLERANCE
    assert relative_error(model(x.flip(2)), output) > 100 * TOLERANCE


@torch.no_grad()
def test_c2d_of_pyslowfast_with_non_local_blocks():
    name = "psf_c2d_nln_r50_tiny"
    weights, x, probabilities = load(name)
    options = {"num_classes": 11, "num_frames": 8, "width": 4, "window": 2}
    model = FrameResNet(50, **options, temporal_pool=True, blocks=[pooled_before], placement=FIVE)
    loaded(model, weights, "PySlowFast")
    assert relative_error(model(x), tensor(name, "output_logits")) <= TOLERANCE
    assert relative_error(model(x).softmax(1), probabilities) <= TOLERANCE
    wide = torch.cat([x[:1], x[:1, ..., :32].flip(-1)], dim=-1)
    assert relative_error(model(wide).softmax(1), tensor(name, "output_wide")) <= TOLERANCE
    model.temporal_pool = False
    assert relative_error(model(x), tensor(name, "output_logits")) > 10 * TOLERANCE


def test_the_folder_holds_what_is_tested():
    files = {path.stem for path in GOLDEN.glob("*.safetensors")}
    assert len(files) == 8
    readme = (GOLDEN / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}" in readme for name in files)
