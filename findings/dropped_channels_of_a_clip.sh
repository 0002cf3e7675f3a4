#!/usr/bin/env bash
# kornia: channels that a batch of clips is to lose are dropped from its first frames alone.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.14.1 numpy==2.4.6 kornia==0.9.0

venv/bin/python - 2> messages <<'PY'
import platform
import sys

import kornia
import kornia.augmentation as K
import torch

print(f"kornia {kornia.__version__}, torch {torch.__version__}, Python {platform.python_version()}")
print("Two clips (2, 3, 6, 32, 32) whose six frames are all alike, through")
print("VideoSequential(..., same_on_frame=True): how far the frames are from the first one then.")
print()
torch.manual_seed(0)
clips = torch.rand(2, 3, 1, 32, 32).expand(2, 3, 6, 32, 32).contiguous()
apart = {}
for augmentation in (
    K.RandomAffine(30, p=1.0),
    K.ColorJiggle(0.3, 0.3, 0.3, 0.1, p=1.0),
    K.RandomErasing(p=1.0),
    K.RandomChannelShuffle(p=1.0),
    K.RandomChannelDropout(p=1.0),
):
    name = type(augmentation).__name__
    sequence = K.VideoSequential(augmentation, data_format="BCTHW", same_on_frame=True)
    out = sequence(clips)
    apart[name] = float((out - out[:, :, :1]).abs().max())
    print(f"{name:22} {apart[name]:.4f}")
    if name == "RandomChannelDropout":
        for clip in out:
            gone = [(frame.amax((1, 2)) == 0).nonzero()[:, 0].tolist() for frame in clip.unbind(1)]
            print(f"{'':22} channels that are gone in each frame of a clip: {gone}")

print()
print("Expected: 0 in each row. Seen: as many frames lose a channel as there are clips, the first ones.")
strange = [name for name, value in apart.items() if value > 1e-5]
sys.exit(0 if strange == ["RandomChannelDropout"] else 1)
PY
