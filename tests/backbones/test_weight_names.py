"""Names of public projects against their full-size key lists; see keys/README.md."""

import json
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gta.backbones import FrameResNet, SlowFast
from gta.backbones.weight_names import from_caffe2, from_pyslowfast, our_names
from gta.backbones.weights import load_weights, read_weights, recognized
from gta.blocks import GlobalTemporalAttention, NonLocal, SpatialAttention
from gta.errors import UsageError

from .networks import relative_error
from .test_golden import load, tensor

KEYS = Path(__file__).parent / "keys"
FIVE = {"res3": [1, 3], "res4": [1, 3, 5]}
NL = [partial(NonLocal, pool="before")]

NETWORKS: dict[str, tuple[str, Callable[[], nn.Module]]] = {
    "psf_C2D_NLN_8x8_R50_k400": (
        "PySlowFast",
        partial(FrameResNet, 50, num_classes=400, num_frames=8, blocks=NL, placement=FIVE),
    ),
    "psf_SLOWFAST_16x8_R50_ssv2": (
        "PySlowFast",
        partial(SlowFast, 50, num_classes=174, num_frames=64),
    ),
    "psf_SLOWFAST_8x8_R101_50_101_k400": (
        "PySlowFast",
        partial(
            *(SlowFast, 101),
            **{"num_classes": 400, "num_frames": 32},
            fusion_kernel=5,
            temporal_blocks=(6, 23),
        ),
    ),
    "psf_SLOWFAST_NLN_16x8_R101_50_50_k400": (
        "PySlowFast",
        partial(
            *(SlowFast, 101),
            **{"num_classes": 400, "num_frames": 64},
            fusion_kernel=5,
            temporal_blocks=(6, 6),
            blocks=NL,
            placement={"res4": [6, 13, 20]},
        ),
    ),
    "ptv_hub_slowfast_r50": (
        "pytorchvideo",
        partial(SlowFast, 50, num_classes=400, num_frames=32),
    ),
    "tsm_resnet50_nl_k400_seg8": (
        "TSM",
        partial(
            *(FrameResNet, 50),
            **{"num_classes": 400, "num_frames": 8},
            tsm=True,
            blocks=NL,
            placement={"res3": [0, 2], "res4": [0, 2, 4]},
        ),
    ),
    "tsm_resnet101_ssv2_seg8": (
        "TSM",
        partial(FrameResNet, 101, num_classes=174, num_frames=8, tsm=True),
    ),
}


def listed(name: str) -> dict[str, list[int]]:
    return json.loads((KEYS / f"{name}.json").read_text())["keys"]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("wrapper", ["", "module."])
def test_every_tensor_of_a_full_size_network_finds_its_place(name: str, wrapper: str):
    project, make = NETWORKS[name]
    with torch.device("meta"):
        model = make()
        state = {wrapper + key: torch.empty(shape) for key, shape in listed(name).items()}
    weights = recognized(state, name)
    assert weights.project == project
    report = load_weights(model, weights)
    assert len(report.used) == len(state) == len(model.state_dict())
    assert (report.unused, report.fresh) == ({}, [])


def test_all_lists_are_used():
    assert {path.stem for path in KEYS.glob("*.json")} == {*NETWORKS, "psf_caffe2_names_nln"}


def caffe2_names() -> dict[str, str]:
    return json.loads((KEYS / "psf_caffe2_names_nln.json").read_text())["map"]


def test_every_caffe2_name():
    names = caffe2_names()
    assert len(names) == 612
    assert {theirs: from_caffe2(theirs) for theirs in names} == {
        theirs: from_pyslowfast(key) for theirs, key in names.items()
    }
    assert our_names(names)[0] == "PySlowFast's Caffe2 model zoo"


@pytest.mark.parametrize(
    "blob", ["conv1_w_momentum", "res2_0_branch2a_bn_s_momentum", "lr", "model_iter", "data_w"]
)
def test_blobs_that_are_no_weights(blob: str):
    assert from_caffe2(blob) is None


def caffe2_blobs(weights: dict[str, Tensor], names: dict[str, str]) -> dict[str, object]:
    """As the model zoo has them: 1x1x1 kernels as matrices, and the optimizer's blobs."""
    blobs: dict[str, object] = {}
    for theirs, key in names.items():
        if key in weights:
            value = weights[key]
            while value.ndim > 2 and value.shape[-1] == 1:
                value = value.squeeze(-1)
            blobs[theirs] = value.numpy()
            blobs[f"{theirs}_momentum"] = value.numpy()
    return blobs | {"lr": 0.1, "model_iter": 12}


@pytest.mark.parametrize("protocol", [2, 4])
@torch.no_grad()
def test_a_caffe2_file_of_slowfast_with_non_local_blocks(tmp_path: Path, protocol: int):
    golden = "psf_slowfast_nln_r50_tiny"
    weights, x, _ = load(golden)
    blobs = caffe2_blobs(weights, caffe2_names())
    assert blobs.keys() >= {"t_conv1_w", "nonlocal_conv4_5_bn_riv", "pred_b"}
    (tmp_path / "SLOWFAST.pkl").write_bytes(pickle.dumps({"blobs": blobs, "cfg": "x"}, protocol))
    options: dict[str, Any] = {"num_classes": 11, "num_frames": 32, "width": 8}
    model = SlowFast(50, **options, blocks=NL, placement=FIVE).eval()
    report = load_weights(model, read_weights(tmp_path / "SLOWFAST.pkl"))
    assert report.fresh == []
    assert all(key.endswith("_momentum") for key in report.unused)
    assert relative_error(model(x), tensor(golden, "output_logits")) <= 1e-4


