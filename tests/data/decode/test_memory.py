"""Frames in memory: the correct answer for both orders of axes, or what to do."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gta.data.decode.memory import as_frames
from gta.errors import UsageError

FRAMES = np.random.default_rng(0).integers(0, 256, (5, 8, 9, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "video",
    [
        FRAMES,
        torch.from_numpy(FRAMES),
        FRAMES.transpose(0, 3, 1, 2),
        torch.from_numpy(FRAMES).permute(0, 3, 1, 2),
        list(FRAMES),
        [Image.fromarray(frame) for frame in FRAMES],
        FRAMES[..., ::-1].copy()[..., ::-1],
    ],
    ids=["array", "tensor", "array T, C", "tensor T, C", "list", "pictures", "reversed view"],
)
def test_both_orders_of_axes(video):
    expected = torch.from_numpy(FRAMES).permute(0, 3, 1, 2)
    assert as_frames(video).equal(expected)


@pytest.mark.parametrize(
    ("video", "message"),
    [
        (
            FRAMES / 255,
            "frames are uint8, from 0 to 255; got float64. Of numbers from 0 to 1, take",
        ),
        (FRAMES[0], "(T, 3, H, W), RGB; got (8, 9, 3): that is one picture"),
        (FRAMES[..., 0], "got (5, 8, 9): gray frames need their value three times"),
        (FRAMES[None], "got (1, 5, 8, 9, 3): one video at a time, without the first axis"),
        (FRAMES.transpose(3, 0, 1, 2), "got (3, 5, 8, 9): channels first, exchange the first two"),
        (FRAMES[..., [0, 1, 2, 2]], "got (5, 8, 9, 4): without alpha, frames[..., :3]"),
        (FRAMES[:, :3, :3], "(T, H, W, 3) or (T, 3, H, W), RGB; got (5, 3, 3, 3)"),
        (FRAMES[:0], "there are no frames: got shape (0, 8, 9, 3)"),
        (
            [],
            "a video is a path, a tensor or array of frames, or a list of frames of one size; got",
        ),
        (["a.mp4", Path("b.mp4")], "got list of paths: one video at a time"),
        (b"a.mp4", "got bytes: a path is text or a Path, as os.fsdecode(...) makes it"),
        (None, "a list of frames of one size; got NoneType"),
        (3, "a list of frames of one size; got int"),
        ([FRAMES[0], FRAMES[0, :4]], "a list of frames of one size; got list (all input arrays"),
        (7, "a video is a path, a tensor or array of frames, or a list of frames of one size; got"),
    ],
)
def test_what_is_no_video(video, message):
    with pytest.raises(UsageError) as caught:
        as_frames(video)
    assert message in str(caught.value)
