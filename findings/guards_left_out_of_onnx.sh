#!/usr/bin/env bash
# torch.onnx: the conditions of an exported program are not in the ONNX file, whose sizes are free.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    torch==2.14.1 onnx==1.23.1 onnxscript==0.7.2 onnxruntime==1.30.0 numpy

venv/bin/python - <<'PY'
import logging
import sys
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn
from torch.export import Dim, export
from torch.nn.functional import avg_pool2d

logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")
print(f"torch {torch.__version__}, onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}")
print("A head as video networks have it for larger test clips: it averages windows of 7 x 7 positions,")
print("where there are several by their probabilities. It is exported at 12 x 12 positions, H and W to be")
print("free (Dim.AUTO), and called at 12 x 12, 9 x 14 and 7 x 7.")
print()


class Head(nn.Module):
    def forward(self, x):
        windows = avg_pool2d(x, 7, stride=1).flatten(2)
        if windows.shape[2] == 1:
            return windows[..., 0]
        return windows.softmax(1).mean(2)


head = Head().eval()
program = export(head, (torch.randn(2, 3, 12, 12),), dynamic_shapes=({0: Dim.DYNAMIC, 2: Dim.AUTO, 3: Dim.AUTO},))
made = torch.onnx.export(program, (), dynamo=True, verbose=False).model_proto
sizes = [d.dim_param or d.dim_value for d in made.graph.input[0].type.tensor_type.shape.dim]
session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
print(f"input of the file: {sizes}")


def of_program(x):
    try:
        return float((program.module()(x) - head(x)).abs().max())
    except Exception as error:
        return f"refused ({type(error).__name__})"


seen = {}
for height, width in ((12, 12), (9, 14), (7, 7)):
    x = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(0))
    (found,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    away = float(np.abs(found - head(x).numpy()).max())
    seen[height, width] = of_program(x), away
    print(f"{height:2} x {width:2}: the program {seen[height, width][0]}, the file {away:.3f} from the module")

print()
print("Expected: the file refuses what its program refuses, or its sizes are said to be fixed.")
free = all(isinstance(side, str) for side in sizes[2:])
right = all(isinstance(seen[s][0], float) and max(seen[s]) < 1e-4 for s in ((12, 12), (9, 14)))
program_refuses, file_away = seen[7, 7]
if free and right and isinstance(program_refuses, str) and file_away > 0.01:
    print("Seen:     the program refuses 7 x 7, and the file, of free sizes, gives other numbers without a word.")
    sys.exit(0)
print("This has changed: file and program agree on which sizes they take.")
sys.exit(1)
PY
