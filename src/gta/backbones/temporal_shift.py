"""The temporal shift of TSM (Lin et al., ICCV 2019)."""

import torch
from torch import Tensor, nn


class TemporalShift(nn.Module):
    """Moves a part of the channels one frame back and another part one frame forward.

    Maps (B*T, C, H, W) to the same shape: the first C/fraction channels of a frame come from the
    next frame, the second C/fraction from the previous one, zeros where there is none.

    Checked against `TemporalShift` of the TSM repository (mit-han-lab/temporal-shift-module).

    Args:
        num_frames: T.
        fraction: 8 moves 1/8 of the channels each way.
    """

    def __init__(self, num_frames: int, *, fraction: int = 8):
        super().__init__()
        if fraction < 2:
            raise ValueError(f"fraction must be at least 2, one part each way, got {fraction}")
        self.num_frames = num_frames
        self.fraction = fraction

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[0] % self.num_frames:
            raise ValueError(
                f"this shift was built for clips of {self.num_frames} frames, got {x.shape[0]} "
                f"frames in all, which is no whole number of clips"
            )
        clips = x.unflatten(0, (-1, self.num_frames))
        fold = x.shape[1] // self.fraction
        shifted = torch.zeros_like(clips)
        shifted[:, :-1, :fold] = clips[:, 1:, :fold]
        shifted[:, 1:, fold : 2 * fold] = clips[:, :-1, fold : 2 * fold]
        shifted[:, :, 2 * fold :] = clips[:, :, 2 * fold :]
        return shifted.flatten(0, 1)
