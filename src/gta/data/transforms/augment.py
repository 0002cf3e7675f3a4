"""What today's recipes change beside crop and flip, the same for all frames of a clip.

torchvision's transforms, with every draw a function of the sample's generator. What goes by
statistics of the picture (contrast, AutoContrast, Equalize) goes by those of all frames together:
each frame's own would take a fade, a flash, an opening door out of the clip.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gta.errors import UsageError


class Augmentation:
    """RandAugment, color jitter and random erasing, in this order; each is optional.

    Args:
        rand_augment: (number of operations, magnitude from 0 to 30); Cubuk et al. 2020.
        color_jitter: Largest relative change of brightness, contrast and saturation.
        erase: Probability that a random rectangle is filled with `fill`; Zhong et al. 2020.
        fill: Color of what is erased or moved in from outside, in 0 to 255: the mean that is
            subtracted later.
    """

    def __init__(
        self,
        *,
        rand_augment: tuple[int, int] | None = None,
        color_jitter: float = 0.0,
        erase: float = 0.0,
        fill: Sequence[int] = (0, 0, 0),
    ):
        self.steps: list[Callable[[Tensor], Tensor]] = []
        """What is done to a clip, in this order; empty: nothing is."""
        if rand_augment is None and not color_jitter and not erase:
            return
        from torchvision.transforms import v2  # takes seconds

        steps = self.steps
        if rand_augment is not None:
            num_ops, magnitude = rand_augment
            if num_ops < 1 or not 0 <= magnitude <= 30:
                raise UsageError(
                    f"rand_augment={list(rand_augment)} is not possible: it is [operations, "
                    f"magnitude], at least 1 and from 0 to 30, such as [2, 9]."
                )
            steps.append(v2.RandAugment(num_ops, magnitude, fill=[float(c) for c in fill]))
        if color_jitter:
            steps.append(v2.ColorJitter(color_jitter, color_jitter, color_jitter))
        if erase:
            color: Any = [float(c) for c in fill]  # its annotation knows one number only
            steps.append(v2.RandomErasing(erase, value=color))

    def __call__(self, frames: Tensor, rng: np.random.Generator) -> Tensor:
        """uint8 (T, C, H, W) to the same, where there are `steps`; each clip takes a draw."""
        clip = frames.as_subclass(_clip_type())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**63)))
            for step in self.steps:
                clip = step(clip)
        return clip.as_subclass(Tensor)


@cache
def _clip_type() -> type[Tensor]:
    """A video of torchvision, but for what looks at statistics."""
    from torchvision.transforms.v2 import functional
    from torchvision.tv_tensors import Video

    class Clip(Video):
        """(T, C, H, W)."""

    def of_all_frames(change: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def changed(clip: Tensor, *arguments: Any, **options: Any) -> Tensor:
            frames = clip.as_subclass(Tensor)
            # one picture of all frames, below each other: (C, T * H, W)
            picture = change(frames.transpose(0, 1).flatten(1, 2), *arguments, **options)
            picture = picture.unflatten(1, (frames.shape[0], frames.shape[2])).transpose(0, 1)
            return picture.as_subclass(Clip)

        return changed

    for change in (functional.adjust_contrast, functional.autocontrast, functional.equalize):
        functional.register_kernel(change, Clip)(of_all_frames(change))
    return Clip
