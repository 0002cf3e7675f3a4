#!/usr/bin/env bash
# torch.export: len(x) fixes the batch, with Dim.AUTO without a word; x.shape[0] does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.14.1 numpy

venv/bin/python - <<'PY'
import logging
import sys
import warnings

import torch
from torch import nn
from torch.export import Dim, export

logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")
print(f"torch {torch.__version__}")
print("Two modules that differ in one expression are exported with a batch of 2, its size to be free,")
print("and the program is called with a batch of 5.")
print()


class Length(nn.Module):
    def forward(self, x):
        return x.reshape(len(x), -1).sum(1)


class Shape(nn.Module):
    def forward(self, x):
        return x.reshape(x.shape[0], -1).sum(1)


def tried(module, size):
    try:
        program = export(module, (torch.randn(2, 3, 4),), dynamic_shapes=({0: size},))
    except Exception as error:
        return f"refused at export ({type(error).__name__})"
    try:
        return f"{len(program.module()(torch.randn(5, 3, 4)))} results"
    except Exception as error:
        return f"exported, and refused at the call ({type(error).__name__})"


seen = {}
for module, words in ((Length(), "len(x)"), (Shape(), "x.shape[0]")):
    for size, name in ((Dim.AUTO, "Dim.AUTO"), (Dim.DYNAMIC, "Dim.DYNAMIC")):
        seen[words, name] = tried(module, size)
        print(f"{words}, {name}: {seen[words, name]}")

print()
print("Expected: len(x) is x.shape[0], and both are exported alike.")
late = seen["len(x)", "Dim.AUTO"].startswith("exported, and refused at the call")
early = seen["len(x)", "Dim.DYNAMIC"].startswith("refused at export")
if late and early and all(seen["x.shape[0]", n] == "5 results" for n in ("Dim.AUTO", "Dim.DYNAMIC")):
    print("Seen:     len(x) is the number 2 for ever; with Dim.AUTO nobody is told before the call.")
    sys.exit(0)
print("This has changed: len(x) and x.shape[0] are exported alike, or both are refused.")
sys.exit(1)
PY
