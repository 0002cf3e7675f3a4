"""One checkout's part of `benchmarks.cpu`: computes a case once for each line that it reads.

A line is `threads case`, the answer the seconds by the clock and those of computing. It runs in a
process of its own with the sources of its checkout, which may be of an earlier version: it calls
only what has been there since.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from gta.blocks import GlobalTemporalAttention, NonLocal, SpatialAttention, TemporalAttention
from gta.config import Recipe
from gta.data.loader import Batch
from gta.models import build
from gta.recipes import find_recipe, read_recipe
from gta.training.optimizer import make_optimizer
from gta.training.processes import Processes
from gta.training.step import Step

try:
    from gta.data.transforms.clip import normalize
except ImportError:  # an earlier build
    from gta.data.transforms import normalize

BLOCKS = {
    "GTA": GlobalTemporalAttention,
    "SA": SpatialAttention,
    "TA": TemporalAttention,
    "NL": NonLocal,
}
LAYOUTS = {"rows": torch.channels_last_3d, "planes": torch.contiguous_format}
SIZES = {"res3": (512, 28), "res4": (1024, 14)}
CPU = torch.device("cpu")


def case(words: list[str]) -> Callable[[], object]:
    """What one repetition computes."""
    kind, *rest = words
    return {"block": block, "step": step, "predict": predict}[kind](*rest)


def block(name: str, stage: str, layout: str, way: str) -> Callable[[], object]:
    """A block alone on the feature of one clip of 8 x 224 x 224."""
    torch.manual_seed(0)
    channels, side = SIZES[stage]
    made = BLOCKS[name](channels, 8)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(std=0.05)
    memory = LAYOUTS[layout]
    x, upstream = (
        torch.randn(1, channels, 8, side, side).contiguous(memory_format=memory) for _ in range(2)
    )
    if way == "inference":
        return partial(infer, made.eval(), x)
    x.requires_grad_()

    def train() -> None:
        made.zero_grad()
        x.grad = None
        made(x).backward(upstream)

    return train


def infer(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """A forward pass."""
    with torch.inference_mode():
        return model(x)


def read(data: str, name: str) -> Recipe:
    """A recipe of the package."""
    return read_recipe(find_recipe(data, name))


def step(name: str) -> Callable[[], object]:
    """A training step of the quickstart, on clips uint8 as its loader gives them."""
    recipe = read("ordered", name)
    clip, size = recipe.clip, recipe.train.batch_size
    torch.manual_seed(0)
    model = build(recipe.model, num_classes=12, num_frames=clip.num_frames).train()
    shape = (size, clip.num_frames, clip.size, clip.size, 3)
    clips = torch.randint(256, shape, dtype=torch.uint8).movedim(-1, 1)
    batch = Batch(clips, torch.arange(size) % 12, torch.arange(size), [])
    optimizer, processes = make_optimizer(model, recipe.train), Processes(CPU)
    if "num_classes" in Step.__init__.__code__.co_varnames:  # before a step took numbers
        made = Step(model, optimizer, recipe, 12, processes)  # pyright: ignore
    else:
        from gta.training.recipe_step import make_step

        made = make_step(model, optimizer, recipe, 12, processes)
    return partial(made, batch, 0, 0, 75)


def predict(name: str, folded: str = "") -> Callable[[], object]:
    """One view of 8 x 224 x 224, uint8, through a network of the Something-Something recipes."""
    recipe = read("ssv2", name)
    clip = recipe.clip
    torch.manual_seed(0)
    model = build(recipe.model, num_classes=174, num_frames=clip.num_frames).eval()
    if folded:
        from gta.backbones import fold_norms

        model = fold_norms(model)
    shape = (1, clip.num_frames, clip.size, clip.size, 3)
    views = torch.randint(256, shape, dtype=torch.uint8).movedim(-1, 1)

    def run() -> torch.Tensor:
        return infer(model, normalize(views, clip.mean, clip.std))

    return run


def main() -> None:
    """Answers until there are no more lines; a case is warmed up when it is first asked for."""
    made: dict[str, Callable[[], object]] = {}
    for line in sys.stdin:
        threads, asked = line.strip().split(" ", 1)
        torch.set_num_threads(int(threads))
        if asked not in made:
            made.clear()  # the memory of one case at a time
            made[asked] = case(asked.split())
            made[asked]()
        began, computed = time.perf_counter(), time.process_time()
        made[asked]()
        print(json.dumps([time.perf_counter() - began, time.process_time() - computed]), flush=True)


if __name__ == "__main__":
    main()
