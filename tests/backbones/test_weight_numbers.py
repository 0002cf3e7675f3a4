"""Numbers of weights: the types that are read, and those that are no weights."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from gta.backbones import FrameResNet
from gta.backbones.block_weights import load_block
from gta.backbones.weight_numbers import require_finite
from gta.backbones.weights import load_weights, read_weights
from gta.blocks import NonLocal
from gta.errors import UsageError

from .networks import randomize


def network() -> FrameResNet:
    return FrameResNet(10, num_classes=5, num_frames=2, width=8)


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return randomize(network()).state_dict()


def load(path: Path, state: dict[str, Tensor], **options: bool) -> FrameResNet:
    saved = {key: value.contiguous() for key, value in state.items()}
    save_file(saved, path) if path.suffix == ".safetensors" else torch.save(saved, path)
    model = network()
    load_weights(model, read_weights(path), **options)
    return model


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    "key", ["conv1.weight", "bn1.bias", "layer4.0.bn2.running_var", "fc.weight", "fc.bias"]
)
def test_one_number_that_is_not_finite(tmp_path: Path, state, key: str, bad: float, suffix: str):
    changed = state[key].clone()
    changed.view(-1)[1] = bad
    path = tmp_path / f"w{suffix}"
    with pytest.raises(UsageError) as error:
        load(path, state | {key: changed})
    assert str(error.value) == (
        f"{path}: 1 of 74 tensors hold NaN or infinite numbers: {key} (1 of {changed.numel()}). "
        f"Its training has diverged, or the file is damaged: give an earlier checkpoint"
    )


def test_numbers_of_what_is_not_used_do_not_matter(tmp_path: Path, state):
    bad = {"fc.weight": state["fc.weight"] * float("nan")}
    load(tmp_path / "w.pth", state | bad, keep_classifier=False)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_types_of_numbers(tmp_path: Path, state, kind: torch.dtype):
    other = {
        key: value.to(kind) if value.is_floating_point() else value for key, value in state.items()
    }
    model = load(tmp_path / "w.pth", other)
    for key, value in model.state_dict().items():
        assert value.dtype == state[key].dtype
        assert torch.equal(value, other[key].to(value.dtype))


def test_numbers_beyond_single_precision(tmp_path: Path, state):
    with pytest.raises(
        UsageError, match=r"1 of 74 tensors hold NaN or infinite .*bn1.bias \(8 of 8"
    ):
        load(tmp_path / "w.pth", state | {"bn1.bias": torch.full((8,), 1e300, dtype=torch.float64)})


READ = "; read are float32, float16, bfloat16 and float64: of quantised weights, give those before"
CHANGES: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "int8": (lambda x: x.to(torch.int8), "conv1.weight holds numbers of type int8" + READ),
    "float8": (
        lambda x: x.to(torch.float8_e4m3fn),
        "conv1.weight holds numbers of type float8_e4m3fn" + READ,
    ),
    "complex": (lambda x: x.to(torch.complex64), "holds numbers of type complex64"),
    "sparse": (lambda x: x.to_sparse(), "conv1.weight is a sparse tensor: save it with .to_dense"),
    "meta": (lambda x: x.to("meta"), "holds the shapes of tensors without their numbers (conv1"),
}


@pytest.mark.filterwarnings("ignore:Validating sparse tensor")
@pytest.mark.parametrize("change", CHANGES)
def test_other_types(tmp_path: Path, state, change: str):
    make, words = CHANGES[change]
    torch.save(state | {"conv1.weight": make(state["conv1.weight"])}, tmp_path / "w.pth")
    with pytest.raises(UsageError) as error:
        load_weights(network(), read_weights(tmp_path / "w.pth"))
    assert words in str(error.value)


def test_a_block_of_weights_that_are_not_finite():
    block = NonLocal(8, 2)
    bad = block.state_dict() | {"norm.bias": torch.full((8,), float("nan"))}
    with pytest.raises(UsageError, match=r"the weights of NonLocal: .*norm.bias \(8 of 8\)"):
        load_block(NonLocal(8, 2), bad)


def test_a_variance_below_zero():
    with pytest.raises(UsageError, match=r"a\.pth: variances below zero in bn1\.running_var"):
        require_finite({"bn1.running_var": torch.tensor([1.0, -0.5])}, "a.pth")
