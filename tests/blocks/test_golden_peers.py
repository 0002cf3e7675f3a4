"""CGNL, GCNet and GloRe against tensors measured on the authors' code; see golden/README.md."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

from gta.blocks import CGNL, GlobalContext, GloRe

from .random_weights import relative_error

GOLDEN = Path(__file__).parent / "golden"
TOLERANCE = 1e-5  # float32, relative to the largest reference value

OURS = {
    **{"t": "query", "p": "key", "g": "value", "z": "output", "gn": "norm"},  # CGNL
    **{"conv_mask": "mask", "channel_add_conv": "add", "channel_mul_conv": "multiply"},  # GCNet
    **{"conv_state": "reduce", "conv_proj": "project", "conv_extend": "extend"},  # GloRe
    **{"gcn.conv1": "mix_nodes", "gcn.conv2": "mix_states", "blocker": "norm"},
}


def rename(key: str) -> str:
    for theirs, ours in OURS.items():
        if key.startswith(f"{theirs}."):
            return ours + key.removeprefix(theirs)
    raise AssertionError(key)


def load(name: str) -> tuple[dict[str, Tensor], dict, Tensor, Tensor]:
    """Weights under our names, constructor arguments, input (B, C, T, H, W) and output."""
    with safe_open(GOLDEN / f"{name}.safetensors", "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        source = json.loads(file.metadata()["constructor"])
    weights = {rename(k[7:]): v for k, v in tensors.items() if k.startswith("weight/")}
    x, y = tensors["input"], tensors["output"]
    return weights, source, *(v if v.ndim == 5 else v.unsqueeze(2) for v in (x, y))


def check(block: nn.Module, weights: dict[str, Tensor], x: Tensor, expected: Tensor) -> None:
    own = block.state_dict()
    shaped = {key: value.reshape(own[key].shape) for key, value in weights.items()}
    block.load_state_dict(shaped, strict=True)
    with torch.no_grad():
        assert relative_error(block.eval()(x), expected) < TOLERANCE


def names(prefix: str) -> list[str]:
    return sorted(path.stem for path in GOLDEN.glob(f"{prefix}*.safetensors"))


@pytest.mark.parametrize("name", names("cgnl_"))
def test_cgnl(name: str):
    weights, source, x, expected = load(name)
    rbf = {"kernel": "rbf", "order": source["order"]} if "order" in source else {}
    block = CGNL(
        source["inplanes"],
        x.shape[2],
        width=source["planes"],
        groups=source["groups"],
        scale=source["use_scale"],
        **rbf,
    )
    check(block, weights, x, expected)


@pytest.mark.parametrize("name", names("gcnet_"))
def test_gcnet(name: str):
    weights, source, x, expected = load(name)
    fusion = {"channel_add": "add", "channel_mul": "multiply"}
    block = GlobalContext(
        source["inplanes"],
        x.shape[2],
        width=source["planes"],
        pooling="attention" if source["pooling_type"] == "att" else "average",
        fusion=[fusion[way] for way in source["fusion_types"]],
    )
    check(block, weights, x, expected)


@pytest.mark.parametrize("name", names("glore_"))
def test_glore(name: str):
    weights, source, x, expected = load(name)
    block = GloRe(
        source["num_in"],
        x.shape[2],
        states=2 * source["num_mid"],
        nodes=source["num_mid"],
        normalize=source["normalize"],
    )
    check(block, weights, x, expected)


def test_all_files_are_used():
    assert len(names("cgnl_")) == 8
    assert len(names("gcnet_")) == 6
    assert len(names("glore_")) == 4
