#!/usr/bin/env bash
# peft: LoRA of a convolution forgets its padding mode: merged, it gives other numbers.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    torch==2.14.1 numpy==2.4.6 peft==0.21.2 transformers==5.24.0

venv/bin/python - 2> messages <<'PY'
import copy
import platform
import sys

import peft
import torch
from torch import nn

print(f"peft {peft.__version__}, torch {torch.__version__}, Python {platform.python_version()}")
print("A convolution over time, 8 channels, with an adapter of rank 4 whose weights are random: what")
print("the network gives before and after merge_and_unload(), which should be the same.")
print()
CASES = {
    "zeros beyond the ends": {"padding": (1, 0, 0)},
    "the end frames repeated (replicate)": {"padding": (1, 0, 0), "padding_mode": "replicate"},
    "time in a circle (circular)": {"padding": (1, 0, 0), "padding_mode": "circular"},
    "dilation 2": {"padding": (2, 0, 0), "dilation": (2, 1, 1)},
}
torch.manual_seed(0)
clip = torch.randn(1, 8, 6, 8, 8)
seen = {}
for name, options in CASES.items():
    network = nn.Sequential(nn.Conv3d(8, 8, (3, 1, 1), **options))
    config = peft.LoraConfig(r=4, target_modules=["0"], init_lora_weights=False)
    adapted = peft.get_peft_model(copy.deepcopy(network), config).eval()
    with torch.no_grad():
        try:
            before = adapted(clip)
        except RuntimeError as error:
            seen[name] = "error"
            print(f"{name}: RuntimeError: {error}")
            continue
        after = adapted.merge_and_unload()(clip)
    apart = (before - after).abs().amax((0, 1, 3, 4))
    seen[name] = "same" if apart.max() < 1e-5 else "other"
    frames = " ".join(f"{value:.5f}" for value in apart.tolist())
    print(f"{name}: greatest difference of each frame {frames}")

print()
print("Expected: differences of rounding, and no error. Seen: the adapter pads with zeros whatever")
print("the convolution does, and does not dilate, so that its sum with the convolution fails.")
expected = dict(zip(CASES, ("same", "other", "other", "error"), strict=True))
sys.exit(0 if seen == expected else 1)
PY
