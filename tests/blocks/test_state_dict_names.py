"""The names and shapes of the parameters: checkpoints of earlier versions depend on them."""

import pytest

from gta.blocks import (
    TAPE,
    GlobalTemporalAttention,
    NonLocal,
    SpatialAttention,
    TemporalAttention,
)


def projection(name: str, rows: int, columns: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}


def norm(channels: int) -> dict[str, tuple[int, ...]]:
    names = ("weight", "bias", "running_mean", "running_var")
    return {f"norm.{name}": (channels,) for name in names} | {"norm.num_batches_tracked": ()}


def attention(channels: int, width: int) -> dict[str, tuple[int, ...]]:
    projections = [projection(name, width, channels) for name in ("query", "key", "value")]
    return {k: v for p in projections for k, v in p.items()} | (
        projection("output", channels, width) | norm(channels)
    )


def branch(channels: int, width: int, groups: int, frames: int) -> dict[str, tuple[int, ...]]:
    return (
        {"matrix": (groups, frames, groups, frames)}
        | (projection("value", width, channels) | projection("output", channels, width))
        | norm(channels)
    )


def within(prefix: str, names: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    return {f"{prefix}.{name}": shape for name, shape in names.items()}


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (NonLocal(16, 3), attention(16, 8)),
        (SpatialAttention(16, 3), within("block", attention(16, 4))),
        (TemporalAttention(16, 3), within("block", attention(16, 4))),
        (TAPE(16, 3), attention(16, 4) | {"position": (3, 4)}),
        (TAPE(16, 3, position="sinusoidal"), attention(16, 4) | {"position": (3, 4)}),
        (
            GlobalTemporalAttention(16, 3, groups=2, regions=5),
            within("pixel", branch(16, 4, 2, 3))
            | within("region", branch(16, 4, 2, 3))
            | projection("assign", 5, 16),
        ),
    ],
    ids=["NL", "SA", "TA", "TAPE", "TAPE sinusoidal", "GTA"],
)
def test_names_and_shapes(block, expected: dict[str, tuple[int, ...]]):
    assert {name: tuple(t.shape) for name, t in block.state_dict().items()} == expected
