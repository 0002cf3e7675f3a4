#!/usr/bin/env bash
# torch: `FlopCounterMode` fails without gradients in a network of which one module returns a view
# of its own parameter, such as a positional embedding with axes added.
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
print("A module gives its positions (8, 4) as (8, 4, 1); a 1x1 convolution of 4 channels follows.")
print()


class Positions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.zeros(8, 4))

    def forward(self) -> torch.Tensor:
        return self.position[:, :, None]


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.positions, self.conv = Positions(), nn.Conv1d(4, 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x + self.positions())


network, clip = Network(), torch.zeros(8, 4, 3)
seen = {}
for name, grad in (("gradients", torch.enable_grad), ("no_grad", torch.no_grad),
                   ("inference_mode", torch.inference_mode)):  # fmt: skip
    with grad():
        network(clip)  # the network itself runs
        try:
            with FlopCounterMode(display=False) as counter:
                network(clip)
            seen[name] = str(counter.get_total_flops())
        except Exception as error:
            seen[name] = f"{type(error).__name__}: {error}"
    print(f"{name:14}  {seen[name]}")

print()
print("Expected: 768 floating point operations each time: 8 x 3 positions, 4 x 4 weights, 2 each.")
if seen["gradients"] == "768" and "AssertionError" in seen["no_grad"]:
    print("Seen:     the counter looks for the gradient function of what the module returns. A view of")
    print("          a parameter asks for gradients and has no such function where none are computed.")
    sys.exit(0)
print("This has changed: the operations are counted without gradients too.")
sys.exit(1)
PY