@torch.no_grad()
def test_a_kinetics_slowfast_is_fine_tuned_with_gta(tmp_path: Path):
    """Section C: the trunk is the file's, GTA starts as the identity, the classifier is new."""
    weights, x, _ = load("psf_slowfast_nln_r50_tiny")
    trunk = {key: value for key, value in weights.items() if "nonlocal" not in key}
    path = tmp_path / "checkpoint_epoch_00196.pyth"
    torch.save({"epoch": 195, "model_state": trunk, "optimizer_state": {}, "cfg": "TRAIN"}, path)
    options: dict[str, Any] = {"num_frames": 32, "width": 8}
    blocks = [SpatialAttention, GlobalTemporalAttention]
    model = SlowFast(50, num_classes=7, **options, blocks=blocks, placement=FIVE)
    report = load_weights(model, read_weights(path))
    assert set(report.unused) == {"head.projection.weight", "head.projection.bias"}
    assert {key.split(".")[0] for key in report.fresh} == {"fc", "inserted"}
    plain = SlowFast(50, num_classes=11, **options)
    load_weights(plain, read_weights(path))
    plain.fc = model.fc
    assert torch.equal(model.eval()(x), plain.eval()(x))


def test_a_block_that_the_model_lacks_is_left_and_reported():
    weights, _, _ = load("psf_slowfast_nln_r50_tiny")
    model = SlowFast(50, num_classes=11, num_frames=32, width=8)
    report = load_weights(model, recognized(weights, "a file"))
    assert len(report.unused) == 5 * 13
    assert report.unused["s4.pathway0_nonlocal5.conv_g.bias"] == "not in the model"


def test_a_shift_of_whole_blocks_is_another_network():
    """TSM can wrap blocks in place of convolutions: not the network of its results."""
    _, names = our_names(["base_model.layer1.0.net.conv1.weight", "new_fc.bias"])
    assert names["base_model.layer1.0.net.conv1.weight"] == "layer1.0.net.conv1.weight"


def mmaction2(key: str) -> str:
    """Our name of a ResNet's tensor in MMAction2, whose modules hold a convolution and its norm."""
    if key.startswith("fc."):
        return f"cls_head.fc_cls.{key[3:]}"
    if key.startswith("inserted."):
        place, _, part, parameter = key.removeprefix("inserted.").split(".")
        layer, index = f"layer{int(place[3]) - 1}", place[5:]
        theirs = {"query": "theta.conv", "key": "phi.0.conv", "value": "g.0.conv"}
        theirs |= {"output": "conv_out.conv", "norm": "conv_out.bn"}
        return f"backbone.{layer}.{index}.non_local_block.{theirs[part]}.{parameter}"
    *block, layer, parameter = key.split(".")
    if layer.isdigit():  # of the shortcut
        return f"backbone.{'.'.join(block)}.{('conv', 'bn')[int(layer)]}.{parameter}"
    shifted = ".net" if layer == "conv1" and block else ""
    kind = "bn" if layer.startswith("bn") else f"conv{shifted}"
    module = "block." if block[:2] in (["layer2", "0"], ["layer2", "2"], ["layer3", "4"]) else ""
    return f"backbone.{''.join(f'{p}.' for p in block)}{module}conv{layer[-1]}.{kind}.{parameter}"


@pytest.mark.parametrize("wrapper", ["", "module."])
def test_every_name_of_mmaction2(wrapper: str):
    """Built from what its modules are called; no file of its own is here to be compared."""
    options: dict[str, Any] = {"num_classes": 9, "num_frames": 8, "tsm": True}
    places = {"res3": [0, 2], "res4": [4]}
    with torch.device("meta"):
        model = FrameResNet(50, **options, blocks=NL, placement=places)
    state = {f"{wrapper}{mmaction2(key)}": value for key, value in model.state_dict().items()}
    assert {
        f"{wrapper}backbone.layer1.0.conv1.conv.net.weight",
        f"{wrapper}backbone.layer2.0.block.conv3.bn.running_var",
        f"{wrapper}backbone.layer2.0.non_local_block.g.0.conv.bias",
        f"{wrapper}backbone.layer4.0.downsample.conv.weight",
        f"{wrapper}cls_head.fc_cls.weight",
    } <= state.keys()
    weights = recognized(state | {"data_preprocessor.mean": torch.ones(3)}, "a file")
    assert weights.project == "MMAction2"
    report = load_weights(model, weights)
    assert len(report.used) == len(state)
    assert (report.fresh, report.differences) == ([], [])
    assert report.unused == {"data_preprocessor.mean": "no part of a network"}


def test_a_slowfast_of_mmaction2_is_refused():
    names = ["slow_path.layer1.0.conv1.conv.weight", "fast_path.conv1.bn.weight"]
    state = {f"backbone.{name}": torch.ones(1) for name in names}
    with pytest.raises(UsageError) as error:
        recognized(state, "epoch_256.pth")
    assert str(error.value) == (
        "epoch_256.pth is a network of MMAction2's SlowFast, which fits none here: its lateral "
        "connections have no normalization and ReLU as PySlowFast's and ours have, and its slow "
        "pathway sees other frames. Take weights of PySlowFast or pytorchvideo for SlowFast "
        "(model.weights=kinetics fetches them), or test these with MMAction2"
    )


def test_a_network_of_tsm_without_its_wrapper():
    names = {
        "model.layer1.0.conv1.net.weight": "layer1.0.conv1.weight",
        "model.layer2.0.nl.g.0.bias": "inserted.res3_0.0.value.bias",
        "model.new_fc.weight": "fc.weight",
    }
    assert our_names(names, "model.")[1] == names
