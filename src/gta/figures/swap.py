"""Spatial and temporal attention with each other's projections (section D of the appendix)."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from torch import nn

from gta.blocks import TAPE, AlongSpace, AlongTime, NonLocal
from gta.errors import UsageError

_FUNCTIONS = ("query", "key", "value")


def swappable(model: nn.Module) -> list[tuple[NonLocal, NonLocal | TAPE]]:
    """Pairs of a block within frames and the block along time after it, of the same widths."""
    pairs = []
    for place in model.modules():
        if not isinstance(place, nn.Sequential):
            continue
        blocks = [*place.children()]
        for first, second in pairwise(blocks):
            spatial = first.block if isinstance(first, AlongSpace) else None
            temporal = second.block if isinstance(second, AlongTime) else second
            if not isinstance(spatial, NonLocal) or not isinstance(temporal, NonLocal | TAPE):
                continue
            if isinstance(second, NonLocal):
                continue  # over all positions of a clip
            if spatial.query.weight.shape == temporal.query.weight.shape:
                pairs.append((spatial, temporal))
    return pairs


@contextmanager
def swapped(model: nn.Module) -> Iterator[None]:
    """Exchanges the query, key and value projections of each pair within the context.

    Raises:
        UsageError: The network has no such pair.
    """
    pairs = swappable(model)
    if not pairs:
        raise UsageError(
            "swapped attention needs a block within frames and a block along time after it, such "
            "as --blocks sa,ta; this network has no such pair"
        )
    _exchange(pairs)
    try:
        yield
    finally:
        _exchange(pairs)


def _exchange(pairs: list[tuple[NonLocal, NonLocal | TAPE]]) -> None:
    for spatial, temporal in pairs:
        for name in _FUNCTIONS:
            first, second = getattr(spatial, name), getattr(temporal, name)
            setattr(spatial, name, second)
            setattr(temporal, name, first)
