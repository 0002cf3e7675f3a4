#!/usr/bin/env bash
# torch: one frame whose batch axis comes from NumPy, or after permute, is channels-last to
# `is_contiguous` and not to the operators: results are planes, and resizing takes twice the time.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.14.1 numpy==2.4.6

venv/bin/python - <<'PY'
import platform
import sys
import time
from functools import partial

import numpy as np
import torch
from torch.nn.functional import interpolate

torch.set_num_threads(1)
LAST = torch.channels_last
print(f"torch {torch.__version__}, numpy {np.__version__}, Python {platform.python_version()}")
print("One frame (256, 340, 3) of bytes as (1, 3, 256, 340), in five ways, made 224 x 298 by")
print('interpolate(mode="bilinear", antialias=True). The values are the same.')
print()

image = np.random.default_rng(0).integers(0, 256, (256, 340, 3), np.uint8)
from_numpy = torch.from_numpy
frames = {
    "from_numpy(image)[None].permute(0, 3, 1, 2)": from_numpy(image)[None].permute(0, 3, 1, 2),
    "from_numpy(image[None]).permute(0, 3, 1, 2)": from_numpy(image[None]).permute(0, 3, 1, 2),
    "from_numpy(image).permute(2, 0, 1)[None]": from_numpy(image).permute(2, 0, 1)[None],
}
third = frames["from_numpy(image).permute(2, 0, 1)[None]"]
frames["the third, .contiguous(memory_format=...)"] = third.contiguous(memory_format=LAST)
frames["the third, .clone(memory_format=...)"] = third.clone(memory_format=LAST)


def order(x: torch.Tensor) -> str:
    return "HWC" if x.stride(1) == 1 else "CHW"


def seconds(function: partial[torch.Tensor]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


seen = []
small = []
print(f"{'':44}{'strides':22}is_contiguous  resized  joined      ms")
for name, frame in frames.items():
    resize = partial(interpolate, frame, size=(224, 298), mode="bilinear", antialias=True)
    small.append(resize())
    joined = torch.cat([frame] * 8)
    last = frame.is_contiguous(memory_format=LAST)
    seen.append((last, order(small[-1]), order(joined)))
    fastest = min(seconds(resize) for _ in range(50))
    print(
        f"{name:44}{frame.stride()!s:22}{last!s:15}{order(small[-1]):9}{order(joined):8}"
        f"{1000 * fastest:6.2f}"
    )
assert all(torch.equal(x, small[0]) for x in small)

print()
print("Expected: the stride of an axis of size 1 says nothing, as is_contiguous(memory_format=")
print("torch.channels_last) has it, so that all results lie in memory like their frame (HWC).")
print("Seen:     where that stride is 0 or 3 the results of interpolate and cat are planes (CHW),")
print("          which costs a transposing copy; .contiguous(memory_format=...) leaves it so.")
kept, lost = (True, "HWC", "HWC"), (True, "CHW", "CHW")
sys.exit(0 if seen == [kept, lost, lost, lost, kept] else 1)
PY
