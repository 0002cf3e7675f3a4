"""From the features of a clip's frames to logits, with blocks that see the whole clip.

Axes: B batch, C channels, T frames, H, W, D width.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, relu

from gta.backbones.inserted import BlockFactory
from gta.backbones.stream import require_causal
from gta.blocks.causal import LastFrames, MeanOfLast
from gta.blocks.channel_groups import fitting_groups
from gta.blocks.features import require_frames
from gta.blocks.options import require_option, require_positive

Normalize = Literal["clip", "time", "none"]
Reader = Literal["mean", "order", "gru", "mixing"]
_GROUPS = 8
"""Of channels, in which `FrameMixing` mixes frames."""


def normalize_clip(x: Tensor, how: Normalize) -> Tensor:
    """Features (B, C, T, H, W) without what is the same in a clip's whole: scene, light, person.

    "clip": each channel minus its mean over the clip's frames and positions, divided by its
    deviation over them. "time": each channel minus its mean over time at each position.
    """
    if how == "none":
        return x
    exact = in_float32(x)
    if how == "time":
        return (exact - exact.mean(dim=2, keepdim=True)).to(x.dtype)
    centered = exact - exact.mean(dim=(2, 3, 4), keepdim=True)
    variance = centered.square().mean(dim=(2, 3, 4), keepdim=True)  # var_mean is slow on a CPU
    return (centered * (variance + 1e-5).rsqrt()).to(x.dtype)


def in_float32(x: Tensor) -> Tensor:
    """What differences of means are taken of: half precision has no digits for them."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


class RunningNormalization(nn.Module):
    """`normalize_clip` for streams: each frame with the mean and deviation of the last T frames.

    Maps (B, C, T, H, W) to the same shape. The first frames have fewer before them.

    Args:
        how: "clip" or "time".
        num_frames: T.
    """

    def __init__(self, how: Normalize, num_frames: int):
        super().__init__()
        self.how = how
        self.last = LastFrames(num_frames)

    def forward(self, x: Tensor) -> Tensor:
        dtype, x = x.dtype, in_float32(x)
        rows = x.flatten(3).movedim(1, -1)  # (B, T, N, C)
        if self.how == "time":
            windows, weights = self.last(rows)
            return (x - (windows * weights).sum(-1).movedim(-1, 1).view_as(x)).to(dtype)
        variance, mean = torch.var_mean(rows, dim=2, correction=0, keepdim=True)
        windows, weights = self.last(torch.cat([mean, variance], dim=-1))
        means, variances = windows.chunk(2, dim=3)  # (B, T, 1, C, window)
        mean = (means * weights).sum(-1)
        between = ((means - mean.unsqueeze(-1)).square() * weights).sum(-1)
        within = (variances * weights).sum(-1)
        rows = (rows - mean) * (within + between + 1e-5).rsqrt()
        return rows.movedim(-1, 1).view_as(x).to(dtype)


class FrameMixing(nn.Module):
    """A learned mixing of frames: fully connected over the time and the channels of a group.

    Maps (B, T, D) to the same shape, residual included: the temporal part of MorphMLP (Zhang et
    al., ECCV 2022), on a feature a frame.
    """

    def __init__(self, width: int, num_frames: int):
        super().__init__()
        self.groups = fitting_groups(width, _GROUPS)
        joint = num_frames * width // self.groups
        self.norm = nn.LayerNorm(width)
        self.into = nn.Linear(joint, width)
        self.out = nn.Linear(width, joint)

    def forward(self, x: Tensor) -> Tensor:
        groups = self.norm(x).unflatten(2, (self.groups, -1)).transpose(1, 2)  # (B, G, T, D/G)
        mixed = self.out(gelu(self.into(groups.flatten(2))))
        return x + mixed.unflatten(2, groups.shape[2:]).transpose(1, 2).flatten(2)


