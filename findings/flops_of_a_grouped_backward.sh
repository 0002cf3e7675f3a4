#!/usr/bin/env bash
# torch: `FlopCounterMode` counts the backward pass of a convolution in groups as if it had none.
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
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

print(f"torch {torch.__version__}, Python {platform.python_version()}")
print("A 3x3x3 convolution of 64 channels, as in networks for video whose convolutions are depthwise.")
print("Each weight takes part in as many products for its gradient as in the forward pass, and so")
print("does each input: the backward pass has twice the operations of the forward one.")
print()


def count(conv: nn.Module, *, backward: bool) -> int:
    clip = torch.randn(2, 64, 4, 14, 14, requires_grad=True)
    with FlopCounterMode(display=False) as counter:
        out = conv(clip)
        if backward:
            out.sum().backward()
    return counter.get_total_flops()


print(f"{'groups':>6} {'forward':>13} {'backward':>13} {'ratio':>6}")
ratios = {}
for groups in (1, 2, 8, 64):
    conv = nn.Conv3d(64, 64, 3, padding=1, groups=groups)
    forward = count(conv, backward=False)
    backward = count(conv, backward=True) - forward
    ratios[groups] = backward / forward
    print(f"{groups:>6} {forward:>13,} {backward:>13,} {ratios[groups]:>6.1f}")

# by hand: the gradient of the weights is the product of what each group gives and takes
conv = nn.Conv3d(64, 64, 3, padding=1, groups=64)
clip = torch.randn(2, 64, 4, 14, 14)
grad = torch.randn_like(clip)
conv(clip).backward(grad)
padded = nn.functional.pad(clip, (1,) * 6).unfold(2, 4, 1).unfold(3, 14, 1).unfold(4, 14, 1)
by_hand = torch.einsum("bcijkthw,bcthw->cijk", padded, grad)
assert conv.weight.grad is not None
torch.testing.assert_close(conv.weight.grad[:, 0], by_hand, rtol=1e-3, atol=1e-3)
operations = 2 * by_hand.numel() * grad[:, 0].numel()
print()
print(f"The gradient of the depthwise weights by hand: the same numbers, {operations:,} operations,")
print(f"which is the forward pass's count.")
print("Expected: 2.0 in each row. Seen: 1 + the number of groups.")
forward = count(conv, backward=False)
sys.exit(0 if operations == forward and all(r == 1 + g for g, r in ratios.items()) else 1)
PY
