"""The temporal shift of TSM (Lin et al., ICCV 2019)."""

import torch
from torch import Tensor, nn

from gta.blocks.causal import Memory


class TemporalShift(nn.Module):
    """Moves a part of the channels one frame back and another part one frame forward.

    Maps (B*T, C, H, W) to the same shape: the first C/fraction channels of a frame come from the
    next frame, the second C/fraction from the previous frame, zeros where there is none.

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


class CausalShift(nn.Module):
    """Moves a part of the channels one frame forward, and none back: for streams.

    Maps (B*T, C, H, W) to the same shape: the first C/fraction channels of a frame come from the
    previous frame, zeros where there is none. T is `clip_frames`, which the network sets.

    Checked against the online form of the TSM repository, which keeps those channels.

    Args:
        fraction: 8 moves 1/8 of the channels.
    """

    def __init__(self, *, fraction: int = 8):
        super().__init__()
        if fraction < 2:
            raise ValueError(f"fraction must be at least 2, got {fraction}")
        self.fraction = fraction
        self.clip_frames = 1
        self.memory = Memory(1)

    def forward(self, x: Tensor) -> Tensor:
        clips = x.unflatten(0, (-1, self.clip_frames))
        fold = x.shape[1] // self.fraction
        moved = self.memory(clips[:, :, :fold].movedim(2, -1)).movedim(-1, 2)
        if moved.shape[1] == self.clip_frames:  # the first frame of a clip has none before it
            moved = torch.cat([torch.zeros_like(moved[:, :1]), moved], dim=1)
        return torch.cat([moved[:, :-1], clips[:, :, fold:]], dim=2).flatten(0, 1)
