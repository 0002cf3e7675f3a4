"""Several heads over the same features, whose logits are averaged."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from gta.backbones.clip_head import ClipHead, Normalize, normalize_clip
from gta.backbones.heads_in_threads import Threads, draws, logits_of, scores_of
from gta.blocks.options import require_positive

_PART = 32
"""Clips that a thread scores at once: few, so that all threads end at about the same time."""


class HeadEnsemble(nn.Module):
    """Heads that differ in how they start: what is chance in one is averaged out.

    Maps features (B, C, T, H, W) to logits (B, num_classes), the mean of those of the heads, which
    are trained together.

    Args:
        channels: C.
        num_frames: T.
        make: Makes a `ClipHead` from C and T.
        count: How many.
    """

    def __init__(
        self, channels: int, num_frames: int, *, make: Callable[[int, int], ClipHead], count: int
    ):
        super().__init__()
        require_positive("count", count)
        heads = [make(channels, num_frames) for _ in range(count)]
        self.heads, self.causal = nn.ModuleList(heads), heads[0].causal
        self.normalize: Normalize = heads[0].normalize
        self.threads: Threads | None = None

    def forward(self, x: Tensor) -> Tensor:
        heads, threads = list(self.heads), self.threads
        learns = torch.is_grad_enabled()
        if threads is not None and not learns and not self.training:
            return scores_of(heads, threads, x.split(_PART), self.normalized).mean(dim=0)
        shared = self.normalized(x)
        alone = not learns or x.requires_grad or draws(self)
        if threads is None or threads.count == 1 or alone:
            return torch.stack([head(x, shared) for head in heads]).mean(dim=0)
        return logits_of(heads, threads, x, shared).mean(dim=0)

    def normalized(self, x: Tensor) -> Tensor | None:
        """The features as all heads see them, in memory for rows; None: each head's are its own."""
        if self.causal:  # a head keeps the frames before
            return None
        seen = normalize_clip(x, self.normalize)
        return seen.contiguous(memory_format=torch.channels_last_3d)


@contextmanager
def heads_in_threads(model: nn.Module, count: int) -> Iterator[None]:
    """While it lasts, the ensembles of a model run their heads in so many threads.

    Logits do not depend on how many there are: clips are scored in parts in one thread, too.
    """
    ensembles = [module for module in model.modules() if isinstance(module, HeadEnsemble)]
    threads = Threads(count) if ensembles else None
    try:
        for ensemble in ensembles:
            ensemble.threads = threads
        yield
    finally:
        for ensemble in ensembles:
            ensemble.threads = None
        if threads is not None:
            threads.close()
