"""When steps of a block may be done at once: when nobody can see the difference."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn.modules import module as modules

from gta.blocks.features import Projection

_KNOWN = {Projection: nn.Linear.forward, nn.BatchNorm3d: nn.BatchNorm3d.forward}
"""Layers whose arithmetic is known, and the method that does it."""
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


_fusing = True


@contextmanager
def unfused() -> Iterator[None]:
    """Calls the parts of blocks each by itself: to compare, to count, and for small features.

    Of small features a fused function's own work is more than the passes that it saves.
    """
    global _fusing
    before, _fusing = _fusing, False
    try:
        yield
    finally:
        _fusing = before


def fuses(x: Tensor, *parts: nn.Module) -> bool:
    """Whether a fused function may stand for calls of these parts, all on x.

    Not where a part is no plain layer, nor where others look on: transforms of `torch.func`,
    forward-mode derivatives, exporting, autocast to another type.
    """
    return _fusing and not _watched(x) and all(untouched(part) for part in parts)


def untouched(part: nn.Module) -> bool:
    """Whether a part is a plain layer, without hooks, parametrizations or another forward."""
    known = _KNOWN.get(type(part))
    return (
        type(part).forward is known
        and "forward" not in vars(part)
        and not any(getattr(part, hooks) for hooks in _HOOKS)
    )


def is_own(block: nn.Module, name: str, method: Callable) -> bool:
    """Whether a method is still that of our class: in the object, its class and above."""
    return getattr(type(block), name) is method and name not in vars(block)


def _watched(x: Tensor) -> bool:
    if forward_ad._current_level >= 0 or modules._has_any_global_hook():
        return True
    kind = x.device.type
    if (
        kind != "meta"
        and torch.is_autocast_enabled(kind)
        and torch.get_autocast_dtype(kind) != x.dtype
    ):
        return True
    if torch.compiler.is_compiling():
        # torch 2.11 says "exporting" of everything that it compiles
        return torch.compiler.is_exporting() and not torch.compiler.is_dynamo_compiling()
    return torch._C._are_functorch_transforms_active()
