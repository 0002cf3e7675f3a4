"""Mixup and CutMix: clips of a batch mixed, and their labels in the same proportion."""

import torch
from torch import Tensor, nn

from gta.config import Augment


class Mixing:
    """Mixes each clip of a batch with its neighbour; torchvision's transforms.

    Mixup (Zhang et al. 2018) adds whole clips, CutMix (Yun et al. 2019) pastes a rectangle of a
    clip, in all frames, into the other. With both, one of them is drawn for each batch. The share
    is drawn from Beta(alpha, alpha), by torch's global generator.

    Args:
        augment: `mixup` and `cutmix` are the alphas; 0 turns a method off.
        num_classes: Length of the soft labels.
    """

    def __init__(self, augment: Augment, num_classes: int):
        self.ways: list[nn.Module] = []
        if not augment.mixup and not augment.cutmix:
            return
        from torchvision.transforms import v2  # takes seconds

        if augment.mixup:
            self.ways.append(v2.MixUp(alpha=augment.mixup, num_classes=num_classes))
        if augment.cutmix:
            self.ways.append(v2.CutMix(alpha=augment.cutmix, num_classes=num_classes))

    def __call__(self, clips: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Clips (B, C, T, H, W) and labels (B,), mixed: labels become (B, num_classes).

        Without mixing, both are returned unchanged.
        """
        if not self.ways:
            return clips, labels
        from torchvision import tv_tensors

        way = self.ways[int(torch.randint(len(self.ways), ()))]
        # as a video, five axes are accepted; only the last two matter here
        mixed, soft = way(tv_tensors.Video(clips), labels)
        return mixed.as_subclass(Tensor), soft
