"""Blocks inserted into a network by placement."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from torch import nn

from gta.blocks.channel_groups import fitting_groups
from gta.blocks.options import width_of
from gta.errors import Notice

STAGES = {"res2": "layer1", "res3": "layer2", "res4": "layer3", "res5": "layer4"}
"""The field's stage names and torchvision's."""

BlockFactory = Callable[[int, int], nn.Module]
"""Makes a block from (channels, num_frames): a block class, or a `functools.partial`."""

_said = set[str]()


def with_fitting_groups(make: Callable[..., nn.Module], groups: int) -> BlockFactory:
    """A block class with channel groups, for networks whose widths nobody chose for them.

    Where the groups do not divide the block's width, the next smaller number that does is taken,
    and that is said once.

    Args:
        make: A block class, or a partial of it, that takes `groups`; its width is C/4, or the
            `width` of the partial.
        groups: As many as are wanted.
    """

    def made(channels: int, num_frames: int) -> nn.Module:
        given = make.keywords.get("width") if isinstance(make, partial) else None
        width = width_of(channels, 4, given)
        fitting = fitting_groups(width, groups)
        text = f"{groups} groups do not divide a block's width of {width} channels: {fitting} there"
        if fitting != groups and text not in _said:
            _said.add(text)
            warnings.warn(text, Notice, stacklevel=2)
        return make(channels, num_frames, groups=fitting)

    return made


def insert_blocks(
    factories: Sequence[BlockFactory],
    placement: Mapping[str, Sequence[int]],
    *,
    channels: Mapping[str, int],
    lengths: Mapping[str, int],
    num_frames: Mapping[str, int],
) -> nn.ModuleDict:
    """A sequence of new blocks for each place, under the key "<stage>_<index>".

    Args:
        factories: The blocks of one place, in the order in which they run.
        placement: Stage name to 0-based indices of the residual blocks that they follow.
        channels: Channels of each stage.
        lengths: Number of residual blocks of each stage.
        num_frames: T of each stage.

    Raises:
        ValueError: Nothing would be inserted although something was asked for, or a place does not
            exist.
    """
    places = [(stage, index) for stage, indices in placement.items() for index in indices]
    if bool(factories) != bool(places):
        raise ValueError(
            f"nothing was inserted: got {len(factories)} blocks and {len(places)} places; give "
            f'both blocks and a placement such as {{"res3": [1, 3], "res4": [1, 3, 5]}}, or neither'
        )
    inserted = nn.ModuleDict()
    for stage, index in places:
        if stage not in lengths:
            raise ValueError(
                f"there is no stage {stage!r} to insert after: stages are {list(lengths)}"
            )
        if not 0 <= index < lengths[stage]:
            raise ValueError(
                f"{stage} has {lengths[stage]} residual blocks, counted from 0: cannot insert "
                f"after block {index}"
            )
        key = f"{stage}_{index}"
        if key in inserted:
            raise ValueError(f"the placement names block {index} of {stage} twice")
        inserted[key] = nn.Sequential(
            *(make(channels[stage], num_frames[stage]) for make in factories)
        )
    return inserted


def any_frames(network: nn.Module) -> bool:
    """Whether no part of a network was made for one number of frames."""
    return not any(hasattr(part, "num_frames") for part in network.modules())
