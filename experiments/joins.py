"""Other ways for a block to join the network: its residual connection and its normalisation.

The paper leaves both open (section 3.1: an optional normalisation before the residual connection).
The package's way ("zero") is x + norm(W_O A), with a norm that starts at zero, for each half of a
block and for each branch of GTA. "clip" is that, after the features have been normalized over each
clip, as heads over a frozen trunk normalize them.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from gta.backbones.clip_head import normalize_clip
from gta.blocks import GlobalTemporalAttention, NonLocal
from gta.blocks.features import zero_norm
from gta.blocks.gta import Branch

JOINS = ("zero", "one", "layer", "none", "shared", "before", "around", "parallel", "clip")


def added(block: nn.Module, x: Tensor) -> Tensor:
    """The block's contribution to x, in float32 for an accurate difference."""
    return block(x.float()) - x.float()


class Normalized(nn.Module):
    """x + norm(added(block, x)): one norm for all of its branches."""

    def __init__(self, block: nn.Module, channels: int):
        super().__init__()
        self.block, self.shared = block, zero_norm(channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.shared(added(self.block, x)).to(x.dtype)


class Before(nn.Module):
    """x + added(block, norm(x)), as in transformers."""

    def __init__(self, block: nn.Module, channels: int):
        super().__init__()
        self.block, self.before = block, nn.BatchNorm3d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + added(self.block, self.before(x.float())).to(x.dtype)


class Around(nn.Module):
    """x + the last block's addition to the output of the others, which have no residual."""

    def __init__(self, *blocks: nn.Module):
        super().__init__()
        self.first, self.last = nn.Sequential(*blocks[:-1]), blocks[-1]

    def forward(self, x: Tensor) -> Tensor:
        return x + added(self.last, self.first(x)).to(x.dtype)


class Parallel(nn.Module):
    """x + the sum of all blocks' additions to x."""

    def __init__(self, *blocks: nn.Module):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.stack([added(block, x) for block in self.blocks]).sum(0).to(x.dtype)


class ClipNormalized(nn.Module):
    """`normalize_clip` as a layer."""

    def forward(self, x: Tensor) -> Tensor:
        return normalize_clip(x, "clip")


def rejoin(model: nn.Module, how: str) -> nn.Module:
    """Changes the inserted blocks of an untrained network in place, and returns it."""
    if how not in JOINS:
        raise ValueError(f"join={how!r} is not possible; it is one of {', '.join(JOINS)}")
    for place in getattr(model, "inserted", {}).values() if how != "zero" else ():
        assert isinstance(place, nn.Sequential)
        for index, block in enumerate(place):
            place[index] = _changed(block, how)
        if how in ("around", "parallel"):
            whole = {"around": Around, "parallel": Parallel}[how](*place)
            del place[:]
            place.append(whole)
        if how == "clip":
            place.insert(0, ClipNormalized())
    return model


def _changed(block: nn.Module, how: str) -> nn.Module:
    channels = 0
    for part in _joined(block):
        channels = part.output.out_features
        if how == "one":
            nn.init.ones_(part.norm.weight)
        elif how == "layer":
            norm = nn.GroupNorm(1, channels)
            nn.init.zeros_(norm.weight)
            part.norm = norm
        elif how in ("none", "before"):
            part.norm = nn.Identity()
            nn.init.zeros_(part.output.weight)
            nn.init.zeros_(part.output.bias)
        elif how == "shared" and isinstance(part, Branch):
            part.norm = nn.Identity()
    if how == "before":
        return Before(block, channels)
    if how == "shared" and isinstance(block, GlobalTemporalAttention):
        return Normalized(block, channels)
    return block


def _joined(block: nn.Module) -> Iterator[nn.Module]:
    """The parts of a block that end in a W_O and a norm."""
    return (part for part in block.modules() if isinstance(part, Branch | NonLocal))
