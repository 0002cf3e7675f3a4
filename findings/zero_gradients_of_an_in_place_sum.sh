#!/usr/bin/env bash
# torch.compile, torch 2.11: a sum in place in an autograd function's forward makes all gradients zero.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.11.0 numpy

venv/bin/python - <<'PY'
import sys

import torch
from torch.autograd import Function

print(f"torch {torch.__version__}")
print("A linear layer with a backward pass by hand adds its bias to a tensor that it has just made: as a new")
print("tensor, or in place. Its gradients, as it is and compiled (backend 'eager', which compiles nothing):")
print()


def layer(in_place):
    class Layer(Function):
        @staticmethod
        def forward(ctx, x, w, b):
            ctx.save_for_backward(x, w)
            y = x @ w
            return y.add_(b) if in_place else y + b

        @staticmethod
        def backward(ctx, upstream):
            x, w = ctx.saved_tensors
            return upstream @ w.t(), x.t() @ upstream, upstream.sum(0)

    return Layer.apply


seen = {}
for in_place in (False, True):
    apply = layer(in_place)

    def step(x, w, b):
        return apply(x, w, b).square().sum()

    torch.manual_seed(0)
    parts = [torch.randn(shape, requires_grad=True) for shape in ((5, 4), (4, 3), (3,))]
    torch.compiler.reset()
    for name, run in (("as it is", step), ("compiled", torch.compile(step, backend="eager", fullgraph=True))):
        loss = run(*parts)
        found = [float(g.abs().max()) for g in torch.autograd.grad(loss, parts)]
        seen[in_place, name] = found
        words = "in place" if in_place else "new     "
        print(f"{words}, {name}: loss {loss.item():.3f}, greatest gradients {[round(g, 3) for g in found]}")

print()
print("Expected: the same four times, or an error.")
right = seen[False, "as it is"]
same = seen[False, "compiled"] == right and seen[True, "as it is"] == right
if same and min(right) > 0 and seen[True, "compiled"] == [0.0, 0.0, 0.0]:
    print("Seen:     in place and compiled, the loss is right and every gradient is zero, without a word.")
    sys.exit(0)
print("This has changed: the compiled layer has the gradients of the other, or is refused.")
sys.exit(1)
PY
