#!/usr/bin/env bash
# torch.onnx: the mean of merged tokens, the divisor of a pool and the scale of a resize are left
# out of the ONNX file without a word.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.14.1 numpy==2.4.6 \
    onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.30.0

venv/bin/python - 2> messages <<'PY'
import platform
import sys

import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool3d, interpolate

print(
    f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__},"
    f" Python {platform.python_version()}"
)
print("What small modules give in torch, and what their files, written by")
print("torch.onnx.export(dynamo=True), give in onnxruntime for the same input.")
print()


class Merged(nn.Module):
    """Four tokens that are added to two others by their mean, as token merging does."""

    def __init__(self, reduce: str) -> None:
        super().__init__()
        self.reduce = reduce

    def forward(self, tokens: Tensor) -> Tensor:
        place = torch.tensor([0, 0, 0, 1]).view(1, 4, 1)
        return tokens[:, 4:].scatter_reduce(1, place, tokens[:, :4], reduce=self.reduce)


class Pooled(nn.Module):
    def __init__(self, divisor: int | None) -> None:
        super().__init__()
        self.divisor = divisor

    def forward(self, clip: Tensor) -> Tensor:
        return avg_pool3d(clip, (2, 1, 1), divisor_override=self.divisor)


class Resized(nn.Module):
    def __init__(self, antialias: bool) -> None:
        super().__init__()
        self.antialias = antialias

    def forward(self, row: Tensor) -> Tensor:
        return interpolate(row, scale_factor=(1.0, 0.6), mode="bilinear", antialias=self.antialias)


def in_file(module: nn.Module, x: Tensor) -> Tensor:
    torch.onnx.export(module, (x,), "module.onnx", dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession("module.onnx", providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {session.get_inputs()[0].name: x.numpy()})[0])


def told(x: Tensor) -> str:
    return " ".join(f"{value:g}" for value in x.flatten().tolist())


TOKENS = torch.tensor([1.0, 2, 4, 7, 10, 10]).view(1, 6, 1)
CLIP = torch.tensor([1.0, 2, 3, 4, 5, 6]).view(1, 1, 6, 1, 1)
ROW = (10 * torch.arange(7.0) ** 2).view(1, 1, 1, 7)
cases = {
    'scatter_reduce("sum")': (Merged("sum"), TOKENS),
    'scatter_reduce("mean")': (Merged("mean"), TOKENS),
    "avg_pool3d": (Pooled(None), CLIP),
    "avg_pool3d, divisor_override=1": (Pooled(1), CLIP),
    "interpolate by 0.6": (Resized(False), ROW),
    "interpolate by 0.6, antialias": (Resized(True), ROW),
}
same = []
for name, (module, x) in cases.items():
    right = module.eval()(x)
    of_file = in_file(module, x)
    same.append(torch.allclose(of_file, right, atol=1e-3))
    print(f"{name:31} torch: {told(right):30} file: {told(of_file)}")

print()
print("Expected: the same numbers, or an error of the exporter.")
print("Seen:     the file has the last token that came to a place instead of the mean, averages in")
print("          spite of the divisor, and with antialias the ratio of the sizes, 4/7, in place of")
print("          the scale 0.6; nothing is said.")
sys.exit(0 if same == [True, False] * 3 else 1)
PY
