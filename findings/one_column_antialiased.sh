#!/usr/bin/env bash
# torch: `interpolate` with antialias gives wrong numbers on the CPU where the result is one column
# wide and has another height too: all rows are the same.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.14.1 numpy==2.4.6

venv/bin/python - <<'PY'
import platform
import sys

import torch
from torch.nn.functional import interpolate

print(f"torch {torch.__version__}, Python {platform.python_version()}")
print("A map of 3 x 2 with the numbers 1 to 6, made 2 high and 1 wide with antialiasing:")
print("the columns 1, 3, 5 and 2, 4, 6 have the mean 1.5, 3.5, 5.5.")
print()

map_ = torch.arange(1.0, 7).view(1, 1, 3, 2)


def resized(x: torch.Tensor, height: int, width: int, mode: str) -> torch.Tensor:
    return interpolate(x, size=(height, width), mode=mode, antialias=True)


wrong = []
for mode in ("bilinear", "bicubic"):
    at_once = resized(map_, 2, 1, mode).flatten()
    one_by_one = resized(resized(map_, 2, 2, mode), 2, 1, mode).flatten()
    print(f"{mode:8}  at once: {[round(v, 3) for v in at_once.tolist()]}")
    print(f"{mode:8}  height first, then width: {[round(v, 3) for v in one_by_one.tolist()]}")
    wrong.append(not torch.allclose(at_once, one_by_one, atol=1e-4))
wide = resized(map_, 2, 2, "bilinear").mean(3).flatten()
print(f"bilinear  to two columns, and their mean: {[round(v, 3) for v in wide.tolist()]}")

print()
print("Expected: the upper row is of the small numbers, the lower one of the large ones; resizing is")
print("          separable, so that both ways agree, as they do at two columns.")
if all(wrong) and torch.equal(*resized(map_, 2, 1, "bilinear").flatten().split(1)):
    print("Seen:     at once both rows are the same, the upper row twice.")
    sys.exit(0)
print("This has changed: both ways agree.")
sys.exit(1)
PY
