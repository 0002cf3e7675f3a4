"""Multiply-adds, parameters and memory of a model, counted without computing anything."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from gta.backbones.stream import step
from gta.blocks.fused.parts import unfused


@dataclass(frozen=True)
class Cost:
    """The cost of one view."""

    gflops: float
    """Multiply-adds / 1e9 of convolutions, linear layers and attention products."""
    params_m: float
    """Parameters / 1e6."""
    activations_mib: float
    """Activations that a training step keeps for its backward pass, float32, in MiB, without the
    parameters, their gradients and the optimizer's state."""
    step_gflops: float | None = None
    """For a network for streams: multiply-adds / 1e9 of a further frame."""


def count_cost(make: Callable[[], nn.Module], clip_shape: tuple[int, ...]) -> Cost:
    """Count the cost of a model on one clip of shape (3, T, H, W), on the meta device.

    Args:
        make: Builds the model; called under the meta device, so that nothing is allocated.
        clip_shape: Shape of one clip.
    """
    with torch.device("meta"):
        model = make().eval()
        clips = torch.empty(2, *clip_shape)
    gflops = multiply_adds(lambda: model(clips[:1])) / 1e9
    step_gflops = None
    if hasattr(model, "step") and getattr(model, "causal", False):  # a block has no step
        step_gflops = multiply_adds(lambda: step(model, clips[:1, :, 0])) / 1e9
    return Cost(
        gflops=gflops,
        params_m=sum(p.numel() for p in model.parameters()) / 1e6,
        # two clips, since batch normalization cannot train on a single value
        activations_mib=kept_bytes(model.train(), clips) / len(clips) / 2**20,
        step_gflops=step_gflops,
    )


def multiply_adds(run: Callable[[], object]) -> float:
    """Multiply-adds of the operations of `run`."""
    counter = FlopCounterMode(display=False)
    with counter, unfused(), torch.no_grad():  # the operations of the equations
        run()
    return counter.get_total_flops() / 2  # torch counts a multiply-add as two


def kept_bytes(model: nn.Module, clips: Tensor) -> int:
    """Bytes of the tensors, except parameters and buffers, that autograd keeps for a pass."""
    own = {t.untyped_storage()._cdata for t in (*model.parameters(), *model.buffers())}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        # several tensors may be views of one storage, which is kept once
        kept.setdefault(tensor.untyped_storage()._cdata, tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = model(clips)
    del output
    return sum(t.untyped_storage().nbytes() for key, t in kept.items() if key not in own)
