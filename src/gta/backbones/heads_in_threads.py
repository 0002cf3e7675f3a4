"""Heads over the same features at the same time, each in a thread: forward, and backward.

A head is thousands of small operators, which a second core cannot share; whole heads it can. Each
head's arithmetic is what it is in one thread, so logits and gradients are the same to the last bit,
whatever the number of threads.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

Result = TypeVar("Result")
Call = Callable[[], Tensor]


class Threads:
    """Makes calls at the same time, in the calling thread and in others.

    Args:
        count: Of threads, the calling one included. Each has one thread of torch.
    """

    def __init__(self, count: int):
        self.count = count
        self.pool = ThreadPoolExecutor(count, initializer=lambda: torch.set_num_threads(1))

    def each(self, calls: Sequence[Callable[[], Result]]) -> list[Result]:
        """What each call returns. A thread that is free makes the next, in their order."""
        left, results = iter(range(len(calls))), dict[int, Result]()

        def work() -> None:
            try:
                for i in left:
                    results[i] = calls[i]()
            except BaseException:
                for _ in left:  # the others make no more
                    pass
                raise

        others = [self.pool.submit(work) for _ in range(min(self.count, len(calls)) - 1)]
        try:
            work()
        finally:
            ended = [other.cancel() or other.exception() for other in others]
        for error in ended:
            if isinstance(error, BaseException):
                raise error
        return [results[i] for i in range(len(calls))]

    def close(self) -> None:
        """Ends the threads."""
        self.pool.shutdown()


class _Logits(torch.autograd.Function):
    """Of heads, (H, B, classes): each has a graph of its own, which a thread goes back."""

    @staticmethod
    def forward(ctx: Any, threads: Threads, calls: Sequence[Call], counts: list[int], *weights):
        ctx.threads, ctx.counts = threads, counts
        ctx.logits = threads.each([torch.enable_grad()(call) for call in calls])
        ctx.save_for_backward(*weights)
        return torch.stack([one.detach() for one in ctx.logits])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_logits: Tensor):  # pyright: ignore
        def call(logits: Tensor, weights: list[Tensor], upstream: Tensor):
            if not weights:  # they are frozen
                return tuple
            return lambda: torch.autograd.grad(logits, weights, upstream, allow_unused=True)

        weights = iter(ctx.saved_tensors)
        of_head = [[next(weights) for _ in range(count)] for count in ctx.counts]
        grads = ctx.threads.each(list(map(call, ctx.logits, of_head, of_logits)))
        return None, None, None, *(grad for head in grads for grad in head)


def logits_of(heads: Sequence[nn.Module], threads: Threads, *inputs: Tensor | None) -> Tensor:
    """The logits (H, B, classes) of heads that learn, and that each see the same inputs."""
    calls = [partial(head, *inputs) for head in heads]
    weights = [[p for p in head.parameters() if p.requires_grad] for head in heads]
    every = [p for of_head in weights for p in of_head]
    return _Logits.apply(threads, calls, [len(of_head) for of_head in weights], *every)


def scores_of(
    heads: Sequence[nn.Module],
    threads: Threads,
    parts: Sequence[Tensor],
    prepare: Callable[[Tensor], Tensor | None],
) -> Tensor:
    """The logits (H, B, classes) of heads in evaluation, for clips in parts.

    Args:
        heads: They see a part, and what `prepare` makes of it.
        threads: Each makes what is next of any part.
        parts: Features of clips.
        prepare: Called once a part, for all heads.
    """
    alone = torch.no_grad()  # each thread has a mode of its own
    every = threads.each([alone(partial(prepare, part)) for part in parts])
    pairs = list(zip(parts, every, strict=True))
    found = threads.each([alone(partial(head, *pair)) for head in heads for pair in pairs])
    of_heads = [found[i : i + len(parts)] for i in range(0, len(found), len(parts))]
    return torch.stack([torch.cat(of_head) for of_head in of_heads])


def draws(module: nn.Module) -> bool:
    """Whether a module in training draws at random, where threads would change the order."""
    return any(isinstance(m, nn.Dropout) and m.p > 0 and m.training for m in module.modules())
