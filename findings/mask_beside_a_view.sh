#!/usr/bin/env bash
# torch.compile: of a ReLU whose output is only used through a view, as by a linear layer over the
# channels of a channels-last feature, a mask is kept for the backward pass beside the output. It
# needs g++, and takes a minute once torch is installed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.14.1 numpy==2.4.6

cat > kept.py <<'PY'
import platform
import sys

import torch
from torch import Tensor, nn
from torch._functorch import config
from torch.autograd.graph import saved_tensors_hooks

CLIPS, FRAMES, CHANNELS, SIDE = 2, 4, 16, 12


class Network(nn.Module):
    """A convolution of each frame, and a projection of what is seen at each place, of one of two kinds."""

    def __init__(self, projection: str) -> None:
        super().__init__()
        self.stem = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.by_linear = projection == "linear"
        self.projection = nn.Linear(CHANNELS, 8) if self.by_linear else nn.Conv2d(CHANNELS, 8, 1)

    def forward(self, frames: Tensor) -> Tensor:
        feature = self.stem(frames).relu()  # (B T) C H W
        if not self.by_linear:
            return self.projection(feature)
        clips = feature.unflatten(0, (-1, FRAMES)).transpose(1, 2)  # B C T H W
        return self.projection(clips.movedim(1, -1))  # B T H W C, a view


def kept_and_gradient(network, step, frames):
    """What is kept besides the frames and the weights, and the gradient of the first weights."""
    known = {x.untyped_storage().data_ptr() for x in (frames, *network.parameters())}
    kept = {}  # by the memory, so that two views of one count once

    def keep(saved):
        if saved.untyped_storage().data_ptr() not in known:
            kept[saved.untyped_storage().data_ptr()] = saved
        return saved

    with saved_tensors_hooks(keep, lambda saved: saved):
        loss = step(frames).float().square().sum()
    kept = [x for x in kept.values() if x.numel() == frames.numel()]  # the loss keeps a smaller one
    (gradient,) = torch.autograd.grad(loss, network.stem.weight)
    return kept, gradient.float()


print(f"torch {torch.__version__}, Python {platform.python_version()}, on the CPU")
print(f"{CLIPS} clips of {FRAMES} frames, channels last: convolution, ReLU, and a projection by a linear layer")
print("over the channels (of a view of the ReLU's output) or by a 1x1 convolution. What is kept of the")
print("feature for the backward pass, in bytes a value:")
print()
print("type      projection   network                       kept")
seen = []
agree = True
for dtype in (torch.float32, torch.bfloat16):
    for projection in ("convolution", "linear"):
        torch.manual_seed(0)
        network = Network(projection).to(dtype)
        frames = torch.randn(CLIPS * FRAMES, CHANNELS, SIDE, SIDE, dtype=dtype)
        frames = frames.contiguous(memory_format=torch.channels_last)
        gradients = []
        for name in ("as it is", "compiled", "compiled, recompute_views"):
            torch.compiler.reset()
            config.recompute_views = name.endswith("views")
            step = network if name == "as it is" else torch.compile(network)
            kept, gradient = kept_and_gradient(network, step, frames)
            gradients.append(gradient)
            seen.append(sum(x.nbytes for x in kept) / frames.numel())
            parts = " + ".join(f"{x.element_size()} ({str(x.dtype).removeprefix('torch.')})" for x in kept)
            print(f"{str(dtype).removeprefix('torch.'):9} {projection:12} {name:27} {seen[-1]:4.0f} = {parts}")
        tolerance = 1e-4 if dtype == torch.float32 else 2e-2
        agree &= all((g - gradients[0]).norm() <= tolerance * gradients[0].norm() for g in gradients)

print()
print("The gradients of the first weights agree:", "yes" if agree else "no")
print()
print("Expected: no more is kept of the compiled network than of the other, and no more for a linear layer")
print("          than for a convolution: the ReLU's gradient can be had from its output, which is there.")
print("Seen:     before the linear layer, the compiler keeps a view of the output and, as if that were another")
print("          tensor, a mask of where it is 0: a quarter more in float32, half as much again in bfloat16.")
print("          With torch._functorch.config.recompute_views = True (by default it is False) it keeps the")
print("          output alone.")
sys.exit(0 if seen == [4, 4, 4, 4, 5, 4, 2, 2, 2, 2, 3, 2] and agree else 1)
PY
for name in $(compgen -e | grep -E '^(TORCH|AOT|INDUCTOR)' || true); do unset "$name"; done
TORCHINDUCTOR_CACHE_DIR=$folder/cache OMP_NUM_THREADS=1 venv/bin/python kept.py 2> messages ||
    { tail -n 5 messages; exit 1; }
