"""Options that cannot be: what was given, what is allowed."""

from collections.abc import Callable
from typing import Any

import pytest

from gta.blocks import (
    TAPE,
    GlobalTemporalAttention,
    NonLocal,
    SpatialAttention,
    TemporalAttention,
)

Make = Callable[..., Any]


@pytest.mark.parametrize(
    ("make", "option", "given", "allowed"),
    [
        (NonLocal, "pool", "befor", "'before', 'after', None"),
        (NonLocal, "pool", True, "'before', 'after', None"),
        (NonLocal, "affinity", "dot", "'softmax', 'dot_product'"),
        (SpatialAttention, "pool", "max", "'before', 'after', None"),
        (TAPE, "position", "sin", "'learned', 'sinusoidal'"),
        (TAPE, "position", None, "'learned', 'sinusoidal'"),
        (TAPE, "add_to", "values", "'qk', 'qkv', 'input'"),
        (
            GlobalTemporalAttention,
            "assignment",
            "softmax",
            "'softmax_regions', 'softmax_positions', 'none'",
        ),
        (
            GlobalTemporalAttention,
            "assignment",
            None,
            "'softmax_regions', 'softmax_positions', 'none'",
        ),
    ],
)
def test_misspelt(make: Make, option: str, given: object, allowed: str):
    with pytest.raises(ValueError, match=option) as error:
        make(32, 3, **{option: given})
    assert str(error.value) == (
        f"there is no {option}={given!r}: {option} must be one of {allowed}"
    )


@pytest.mark.parametrize(
    ("make", "option"),
    [
        (NonLocal, "width"),
        (SpatialAttention, "width"),
        (TemporalAttention, "width"),
        (TAPE, "width"),
        (GlobalTemporalAttention, "width"),
        (GlobalTemporalAttention, "regions"),
        (GlobalTemporalAttention, "heads"),
    ],
)
@pytest.mark.parametrize("given", [0, -4])
def test_not_positive(make: Make, option: str, given: int):
    with pytest.raises(ValueError, match=option) as error:
        make(32, 3, **{option: given})
    assert str(error.value) == f"{option} must be at least 1, got {given}"


@pytest.mark.parametrize("make", [TAPE, GlobalTemporalAttention])
@pytest.mark.parametrize("given", [0, -1])
def test_no_frames(make: Make, given: int):
    with pytest.raises(ValueError, match="num_frames") as error:
        make(32, given)
    assert str(error.value) == f"num_frames must be at least 1, got {given}"


@pytest.mark.parametrize(
    ("make", "share"),
    [
        (NonLocal, 2),
        (SpatialAttention, 4),
        (TemporalAttention, 4),
        (TAPE, 4),
        (GlobalTemporalAttention, 4),
    ],
)
def test_too_few_channels(make: Make, share: int):
    with pytest.raises(ValueError, match="channels") as error:
        make(share - 1, 3)
    assert str(error.value) == (
        f"{share - 1} channels are too few for the default width of channels/{share}: give at "
        f"least {share} channels, or the width"
    )
    groups = {"groups": 1} if make is GlobalTemporalAttention else {}
    make(share, 3, **groups)
    make(share - 1, 3, width=1, **groups)
