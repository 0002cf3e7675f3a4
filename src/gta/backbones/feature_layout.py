"""How a network's module lays its features out, and how they become a clip's and back.

Axes: B batch, C channels, T frames, H, W (of a feature), P prefix tokens, N = H*W positions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Layout = Literal["auto", "nchw", "nhwc"]
"""How features of four dimensions are read; "auto" tells by the frame's aspect ratio."""

MAX_PREFIX = 16
"""The most prefix tokens that an error suggests."""


@dataclass(frozen=True)
class FeatureLayout:
    """How one module returns the features of frames.

    "nchw" is (B*T, C, H, W), "nhwc" is (B*T, H, W, C), and "tokens" is (B*T, P + N, C): prefix
    tokens (class, register, distillation) and then the positions, row by row.
    """

    kind: Literal["nchw", "nhwc", "tokens"]
    channels: int
    prefix_tokens: int = 0

    def to_clips(self, features: Tensor, num_frames: int, frame_size: tuple[int, int]) -> Tensor:
        """Features of B*T frames, without prefix tokens, to (B, C, T, H, W).

        Raises:
            ValueError: The tokens are no grid of a frame of that size.
        """
        clips = features.unflatten(0, (-1, num_frames))
        if self.kind == "nchw":
            return clips.transpose(1, 2)
        if self.kind == "tokens":
            positions = features.shape[1] - self.prefix_tokens
            grid = nearest_grid(positions, *frame_size)
            if grid is None:
                raise ValueError(
                    f"{positions} tokens are no grid of positions of a frame of "
                    f"{frame_size[0]}x{frame_size[1]} pixels: give clips of the size for which "
                    f"the network was built"
                )
            clips = clips[:, :, self.prefix_tokens :].unflatten(2, grid)
        return clips.permute(0, 4, 1, 2, 3)

    def from_clips(self, clips: Tensor, features: Tensor) -> Tensor:
        """Clips (B, C, T, H, W) in the form of the features that they were made from."""
        if self.kind == "nchw":
            frames = clips.transpose(1, 2).flatten(0, 1)
        else:
            frames = clips.permute(0, 2, 3, 4, 1).flatten(0, 1)  # (B*T, H, W, C)
        if self.kind == "tokens":
            prefix = features[:, : self.prefix_tokens].to(frames.dtype)
            frames = torch.cat([prefix, frames.flatten(1, 2)], dim=1)
        # in the memory format that the network chose: its next layer may add in another order, or
        # not run at all, in another
        return torch.empty_like(features, dtype=frames.dtype).copy_(frames)


def feature_layout(
    returned: object, frame_size: tuple[int, int], layout: Layout, prefixes: Sequence[int]
) -> FeatureLayout:
    """The layout of what a module returned for one frame.

    Args:
        returned: What it returned.
        frame_size: Height and width of the frame in pixels.
        layout: How four dimensions are to be read.
        prefixes: Possible numbers of prefix tokens, the likeliest first.

    Raises:
        ValueError: It is no feature, or its layout cannot be told. The text goes on from a
            module's name.
    """
    size = f"one frame of {frame_size[0]}x{frame_size[1]} pixels"
    if not isinstance(returned, Tensor):
        raise ValueError(
            f"returned a {described(returned)} for {size}, not one tensor: name a module that "
            f"returns a single feature map or the tokens of one"
        )
    shape = tuple(returned.shape)
    if len(shape) not in (3, 4) or shape[0] != 1:
        raise ValueError(
            f"returned a tensor of shape {shape} for {size}, which is no feature map (1, C, H, W) "
            f"or (1, H, W, C) and no tokens (1, N, C): name a module whose output is one"
        )
    if len(shape) == 3:
        return FeatureLayout("tokens", shape[2], prefix_of(shape, frame_size, prefixes))
    if layout == "auto":
        layout = map_layout(shape, frame_size)
    return FeatureLayout(layout, shape[1] if layout == "nchw" else shape[3])


def map_layout(shape: tuple[int, ...], frame_size: tuple[int, int]) -> Literal["nchw", "nhwc"]:
    """Whether the frame's aspect ratio is that of the last two dimensions or the middle two."""
    height, width = frame_size
    for fits in (is_exact_grid, is_grid):
        nchw = fits(shape[2], shape[3], height, width)
        nhwc = fits(shape[1], shape[2], height, width)
        if nchw != nhwc:
            return "nchw" if nchw else "nhwc"
        if nchw:
            break
    raise ValueError(
        f"returned a tensor of shape {shape} for one frame of {frame_size[0]}x{frame_size[1]} "
        f"pixels, of which {'two readings fit' if nchw else 'no reading fits'} the frame: say "
        f'whether it is (1, C, H, W), layout="nchw", or (1, H, W, C), layout="nhwc"'
    )


def prefix_of(shape: tuple[int, ...], frame_size: tuple[int, int], prefixes: Sequence[int]) -> int:
    """How many of the tokens (1, N, C) come before those of the positions."""
    for prefix in prefixes:
        if exact_grid(shape[1] - prefix, *frame_size) is not None:
            return prefix
    fitting = [p for p in prefixes if nearest_grid(shape[1] - p, *frame_size) is not None]
    if len(fitting) == 1:
        return fitting[0]
    ways = [p for p in range(MAX_PREFIX + 1) if exact_grid(shape[1] - p, *frame_size) is not None]
    grids = [exact_grid(shape[1] - p, *frame_size) or () for p in ways[:2]]
    examples = [
        f"prefix_tokens={p} leaves {'x'.join(map(str, grid))}"
        for p, grid in zip(ways, grids, strict=False)
    ]
    raise ValueError(
        f"returned a tensor of shape {shape} for one frame of {frame_size[0]}x{frame_size[1]} "
        f"pixels: with {' or '.join(map(str, prefixes))} prefix tokens, the rest is "
        f"{'more than one' if fitting else 'no'} grid of positions; give prefix_tokens, the "
        f"number of class, register and distillation tokens in front"
        + (f" ({', '.join(examples)})" if examples else "")
    )


def nearest_grid(positions: int, height: int, width: int) -> tuple[int, int] | None:
    """The (H, W) of that many positions nearest to the aspect ratio of height x width, if any."""
    grids = [
        (H, positions // H)
        for H in range(1, positions + 1)
        if positions % H == 0 and is_grid(H, positions // H, height, width)
    ]
    ratios = [(H * width) / (W * height) for H, W in grids]
    distances = [max(ratio, 1 / ratio) for ratio in ratios]
    return grids[distances.index(min(distances))] if grids else None


def exact_grid(positions: int, height: int, width: int) -> tuple[int, int] | None:
    """The (H, W) of that many positions in exactly the aspect ratio of height x width, if any."""
    grid = nearest_grid(positions, height, width)
    return grid if grid and is_exact_grid(*grid, height, width) else None


def is_exact_grid(H: int, W: int, height: int, width: int) -> bool:
    """Whether H x W has the aspect ratio of height x width."""
    return H * width == W * height


def is_grid(H: int, W: int, height: int, width: int) -> bool:
    """Whether one stride takes height to H and width to W, each rounded up or down."""
    # strides that take a length to n, rounded: between length / (n + 1) and length / (n - 1)
    lower = max(height / (H + 1), width / (W + 1))
    upper = min(height / max(H - 1, 1e-9), width / max(W - 1, 1e-9))
    return lower < upper


def described(returned: object) -> str:
    """A module's output in words: the type, and of a sequence the types in it."""
    if isinstance(returned, tuple | list):
        return f"{type(returned).__name__} of {len(returned)}"
    return type(returned).__name__
