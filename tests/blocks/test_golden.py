"""NonLocal against tensors measured on the public implementations; see golden/README.md."""

import json
from pathlib import Path

import pytest
from safetensors import safe_open
from torch import Tensor

from gta.backbones.block_weights import load_block
from gta.backbones.weight_names import NON_LOCAL
from gta.blocks import NonLocal

from .random_weights import relative_error

GOLDEN = Path(__file__).parent / "golden"
TOLERANCE = 1e-5  # float32, relative to the largest reference value


def load(name: str) -> tuple[NonLocal, dict[str, Tensor]]:
    """Our block with a golden file's weights, and the file's tensors."""
    with safe_open(GOLDEN / f"{name}.safetensors", "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        source = json.loads(file.metadata()["constructor"])
    if name.startswith("tsm"):
        pool, affinity = "after" if source["sub_sample"] else None, "softmax"
    else:
        pool, affinity = "before" if source["pool_size"] else None, source["instantiation"]
    channels, num_frames = tensors["input"].shape[1:3]
    block = NonLocal(
        channels, num_frames, pool=pool, affinity=affinity, scale=name.startswith("psf")
    )
    load_block(block, tagged(tensors, "weight"))
    return block, tensors


def renamed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    parts = {key: key.rpartition(".") for key in tensors}
    return {f"{NON_LOCAL[parts[k][0]]}.{parts[k][2]}": tensor for k, tensor in tensors.items()}


def tagged(tensors: dict[str, Tensor], tag: str) -> dict[str, Tensor]:
    return {k.removeprefix(f"{tag}/"): t for k, t in tensors.items() if k.startswith(f"{tag}/")}


@pytest.mark.parametrize(
    "name",
    [
        "psf_nonlocal_softmax_pool122",
        "psf_nonlocal_softmax_nopool",
        "psf_nonlocal_dot_product_pool122",
        "psf_nonlocal_dot_product_nopool",
        "tsm_nonlocal3d_subsample",
        "tsm_nonlocal3d_full",
    ],
)
def test_output(name: str):
    block, golden = load(name)
    assert relative_error(block.eval()(golden["input"]), golden["output"]) <= TOLERANCE


def test_training_mode_with_gradients():
    block, golden = load("psf_nonlocal_softmax_pool122_train")
    x = golden["input"].requires_grad_()
    y = block.train()(x)
    assert relative_error(y, golden["output"]) <= TOLERANCE
    (y * golden["probe"]).sum().backward()
    assert x.grad is not None
    assert relative_error(x.grad, golden["grad_input"]) <= TOLERANCE
    gradients = renamed(tagged(golden, "grad"))
    parameters = dict(block.named_parameters())
    assert gradients.keys() == parameters.keys()
    for name, expected in gradients.items():
        actual = parameters[name].grad
        assert actual is not None
        if name in ("key.bias", "value.bias", "output.bias"):  # softmax and norm cancel them
            assert actual.abs().max() < 1e-3
        else:
            assert relative_error(actual.view_as(expected), expected) <= TOLERANCE, name
    state = block.state_dict()
    for name, expected in renamed(tagged(golden, "after")).items():
        assert relative_error(state[name].view_as(expected), expected) <= TOLERANCE, name


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("psf_nonlocal_softmax_pool122", {"pool": "after"}),
        ("psf_nonlocal_softmax_pool122", {"scale": 1.0}),
        ("psf_nonlocal_dot_product_pool122", {"affinity": "softmax"}),
        ("tsm_nonlocal3d_subsample", {"pool": "before"}),
        ("tsm_nonlocal3d_full", {"scale": 0.25}),
    ],
)
def test_the_tolerance_tells_the_variants_apart(name: str, change: dict):
    block, golden = load(name)
    for attribute, value in change.items():
        setattr(block, attribute, value)
    assert relative_error(block.eval()(golden["input"]), golden["output"]) > 100 * TOLERANCE


def test_the_folder_holds_what_is_tested():
    files = {path.stem for path in GOLDEN.glob("*.safetensors")}
    assert len(files) == 7 + 20  # the others are in test_golden_peers.py
    readme = (GOLDEN / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}" in readme for name in files)
