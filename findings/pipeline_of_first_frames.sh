#!/usr/bin/env bash
# transformers: the pipeline "video-classification" looks at the first frames of a video alone where
# the model has an image processor, and its `frame_sampling_rate` of 4 does not take every 4th frame.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    transformers==5.24.0 torch==2.14.1 torchvision==0.29.1 av==18.1.0 pillow==13.0.0

venv/bin/python - <<'PY'
import platform
import sys

import av
import numpy as np
import torch
import transformers
from transformers import (
    VideoMAEConfig,
    VideoMAEForVideoClassification,
    VideoMAEImageProcessor,
    pipeline,
)

transformers.logging.set_verbosity_error()
print(f"transformers {transformers.__version__}, torch {torch.__version__}, PyAV {av.__version__}, ")
print(f"Python {platform.python_version()}")
print("A lossless video of 200 frames at 30 per second; the grey of a frame is its number.")
print("A VideoMAE of 16 frames with random weights and an image processor, as the hub's are saved.")
print()

with av.open("numbers.mkv", "w") as container:
    stream = container.add_stream("ffv1", rate=30)
    stream.width = stream.height = 32
    stream.pix_fmt = "bgr0"
    for number in range(200):
        picture = np.full((32, 32, 3), number, np.uint8)
        for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
            container.mux(packet)
    for packet in stream.encode(None):
        container.mux(packet)

model = VideoMAEForVideoClassification(
    VideoMAEConfig(
        image_size=32,
        num_frames=16,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
    )
)
processor = VideoMAEImageProcessor(
    size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
)
classify = pipeline("video-classification", model=model, image_processor=processor)


def frames(**options):
    clip = classify.preprocess("numbers.mkv", **options)["pixel_values"][0]  # (T, C, H, W)
    std = torch.tensor(processor.image_std)[:, None, None]
    mean = torch.tensor(processor.image_mean)[:, None, None]
    return ((clip * std + mean) * 255).mean((1, 2, 3)).round().int().tolist()


first, every_fourth = frames(), frames(frame_sampling_rate=4)
print(f"as it is:               frames {first}")
print(f"frame_sampling_rate=4:  frames {every_fourth}")
print()
print("Expected: the clip covers the video, or a part of it that is drawn or named;")
print(f"          a rate of 4 takes {list(range(0, 64, 4))}.")
if first == list(range(16)) and every_fourth == np.linspace(0, 63, 16).astype(int).tolist():
    print("Seen:     the first half second of a video of 6.7 seconds, whatever comes later;")
    print("          a rate of 4 takes steps of 4 and of 5 frames.")
    sys.exit(0)
print("This has changed.")
sys.exit(1)
PY
