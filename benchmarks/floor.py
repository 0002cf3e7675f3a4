"""The least time that a block can add: its arithmetic at the rate that large products reach."""

from time import perf_counter

import torch

from benchmarks.ways import recipe_of
from gta.cost import count_cost
from gta.runs import build_network


def multiply_rate(device: torch.device, *, side: int = 8192, steps: int = 30) -> float:
    """Multiply-adds a second of a square product, measured: bfloat16 on a GPU, else float32."""
    side = side if device.type == "cuda" else side // 8
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    a, b = torch.randn(2, side, side, device=device).to(dtype)
    for _ in range(5):
        a @ b
    _wait(device)
    began = perf_counter()
    for _ in range(steps):
        a @ b
    _wait(device)
    return steps * side**3 / (perf_counter() - began)


def multiply_adds(recipe: str, num_classes: int) -> float:
    """Of one clip, forward, of a recipe's network; a variant is ignored."""
    settings = recipe_of(recipe.partition(":")[0])
    clip = settings.clip
    shape = (3, clip.num_frames, clip.size, clip.size)
    return 1e9 * count_cost(lambda: build_network(settings, num_classes), shape).gflops


def floor_ms(extra: float, rate: float, *, batch: int, training: bool) -> float:
    """Milliseconds that `extra` multiply-adds a clip need; a backward pass has twice as many."""
    return 1000 * batch * extra * (3 if training else 1) / rate


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
