"""The shift and a whole network against the public implementation; see golden/README.md."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from gta.backbones import FrameResNet
from gta.backbones.residual import BasicBlock, Bottleneck
from gta.backbones.temporal_shift import TemporalShift
from gta.blocks import NonLocal

from .networks import relative_error

GOLDEN = Path(__file__).parent / "golden"
TOLERANCE = 1e-4  # float32, relative to the largest reference value

NON_LOCAL = {
    "theta": "query",
    "phi.0": "key",
    "g.0": "value",
    "W.0": "output",
    "W.1": "norm",
}


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


def rename(key: str) -> str:
    """TSM's name to ours: `layer2.0.nl.theta.weight` to `inserted.res3_0.0.query.weight`."""
    key = key.removeprefix("base_model.").replace("conv1.net", "conv1").replace(".block.", ".")
    key = key.replace("new_fc", "fc")
    if ".nl." not in key:
        return key
    place, _, rest = key.partition(".nl.")
    layer, index = place.split(".")
    part, _, parameter = rest.rpartition(".")
    stage = {"layer2": "res3", "layer3": "res4"}[layer]
    return f"inserted.{stage}_{index}.0.{NON_LOCAL[part]}.{parameter}"


def tsm_unscaled(channels: int, num_frames: int) -> NonLocal:
    return NonLocal(channels, num_frames, pool="after", scale=False)


@torch.no_grad()
def test_a_whole_network_with_shift_and_non_local_blocks():
    weights, x, output = load("tsm_resnet50_tiny_nl")
    model = FrameResNet(
        50,
        num_classes=11,
        num_frames=8,
        width=8,
        tsm=True,
        blocks=[tsm_unscaled],
        placement={"res3": [0, 2], "res4": [0, 2, 4]},
    ).eval()
    model.load_state_dict({rename(key): tensor for key, tensor in weights.items()}, strict=True)
    clips = x.unflatten(1, (8, 3)).transpose(1, 2)  # (B, T*3, H, W) to (B, 3, T, H, W)
    assert relative_error(model(clips), output) <= TOLERANCE
    assert relative_error(model(clips.flip(2)), output) > 100 * TOLERANCE


def test_the_folder_holds_what_is_tested():
    files = {path.stem for path in GOLDEN.glob("*.safetensors")}
    assert len(files) == 5
    readme = (GOLDEN / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}" in readme for name in files)
