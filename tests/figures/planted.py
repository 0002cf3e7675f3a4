"""Clips with a bright square, and networks made by hand whose class it decides."""

import numpy as np
import torch
from torch import Tensor, nn

from gta.backbones import FrameWise
from gta.blocks import NonLocal, SpatialAttention, TemporalAttention
from gta.config import Clip

CELL, FRAMES, SIDE = 8, 6, 64
CLIP = Clip(num_frames=FRAMES, size=SIDE, mean=(0, 0, 0), std=(1, 1, 1))


class Brightness(nn.Module):
    """Class 1 if something is bright: 12 channels of each cell, of which the first is its light."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 12, CELL, CELL), nn.ReLU())
        self.fc = nn.Linear(12, 2)
        convolution = self.features[0]
        assert isinstance(convolution, nn.Conv2d)
        assert convolution.bias is not None
        for parameter in self.parameters():
            nn.init.zeros_(parameter)
        with torch.no_grad():
            convolution.weight[0] = 1 / (3 * CELL * CELL)
            convolution.bias[1] = 1.0
            self.fc.weight[1, 0] = 400.0
            self.fc.bias[0] = 1.0

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.features(x).mean((2, 3)))


def network(*blocks, sharpness: float = 30.0) -> FrameWise:
    """The network, with blocks in which every query looks for light."""
    model = FrameWise(
        Brightness(),
        num_frames=FRAMES,
        blocks=blocks,
        at=["features"] if blocks else [],
        image_size=SIDE,
    )
    for block in model.modules():
        if isinstance(block, NonLocal):
            for projection in (block.query, block.key):
                nn.init.zeros_(projection.weight)
                nn.init.zeros_(projection.bias)
            with torch.no_grad():
                block.query.weight[0, 1] = sharpness  # channel 1 is 1 everywhere
                block.key.weight[0, 0] = 1.0
    return model.eval()


JOINT = (NonLocal,)
DECOUPLED = (SpatialAttention, TemporalAttention)


def clip(seed: int) -> tuple[Tensor, tuple[int, float, float]]:
    """A dim noisy clip, uint8 (3, T, H, W), with one bright square; its (frame, y, x)."""
    rng = np.random.default_rng(seed)
    frames = rng.integers(0, 60, (3, FRAMES, SIDE, SIDE), dtype=np.uint8)
    t = int(rng.integers(FRAMES))
    y, x = rng.integers(0, SIDE - 10, 2).tolist()
    frames[:, t, y : y + 10, x : x + 10] = 255
    return torch.from_numpy(frames), (t, y + 5, x + 5)


def distance(weights: np.ndarray, place: tuple[int, float, float]) -> tuple[int, float]:
    """Frames, and cells of the grid, between the peak of a map (T, H, W) and the square.

    Of positions that share a pooled key, and so the greatest weight, the nearest counts.
    """
    _, H, W = weights.shape
    t, y, x = place
    peaks = np.argwhere(weights >= weights.max() * (1 - 1e-6))
    away = np.abs(peaks[:, 1:] + 0.5 - [y * H / SIDE, x * W / SIDE]).max(1)
    return int(np.abs(peaks[:, 0] - t).max()), float(away.min())
