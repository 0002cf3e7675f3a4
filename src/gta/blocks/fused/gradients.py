"""Hand-written backward passes, and what stands for them where their own derivative is wanted."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any

import torch
from torch import Tensor


def own_types(x: Tensor) -> AbstractContextManager[object]:
    """Computing in the types of the tensors, also where the caller's autocast is on."""
    kind = x.device.type
    return nullcontext() if kind == "meta" else torch.autocast(kind, enabled=False)


def by_hand(twin: Callable) -> Callable[[Callable], Callable]:
    """Marks a backward pass that has no derivative of its own.

    It runs in the types of its tensors, also where the caller's autocast is on. Where a derivative
    of it is wanted (`create_graph`), `twin`, which has a derivative, is called in its place.
    """

    def mark(backward: Callable) -> Callable:
        @wraps(backward)
        def run(ctx: Any, *upstream: Tensor):
            if torch.is_grad_enabled() and not torch.compiler.is_compiling():
                return twin(ctx, *upstream)
            with own_types(upstream[0]):
                return backward(ctx, *upstream)

        return run

    return mark


def gradients(
    inputs: Sequence[Tensor | None], outputs: Sequence[Tensor], upstream: Sequence[Tensor]
) -> list[Tensor | None]:
    """Gradients of the inputs, which have derivatives themselves; None where none is wanted."""
    wanted = [x for x in inputs if x is not None and x.requires_grad]
    results = iter(
        torch.autograd.grad(outputs, wanted, upstream, create_graph=True, materialize_grads=True)
    )
    return [next(results) if x is not None and x.requires_grad else None for x in inputs]
