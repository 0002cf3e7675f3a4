"""A clip as a file: VP9 in WebM, or a folder of JPEG frames, written atomically."""

import shutil
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from PIL import Image

# Every frame is a key frame of one fixed quantizer: a frame's pixels do not depend on its
# neighbors, so even after coding a clip and its reverse hold the same frames.
_VP9 = {
    "deadline": "realtime",
    "cpu-used": "8",
    "lag-in-frames": "0",
    "crf": "30",
    "qmin": "30",
    "qmax": "30",
}
_JPEG_QUALITY = 92
_TO_YUV = VideoReformatter()  # shared: it keeps its conversion tables from clip to clip


def write_webm(path: Path, frames: np.ndarray, fps: int) -> None:
    """Writes uint8 (T, H, W, 3) as VP9 with even height and width."""
    unfinished = path.with_name(f".{path.name}.part")
    # bitexact: no random ids and no library names in the file
    options = {"fflags": "bitexact"}
    with av.open(str(unfinished), "w", format="webm", options=options) as container:
        stream = container.add_stream("libvpx-vp9", rate=fps, options=_VP9)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.gop_size = 1
        stream.bit_rate = 0  # constant quality
        stream.codec_context.thread_count = 1
        for index, image in enumerate(frames):
            rgb = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame = _TO_YUV.reformat(rgb, format="yuv420p", threads=1)
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    unfinished.replace(path)


def write_jpegs(folder: Path, frames: np.ndarray) -> None:
    """Writes uint8 (T, H, W, 3) as `00001.jpg`, `00002.jpg` ... in `folder`."""
    unfinished = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    for number, image in enumerate(frames, start=1):
        Image.fromarray(image).save(unfinished / f"{number:05d}.jpg", quality=_JPEG_QUALITY)
    unfinished.replace(folder)
