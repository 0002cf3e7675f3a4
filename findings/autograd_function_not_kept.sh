#!/usr/bin/env bash
# torch.compile: a network with an autograd function is left out of one of the two caches on disk,
# without a word: every new process traces it again. It needs g++, and takes two minutes once torch
# is installed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.14.1 numpy==2.4.6

cat > training.py <<'PY'
"""One step of a small compiled network whose temporal shift is written in one of two ways."""

import json
import sys

import torch
from torch import Tensor, nn
from torch._dynamo.utils import counters
from torch.autograd import Function
from torch.nn.functional import pad


def shifted(x: Tensor, by: int) -> Tensor:
    """Of clips (B, C, T, H, W), the first channel `by` frames earlier and the second as much later."""
    early = pad(x[:, :1], (0, 0, 0, 0, -by, by))
    late = pad(x[:, 1:2], (0, 0, 0, 0, by, -by))
    return torch.cat([early, late, x[:, 2:]], 1)


class Shift(Function):
    @staticmethod
    def forward(ctx, x):
        return shifted(x, 1)

    @staticmethod
    def backward(ctx, upstream):
        return shifted(upstream, -1)


class Network(nn.Module):
    def __init__(self, shift) -> None:
        super().__init__()
        self.shift = shift
        self.stem = nn.Conv3d(3, 8, (1, 3, 3))
        self.block = nn.Conv3d(8, 8, (1, 3, 3), padding=(0, 1, 1))
        self.head = nn.Linear(8, 4)

    def forward(self, clips: Tensor) -> Tensor:
        x = self.stem(clips).relu()
        x = x + self.block(self.shift(x))
        return self.head(x.mean((2, 3, 4)))


torch.manual_seed(0)
network = Network(Shift.apply if sys.argv[1] == "function" else lambda x: shifted(x, 1))
loss = torch.compile(network)(torch.randn(2, 3, 4, 16, 16)).square().sum()
loss.backward()
steepest = float(network.stem.weight.grad.abs().max())
caches = {
    name.replace("_cache", ""): count
    for part in ("aot_autograd", "inductor")
    for name, count in counters[part].items()
    if name.startswith(("autograd_cache_", "fxgraph_cache_")) and name != "autograd_cache_saved"
}
print(json.dumps({"numbers": [round(loss.item(), 4), round(steepest, 4)], "caches": caches}))
PY

venv/bin/python - <<'PY'
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version

print(f"torch {version('torch')}, Python {platform.python_version()}, on the CPU")
print("Two processes, one after the other, compile the same small network with a temporal shift and")
print("make a step. What the second found on disk: of what AOTAutograd traced (autograd), and of the")
print("compiled code of the forward and the backward pass (fxgraph).")
print()
SWITCH = "TORCHINDUCTOR_AUTOGRAD_CACHE_ALLOW_CUSTOM_AUTOGRAD"
TORCHS = ("TORCH", "AOT", "INDUCTOR")  # variables that would change what is shown
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith(TORCHS)}
cases = {
    "differentiated by torch": ("plain", {}),
    "an autograd function": ("function", {}),
    "an autograd function, switch on": ("function", {SWITCH: "1"}),
}
seen, numbers, words = [], set(), ""
for number, (name, (shift, switches)) in enumerate(cases.items()):
    environment = PLAIN | {"TORCHINDUCTOR_CACHE_DIR": os.path.abspath(f"cache-{number}")} | switches
    for _ in range(2):
        ended = subprocess.run(
            [sys.executable, "training.py", shift],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        told = json.loads(ended.stdout)
        numbers.add(tuple(told["numbers"]))
        words += ended.stderr
    seen.append(told["caches"])
    print(f"{name:31}", ", ".join(f"{key} {count}" for key, count in told["caches"].items()))

print()
print("Loss and steepest gradient of all six:", *sorted(numbers))
quiet = not any(word in words.lower() for word in ("bypass", "cache", "autograd"))
print("A word of it in what they wrote:", "none" if quiet else words)
print()
print("Expected: three rows alike, or a warning that the network is not kept.")
print("Seen:     a network with an autograd function is traced anew by every process, unless")
print(f"          {SWITCH}=1 is set.")
kept = {"autograd_hit": 1, "fxgraph_hit": 2}
left_out = {"autograd_bypass": 1, "fxgraph_hit": 2}
sys.exit(0 if seen == [kept, left_out, kept] and len(numbers) == 1 and quiet else 1)
PY
