#!/usr/bin/env bash
# torch: SGD's fused kernel on the CPU takes memory that nobody filled for its momentum, if its very
# first step is skipped for a gradient that is not finite.
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

print(f"torch {torch.__version__}, Python {platform.python_version()}, on the CPU")
print("A weight of 1. Step 0 has an infinite gradient, steps 1 and 2 have a gradient of 1.")
print("SGD(lr=0.1, momentum=0.9) with torch.amp.GradScaler, which skips step 0.")
print()
# torch's own switch: memory that is handed out without a value is filled with NaN. Without it the
# momentum starts with whatever was in that memory before.
torch.use_deterministic_algorithms(True)
torch.utils.deterministic.fill_uninitialized_memory = True


def train(fused):
    weight = torch.nn.Parameter(torch.ones(1000))
    optimizer = torch.optim.SGD([weight], lr=0.1, momentum=0.9, fused=fused)
    scaler = torch.amp.GradScaler("cpu")
    seen = []
    for step in range(3):
        optimizer.zero_grad()
        loss = (weight * (float("inf") if step == 0 else 1.0)).sum()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        seen.append(round(weight[0].item(), 4))
    print(f"fused={fused!s:5}  the weight after each step: {seen}")
    return seen


plain, fused = train(False), train(True)

# The same in memory that had a value before: what a training meets, without the switch.
torch.utils.deterministic.fill_uninitialized_memory = False
used_before = [torch.full((1000,), 3e30) for _ in range(100)]
del used_before
print("and in memory that held 3e30 before:")
train(True)

print()
print("Expected: a skipped step leaves the optimiser as before its first step, fused or not:")
print("          the weight is 1.0, 0.9, 0.71.")
if plain == [1.0, 0.9, 0.71] and fused[0] == 1.0 and fused[1] != fused[1]:
    print("Seen:     the fused kernel's momentum is uninitialised memory (NaN by torch's switch),")
    print("          and the first good step adds it to the weights.")
    sys.exit(0)
print("This has changed: the momentum is not what the memory was.")
sys.exit(1)
PY
