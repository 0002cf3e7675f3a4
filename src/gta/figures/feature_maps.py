"""The feature maps of any network on one clip, by the paths of its modules.

Axes: C channels, T frames of the feature, H, W.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from gta.backbones.feature_layout import FeatureLayout, feature_layout, is_grid
from gta.backbones.frame_wise import FrameWise, prefixes_of
from gta.backbones.trunk import TrunkNetwork

_PASSED_OVER = ("fast.", "lateral.", "inserted.head")
"""Prefixes of module names: parts that see few channels or few positions."""


@dataclass(frozen=True, slots=True, eq=False)
class FeatureMap:
    """The output of a module."""

    name: str
    output: Tensor
    """The output in the module's own layout."""
    to_clips: Callable[[Tensor], Tensor]
    """Brings the output, or its gradient, to (1, C, T, H, W)."""

    @property
    def feature(self) -> Tensor:
        """(1, C, T, H, W)."""
        return self.to_clips(self.output)


@contextmanager
def noting_feature_maps(
    model: nn.Module, maps: list[FeatureMap], clip_shape: torch.Size
) -> Iterator[None]:
    """Collects the outputs of modules with children for one clip, if they have positions.

    The fast pathway of SlowFast and the head over a trunk do not count.

    Args:
        model: The network.
        maps: Filled with the feature maps, in the order in which the modules return.
        clip_shape: T, height and width of the clip.
    """
    T, height, width = clip_shape
    inner = model.network if isinstance(model, FrameWise | TrunkNetwork) else model
    prefixes = prefixes_of(inner)

    def note(name: str, module: nn.Module, args: object, output: object) -> None:
        if not isinstance(output, Tensor) or not output.is_floating_point():
            return
        if output.ndim == 5 and output.shape[0] == 1:
            if output.shape[3] * output.shape[4] > 1:
                maps.append(FeatureMap(name, output, _as_it_is))
            return
        frames = output.shape[0]
        if output.ndim not in (3, 4) or frames > T or T % frames:
            return
        channels_first = output.ndim == 4 and is_grid(
            output.shape[2], output.shape[3], height, width
        )
        try:
            # if the layout is ambiguous, channels come first, as in torch
            layout = feature_layout(
                output[:1], (height, width), "nchw" if channels_first else "auto", prefixes
            )
            feature = layout.to_clips(output, frames, (height, width))
        except ValueError:
            return
        if feature.shape[3] * feature.shape[4] > 1:
            maps.append(FeatureMap(name, output, partial(_by, layout, frames, (height, width))))

    handles = [
        module.register_forward_hook(partial(note, name))
        for name, module in model.named_modules()
        if name and [*module.children()] and not name.startswith(_PASSED_OVER)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _as_it_is(output: Tensor) -> Tensor:
    return output


def _by(layout: FeatureLayout, frames: int, size: tuple[int, int], output: Tensor) -> Tensor:
    return layout.to_clips(output, frames, size)
