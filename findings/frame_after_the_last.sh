#!/usr/bin/env bash
# transformers: the video processor of Molmo2 asks for a frame after the last one in videos of some
# lengths, such as 115 frames at 30 per second; that of InternVL with `initial_shift=0` in more.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    transformers==5.24.0 torch==2.14.1 torchvision==0.29.1 pillow==13.0.0

venv/bin/python - <<'PY'
import platform
import sys

import numpy as np
import torch
import transformers
from transformers import InternVLVideoProcessor, Molmo2VideoProcessor
from transformers.video_utils import VideoMetadata

transformers.logging.set_verbosity_error()
print(f"transformers {transformers.__version__}, torch {torch.__version__}, ", end="")
print(f"Python {platform.python_version()}")
print("Molmo2VideoProcessor() on black videos in memory, 30 frames per second, all settings as given.")
print()
processor = Molmo2VideoProcessor()


def about(frames):
    return VideoMetadata(total_num_frames=frames, fps=30.0)


seen = {}
for frames in (114, 115, 116):
    video = np.zeros((frames, 64, 64, 3), np.uint8)
    print(f"{frames} frames: takes {processor.sample_frames(about(frames)).tolist()}", end="; ")
    try:
        shape = processor(video, video_metadata=about(frames), return_tensors="pt")
        seen[frames] = f"{len(shape['pixel_values_videos'])} frames out"
    except IndexError as error:
        seen[frames] = f"IndexError: {error}"
    print(seen[frames])

other, wrong, cases = InternVLVideoProcessor(), 0, 0
for count in range(2, 33):
    for frames in range(count, 301):
        chosen = other.sample_frames(about(frames), num_frames=count, initial_shift=0)
        wrong += int(chosen[-1]) >= frames
        cases += 1
print()
print(f"InternVLVideoProcessor().sample_frames(..., num_frames=2 ... 32, initial_shift=0), videos of")
print(f"up to 300 frames: {wrong} of {cases} cases have one frame too many, which does not exist.")
print()
print("Expected: as many frames as were asked for, all of them in the video.")
good = all(seen[frames] == "7 frames out" for frames in (114, 116))
if good and seen[115].startswith("IndexError") and wrong == 319:
    print("Seen:     arange(0, n, n / k) in floating point has k + 1 values for some n and k, and the")
    print("          last one rounds to n.")
    sys.exit(0)
print("This has changed.")
sys.exit(1)
PY
