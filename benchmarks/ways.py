"""A step of training or inference, in each way that is measured.

Those of training are the step of `gta train` with the recipe's numbers, on uint8 clips that lie on
the GPU: "eager" and "compiled" as Python issues it, "captured" and "compiled, captured" replayed as
a CUDA graph. (Data files of before December 2026 have an "eager" and a "compiled" step that neither
normalised clips nor clipped the gradient.) Inference is a forward pass with running statistics,
"folded" where they are part of the convolutions.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from gta.backbones import fold_norms
from gta.config import Recipe
from gta.data.loader import Batch
from gta.devices import autocast
from gta.recipes import find_recipe, read_recipe
from gta.training.optimizer import make_optimizer
from gta.training.processes import Processes
from gta.training.recipe_step import numbers
from gta.training.step import Step

WAYS = (
    *("eager", "compiled", "captured", "compiled, captured"),
    *("inference", "folded inference", "compiled inference"),
)


def recipe_of(name: str) -> Recipe:
    """The recipe of "MODEL", one of Something-Something v2's, or of "DATA/MODEL"."""
    data, _, model = name.rpartition("/")
    return read_recipe(find_recipe(data or "ssv2", model))


def warm_up(way: str, device: torch.device) -> int:
    """Steps before those that are measured; where a graph is recorded, that is one of them."""
    if device.type != "cuda":
        return 1
    return 6 if way.endswith("captured") else 3


def random_batch(recipe: Recipe, size: int, classes: int, device: torch.device) -> Batch:
    """Clips uint8 (B, 3, T, H, W) as the loader gives them, on the device."""
    clip = recipe.clip
    shape = (size, clip.num_frames, clip.size, clip.size, 3)
    clips = torch.randint(256, shape, dtype=torch.uint8, device=device).movedim(-1, 1)
    return Batch(clips, torch.arange(size, device=device) % classes, torch.arange(size), [])


def step_of(way: str, model: nn.Module, recipe: Recipe, batch: Batch) -> Callable[[], object]:
    """What one call of is measured; `model` is on the device of the batch."""
    device = batch.clips.device
    torch.compiler.reset()
    compiled = way.startswith("compiled")
    if "inference" not in way:
        told = {"compiled": compiled, "captured": way.endswith("captured")}
        return product(model, recipe, batch, Processes(device), **told)
    clips = torch.randn(batch.clips.shape, device=device)
    clips = clips.contiguous(memory_format=torch.channels_last_3d)
    model.eval()
    forward = fold_norms(model) if way.startswith("folded") else model
    return inference(torch.compile(forward) if compiled else forward, clips)


def product(
    model: nn.Module,
    recipe: Recipe,
    batch: Batch,
    processes: Processes,
    *,
    compiled: bool,
    captured: bool = True,
) -> Callable[[], Tensor]:
    """The step of `gta train`; on a GPU as a graph, if it is to be captured.

    Raises:
        RuntimeError: It cannot be one.
    """
    graphs = None if captured else False
    told = replace(numbers(recipe, processes.device), compile=compiled, cuda_graphs=graphs)
    step = Step(model.train(), make_optimizer(model, recipe.train), told, processes)
    taken = 0

    def advance() -> Tensor:
        nonlocal taken
        taken += 1
        totals = step(batch, 0, taken, 1_000_000)
        if step.replays is not None and step.replays.refused is not None:
            raise RuntimeError(f"no CUDA graph: {step.replays.refused}")
        return totals

    return advance


def inference(forward: Callable[[Tensor], Tensor], clips: Tensor) -> Callable[[], None]:
    """A forward pass."""

    def step() -> None:
        with (
            torch.inference_mode(),
            autocast(clips.device),
        ):
            forward(clips)

    return step
