"""Pictures in motion, as files that play anywhere."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.stream import VideoStream
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from gta.errors import UsageError
from gta.files import write_atomically

SUFFIXES = (".mp4", ".webm", ".gif")
_CODECS = {
    ".mp4": ("libx264", {"crf": "18", "preset": "medium"}),
    ".webm": ("libvpx-vp9", {"crf": "28", "deadline": "good", "cpu-used": "4"}),
}
GIF_WIDTH = 1000
"""Most pixels of a GIF's width; a wider picture is scaled down."""
GIF_BYTES = 9_500_000
"""Most bytes of a GIF, for issue trackers (GitHub: 10 MB); a larger GIF is scaled down."""
_SMALLER, _LEAST_WIDTH = 0.8, 320
_MOST_OF_A_COLOR = 6
_LEAST_SECONDS = 6
"""The least seconds of a video: the clip is repeated in the file, for players without a loop."""


def write_motion(path: Path, frames: np.ndarray, fps: float) -> None:
    """Writes pictures as .mp4 (H.264), .webm (VP9) or .gif, which repeats.

    Args:
        path: Its ending chooses the format.
        frames: uint8 (N, H, W, 3).
        fps: Frames per second.

    Raises:
        UsageError: Another ending.
    """
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path}: a picture in motion ends in {', '.join(SUFFIXES)}")
    write = _write_gif if path.suffix == ".gif" else _write_video
    write_atomically(path, lambda part: write(part, frames, fps))


def _write_video(path: Path, frames: np.ndarray, fps: float) -> None:
    codec, options = _CODECS[path.suffix]
    height, width = (side - side % 2 for side in frames.shape[1:3])  # of 4:2:0
    times = max(1, round(_LEAST_SECONDS * fps / len(frames)))
    with av.open(str(path), "w", options={"fflags": "bitexact"}) as container:
        stream = cast(VideoStream, container.add_stream(codec, rate=round(fps), options=options))
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 0
        for picture in [*frames] * times:
            rgb = np.ascontiguousarray(picture[:height, :width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode())


def _write_gif(path: Path, frames: np.ndarray, fps: float) -> None:
    width = min(frames.shape[2], GIF_WIDTH)
    while True:
        _write_gif_of(path, frames, fps, width)
        if path.stat().st_size <= GIF_BYTES or width <= _LEAST_WIDTH:
            return
        width = max(round(_SMALLER * width), _LEAST_WIDTH)


def _write_gif_of(path: Path, frames: np.ndarray, fps: float, wide: int) -> None:
    pictures = [Image.fromarray(frame) for frame in frames]
    width, height = pictures[0].size
    if width > wide:
        size = (wide, max(round(height * wide / width), 1))
        pictures = [picture.resize(size, Image.Resampling.LANCZOS) for picture in pictures]
    palette = _palette([np.asarray(picture) for picture in pictures])
    coded = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    coded[0].save(
        path,
        save_all=True,
        append_images=coded[1:],
        duration=round(1000 / fps),
        loop=0,
        optimize=True,
    )


def _palette(pictures: Sequence[np.ndarray]) -> Image.Image:
    """One palette for all pictures, so that nothing flickers, with white and the color of text.

    Rare colors count nearly as much as frequent colors: moving things are small.
    """
    pixels = np.concatenate([picture[::2, ::2].reshape(-1, 3) for picture in pictures])
    pixels = pixels[(pixels <= 245).any(1)]
    if not len(pixels):
        pixels = np.zeros((1, 3), np.uint8)
    cells = (pixels >> 3).astype(int) @ np.array([1024, 32, 1])
    _, first, counts = np.unique(cells, return_index=True, return_counts=True)
    even = np.repeat(pixels[first], np.minimum(counts, _MOST_OF_A_COLOR), axis=0)
    quantized = Image.fromarray(even[None]).quantize(254, Image.Quantize.MEDIANCUT, kmeans=1)
    colors = (quantized.getpalette() or [])[: 3 * 254]
    colors += [0] * (3 * 254 - len(colors)) + [255, 255, 255, 26, 26, 26]
    palette = Image.new("P", (1, 1))
    palette.putpalette(colors)
    return palette


def rendered(figure: Figure) -> np.ndarray:
    """A figure as it is now: uint8 (H, W, 3)."""
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def playing_rate(num_frames: int) -> int:
    """Frames per second at which a clip of so many frames takes about four seconds."""
    return int(np.clip(round(num_frames / 4), 2, 12))
