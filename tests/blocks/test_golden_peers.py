"""CGNL, GCNet and GloRe against tensors measured on the authors' code; see golden/README.md."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

from gta.backbones.block_weights import load_block
from gta.blocks import CGNL, GlobalContext, GloRe, NonLocal
from gta.errors import UsageError

from .random_weights import relative_error

GOLDEN = Path(__file__).parent / "golden"
TOLERANCE = 1e-5  # float32, relative to the largest reference value


def load(name: str) -> tuple[dict[str, Tensor], dict, Tensor, Tensor]:
    """Weights under the names of the project, constructor arguments, input and output (5-D)."""
    with safe_open(GOLDEN / f"{name}.safetensors", "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        source = json.loads(file.metadata()["constructor"])
    weights = {k[7:]: v for k, v in tensors.items() if k.startswith("weight/")}
    x, y = tensors["input"], tensors["output"]
    return weights, source, *(v if v.ndim == 5 else v.unsqueeze(2) for v in (x, y))


def check(block: nn.Module, weights: dict[str, Tensor], x: Tensor, expected: Tensor) -> None:
    load_block(block, weights)
    with torch.no_grad():
        assert relative_error(block.eval()(x), expected) < TOLERANCE


def names(prefix: str) -> list[str]:
    return sorted(path.stem for path in GOLDEN.glob(f"{prefix}*.safetensors"))


@pytest.mark.parametrize("name", names("cgnl_dot") + names("cgnl_rbf"))
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


@pytest.mark.parametrize("name", names("cgnl_spatialnl"))
def test_non_local_of_the_authors_of_cgnl(name: str):
    weights, source, x, expected = load(name)
    block = NonLocal(
        source["inplanes"],
        x.shape[2],
        width=source["planes"],
        pool=None,
        scale=source["use_scale"],
    )
    check(block, weights, x, expected)


def test_weights_of_another_block_are_refused_and_the_block_left_alone():
    weights, _, _, _ = load("glore_unit_3d_plain")
    block = GloRe(32, 4, states=16, nodes=9)
    before = {key: value.clone() for key, value in block.state_dict().items()}
    with pytest.raises(
        UsageError, match=r"^the weights do not fit GloRe: conv_proj.bias \(shape 8,"
    ):
        load_block(block, weights)
    assert all(torch.equal(value, before[key]) for key, value in block.state_dict().items())
    del weights["gcn.conv2.weight"]
    with pytest.raises(UsageError, match=r"mix_states.weight \(missing\)"):
        load_block(GloRe(32, 4, states=16, nodes=8), weights)
    with pytest.raises(UsageError, match=r"NonLocal: blocker.bias \(not in the block\)"):
        load_block(NonLocal(32, 4), weights)


def test_all_files_are_used():
    assert len(names("cgnl_")) == 8 + 2
    assert len(names("gcnet_")) == 6
    assert len(names("glore_")) == 4
