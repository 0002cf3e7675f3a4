"""Long videos whose frames are dark or bright, and a network that sees no more than that."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from torch import Tensor, nn

CLASSES = ["left_to_right", "right_to_left", "up", "down"]
"""Those of the run `trained`; the network below answers by the first two."""
DARK, BRIGHT = 60, 200


def write_changes(
    path: Path,
    changes: Sequence[float],
    duration: float,
    times: Sequence[float] | None = None,
    rate: int = 30,
    size: tuple[int, int] = (48, 64),
    noise: int = 0,
) -> Path:
    """A film that begins dark and changes at these seconds; `times`: of its frames, if uneven."""
    given = times if times is not None else [i / rate for i in range(round(duration * rate))]
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        stream.height, stream.width, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for time in given:
            bright = sum(change <= time for change in changes) % 2
            image = np.full((*size, 3), BRIGHT if bright else DARK, np.uint8)
            image += rng.integers(0, noise + 1, image.shape, dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


class Brightness(nn.Module):
    """Logits (B, 4) of clips (B, 3, T, H, W): the second class is that of bright clips."""

    def forward(self, clips: Tensor) -> Tensor:
        bright = clips.mean(dim=(1, 2, 3, 4))  # pixels are normalized: -0.9 and 1.5
        logits = torch.stack([-(bright - 0.3), bright - 0.3], dim=1) * 8
        return torch.nn.functional.pad(logits, (0, 2), value=-30.0)
