#!/usr/bin/env bash
# torch: add_video of TensorBoard's writer drops the clip where moviepy is of version 2.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.14.1 tensorboard==2.21.0 \
    moviepy==2.2.1 imageio==2.37.0 requests==2.32.5 setuptools==80.9.0

venv/bin/python - <<'PY'
import sys
from importlib.metadata import version

import imageio  # noqa: F401 - is there
import requests  # noqa: F401 - is there
import torch
from moviepy import ImageSequenceClip  # noqa: F401 - can be imported
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

names = ("torch", "tensorboard", "moviepy", "imageio", "requests")
print(", ".join(f"{name} {version(name)}" for name in names))
print("A clip of 8 frames is given to add_video, and a picture to add_image. What is said:")
print()
sys.stdout.flush()
writer = SummaryWriter("events")
writer.add_video("clip", torch.rand(1, 8, 3, 48, 64), fps=4)
writer.add_image("picture", torch.rand(3, 48, 64))
writer.close()
events = EventAccumulator("events")
events.Reload()
print()
print(f"no error was raised; in the event file: {events.Tags()['images']}")
print()
print("Expected: the clip too, or an error; imageio and requests, which are said to be missing")
print("perhaps, are there. torch imports moviepy.editor, which moviepy 2 no longer has.")
sys.exit(0 if events.Tags()["images"] == ["picture"] else 1)
PY
