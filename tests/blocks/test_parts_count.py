"""Whatever is done to a part of a block counts: a hook, an adapter, another method."""

import copy
import types

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from gta.blocks import TAPE, GlobalContext, GlobalTemporalAttention, GloRe, NonLocal

from .blocks_under_test import ALL, Make
from .random_weights import randomize

every_block = pytest.mark.parametrize("make", ALL.values(), ids=ALL.keys())


def clip() -> Tensor:
    return torch.randn(2, 16, 3, 5, 4, dtype=torch.float64)


def leaves(block: nn.Module) -> list[str]:
    """Names of the parts that have weights of their own."""
    return [
        name
        for name, part in block.named_modules()
        if name and not list(part.children()) and list(part.parameters())
    ]


def bent(y: Tensor) -> Tensor:
    """Something that no normalization takes off again."""
    return y + 0.1 * y.square()


class Adapter(nn.Module):
    def __init__(self, part: nn.Module):
        super().__init__()
        self.part = part

    def forward(self, x: Tensor) -> Tensor:
        return bent(self.part(x))


class Larger(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return 1.5 * weight + 0.1


@every_block
@pytest.mark.parametrize("training", [True, False])
def test_hooks_on_every_part_are_called(make: Make, training: bool):
    block = randomize(make(3)).train(training)
    names, called = leaves(block), []
    for name in names:
        part = block.get_submodule(name)
        part.register_forward_hook(lambda *_, name=name: called.append(name))
    block(clip())
    assert sorted(called) == sorted(names)


@every_block
def test_backward_hooks_on_every_part_are_called(make: Make):
    block = randomize(make(3))
    names, called = leaves(block), []
    for name in names:
        part = block.get_submodule(name)
        part.register_full_backward_hook(lambda *_, name=name: called.append(name))
    block(clip().requires_grad_()).sum().backward()
    assert sorted(called) == sorted(names)


def change(holder: nn.Module, name: str, how: str) -> None:
    """Changes what the part of that name does."""
    part = holder.get_submodule(name)
    forward = part.forward
    if how == "adapter":
        holder.add_module(name, Adapter(part))
    elif how == "subclass":
        kind = type(part)
        changed = {"forward": lambda self, x: bent(kind.forward(self, x))}
        part.__class__ = type("Bent", (kind,), changed)
    elif how == "forward":
        part.forward = lambda x: bent(forward(x))
    elif how == "parametrization":
        parametrize.register_parametrization(part, "weight", Larger())
    else:
        part.register_forward_hook(lambda part, x, y: bent(y))


@pytest.mark.parametrize("name", [name for name in ALL if not name.startswith("CGNL")])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("how", ["adapter", "subclass", "forward", "parametrization", "hook"])
def test_a_changed_part_changes_the_output(name: str, training: bool, how: str):
    block, x = randomize(ALL[name](3)).train(training), clip()
    before = copy.deepcopy(block)(x)
    for place in leaves(block):
        changed = copy.deepcopy(block)
        parent, _, last = place.rpartition(".")
        change(changed.get_submodule(parent), last, how)
        assert (changed(x) - before).abs().max() > 1e-6, place


@pytest.mark.parametrize("how", ["adapter", "subclass", "forward", "parametrization", "hook"])
def test_a_changed_part_of_cgnl(how: str):
    """Of keys and values its dot product keeps but the sign, so the other kernel."""
    block, x = randomize(ALL["CGNL rbf"](3)), clip()
    before = copy.deepcopy(block)(x)
    for place in leaves(block):
        changed = copy.deepcopy(block)
        change(changed, place, how)
        assert (changed(x) - before).abs().max() > 1e-9, place


@pytest.mark.parametrize("where", ["object", "subclass", "class"])
@pytest.mark.parametrize(
    ("make", "method"),
    [
        (NonLocal, "attention"),
        (TAPE, "attention"),
        (GloRe, "regions"),
        (GlobalContext, "attention"),
        (GlobalTemporalAttention, "regions"),
    ],
)
def test_another_attention_counts(make, method: str, where: str, monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(0)
    block, x = randomize(make(64, 3)).eval(), torch.randn(1, 64, 3, 4, 4, dtype=torch.float64)
    before, own = block(x), getattr(type(block), method)

    def halved(self: nn.Module, x: Tensor) -> Tensor:
        return 0.5 * own(self, x)

    if where == "object":
        setattr(block, method, types.MethodType(halved, block))
    elif where == "subclass":
        block.__class__ = type("Halved", (make,), {method: halved})
    else:
        monkeypatch.setattr(make, method, halved)
    assert (block(x) - before).abs().max() > 1e-6


@every_block
def test_what_attention_and_regions_return_is_what_forward_computes(make: Make):
    """Put in the place of the method, what it returned gives the same output."""
    block, x = randomize(make(3)).eval(), clip()
    expected = block(x)
    for part in block.modules():
        for name in ("attention", "regions"):
            if isinstance(part, NonLocal | TAPE | GloRe | GlobalTemporalAttention):
                method = getattr(part, name, None)
                if method is not None and getattr(part, "assign", part) is not None:
                    setattr(part, name, lambda x, method=method: method(x).clone())
    torch.testing.assert_close(block(x), expected, rtol=1e-10, atol=1e-10)


@every_block
def test_copies_are_of_their_own(make: Make):
    block = randomize(make(3)).eval()
    other = copy.deepcopy(block)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1.0)
    x = clip()
    assert not torch.equal(other(x), block(x))
    assert torch.equal(copy.deepcopy(block)(x), block(x))