class ClipHead(nn.Module):
    """Maps features (B, C, T, H, W) to logits (B, num_classes).

    The features are normalized over the clip, the blocks see them, a 1x1 convolution brings them
    to D channels, positions are averaged, the frames are read, and a linear layer classifies.

    Args:
        channels: C.
        num_frames: T.
        num_classes: Number of logits.
        blocks: They run one after the other.
        bottleneck: Channels to which a 1x1 convolution brings the features before the blocks; None:
            the blocks see all C. Fewer are quicker, and steadier over seeds where clips are few.
        width: D.
        normalize: See `normalize_clip`; "none" leaves the features as they are.
        statistics: The classifier also sees each channel's mean over the clip and its deviation
            over time, from before the normalization: for classes that are states. Scenes and
            people are in them too, so such a head carries over less well to others.
        reader: "mean" of the frames, blind to their order unless a block is not; all of them in
            "order"; the last state of a "gru"; or the mean after a "mixing" of frames.
        causal: For streams: features are normalized over the last T frames (see
            `RunningNormalization`), and the mean is of those. Clips may have any number of frames.
        dropout: Before the classifier.
    """

    def __init__(
        self,
        channels: int,
        num_frames: int,
        num_classes: int,
        *,
        blocks: Sequence[BlockFactory] = (),
        bottleneck: int | None = None,
        width: int = 256,
        normalize: Normalize = "clip",
        statistics: bool = False,
        reader: Reader = "mean",
        causal: bool = False,
        dropout: float = 0.0,
    ):
        super().__init__()
        require_option("normalize", normalize, get_args(Normalize))
        require_option("reader", reader, get_args(Reader))
        require_positive("width", width)
        if bottleneck is not None:
            require_positive("bottleneck", bottleneck)
        if causal and (reader != "mean" or statistics):
            given = "statistics=True" if statistics else f"reader={reader!r}"
            raise ValueError(
                f"{given} is of a whole clip, and a stream has no end: a causal head has "
                f"reader='mean' and statistics=False"
            )
        self.num_frames, self.reader, self.causal = num_frames, reader, causal
        self.normalize: Normalize = normalize
        self.fixed_frames = reader in ("order", "mixing")
        self.bottleneck = None if bottleneck is None else nn.Linear(channels, bottleneck)
        seen = bottleneck or channels
        self.blocks = nn.Sequential(*(make(seen, num_frames) for make in blocks))
        if causal:
            require_causal(self.blocks)
        running = causal and normalize != "none"
        self.running = RunningNormalization(normalize, num_frames) if running else None
        self.average = MeanOfLast(num_frames) if causal else None
        self.reduce = nn.Linear(seen, width)
        self.gru = nn.GRU(width, width, batch_first=True) if reader == "gru" else None
        self.mixing = FrameMixing(width, num_frames) if reader == "mixing" else None
        self.statistics = nn.BatchNorm1d(2 * channels) if statistics else None
        self.dropout = nn.Dropout(dropout)
        read = width * (num_frames if reader == "order" else 1)
        self.classifier = nn.Linear(read + 2 * channels * statistics, num_classes)

    def forward(self, x: Tensor, normalized: Tensor | None = None) -> Tensor:
        """Logits of features x; `normalized` is `normalize_clip` of them, if there is one."""
        if self.fixed_frames:
            require_frames(x, self.num_frames)
        seen = normalized
        if seen is None:
            seen = self.running(x) if self.running else normalize_clip(x, self.normalize)
        if self.bottleneck is not None:
            seen = self.bottleneck(seen.movedim(1, -1)).movedim(-1, 1)
        frames = self.blocks(seen)
        frames = relu(self.reduce(frames.movedim(1, -1))).mean(dim=(2, 3))  # (B, T, D)
        read = self.dropout(self.read(frames))
        if self.statistics is not None:
            exact = in_float32(x)
            raw = [exact.mean(dim=(2, 3, 4)), exact.mean(dim=(3, 4)).std(dim=2)]
            read = torch.cat([read, self.statistics(torch.cat(raw, dim=1).to(x.dtype))], dim=1)
        return self.classifier(read)

    def read(self, frames: Tensor) -> Tensor:
        """One feature of a clip, from a feature of each frame (B, T, D)."""
        if self.gru is not None:
            return self.gru(frames)[0][:, -1]
        if self.mixing is not None:
            return self.mixing(frames).mean(dim=1)
        if self.average is not None:
            return self.average(frames.unsqueeze(2)).squeeze(1)
        return frames.flatten(1) if self.reader == "order" else frames.mean(dim=1)
