"""Training and inference speed of the blocks, beside the plain network in the same run.

    python -m benchmarks.speed --out speed.json
    python -m benchmarks.speed --models r2d50 r2d50_gta --ways eager --batch 8 --device cpu
    python -m benchmarks.speed --peers peers --models r2d50 r2d50_nl r2d50_nl:tsm r2d50_gta
    python -m benchmarks.speed --peers peers --batch 8 --models slowfast50 slowfast50_nl:pyslowfast

Training is one step: bf16 autocast, forward, backward, fused SGD. Inference is a forward pass with
running statistics, "folded" where they are part of the convolutions. Each figure is the median
over the steps; "over" is the time over that of the first model, in the same way. The floor is the
time of the first model and what the arithmetic of the blocks takes at the rate at which this device
multiplied two large matrices (see `benchmarks.floor`). "plain" takes the
blocks' plain way, the equations as they stand; "tsm" and "pyslowfast" are those projects' own
blocks (see `benchmarks.peers`). "graphs" are CUDA graphs, torch.compile's "reduce-overhead".

A data file that was begun with the same device, version and batch is gone on with.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import date
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmarks.floor import floor_ms, multiply_adds, multiply_rate
from benchmarks.output import write
from benchmarks.peers import FILES, with_peer
from gta.backbones import fold_norms
from gta.blocks.fused.parts import unfused
from gta.recipes import find_recipe, read_recipe
from gta.runs import build_network

MODELS = ("r2d50", "r2d50_nl", "r2d50_dnl", "r2d50_gta", "r2d50_gta:plain")
WAYS = (
    *("eager", "compiled", "compiled, graphs"),
    *("inference", "folded inference", "compiled inference"),
)
CLASSES = 174


def network(
    name: str, device: torch.device, peers: Path = Path("peers")
) -> tuple[nn.Module, tuple[int, ...]]:
    """A model of the Something-Something v2 recipes as in mid-training, and its clip's shape."""
    name, _, variant = name.partition(":")
    recipe = read_recipe(find_recipe("ssv2", name))
    torch.manual_seed(0)
    model = build_network(recipe, CLASSES)
    if variant in FILES:
        model = with_peer(model, variant, peers)
    model.to(device)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.to(memory_format=torch.channels_last)
        elif isinstance(module, nn.BatchNorm3d):  # no longer zero, as when a block is inserted
            nn.init.constant_(module.weight, 0.1)
    clip = recipe.clip
    return model, (3, clip.num_frames, clip.size, clip.size)


def measure(
    name: str, way: str, *, batch: int, steps: int, device: torch.device, peers: Path
) -> dict[str, Any]:
    """Milliseconds of a step, clips a second and peak memory."""
    model, shape = network(name, device, peers)
    clips = torch.randn(batch, *shape, device=device)
    clips = clips.contiguous(memory_format=torch.channels_last_3d)
    labels = torch.arange(batch, device=device) % CLASSES
    torch.compiler.reset()
    mode = "reduce-overhead" if way.endswith("graphs") else None
    forward = torch.compile(model, mode=mode) if way.startswith("compiled") else model
    if way == "folded inference":
        forward = fold_norms(model.eval())
    step = _inference(model, forward, clips) if "inference" in way else None
    step = step or training(model, forward, clips, labels)
    with unfused() if name.endswith(":plain") else nullcontext():
        times, warm_up = timed(step, steps, device)
    counted = device.type == "cuda" and not way.endswith("graphs")  # a graph's memory is its own
    gib = torch.cuda.max_memory_allocated() / 2**30 if counted else None
    ms = statistics.median(times)
    return {
        **{"ms": ms, "least": min(times), "most": max(times), "warm_up_s": warm_up},
        **{"clips_per_s": 1000 * batch / ms, "peak_gib": gib},
    }


def timed(step: Callable[[], None], steps: int, device: torch.device) -> tuple[list[float], float]:
    """Milliseconds of each step, and seconds of three before them, whose memory does not count."""
    began = time.perf_counter()
    for _ in range(3):
        step()
    _wait(device)
    warm_up = time.perf_counter() - began
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    return _times(step, steps, device), warm_up


def training(
    model: nn.Module, forward: Callable[[Tensor], Tensor], clips: Tensor, labels: Tensor
) -> Callable[[], None]:
    """A step of training; `forward` is the model, or what stands for it."""
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9, fused=True)

    def step() -> None:
        with torch.autocast(clips.device.type, torch.bfloat16, enabled=clips.is_cuda):
            loss = cross_entropy(forward(clips).float(), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def _inference(
    model: nn.Module, forward: Callable[[Tensor], Tensor], clips: Tensor
) -> Callable[[], None]:
    model.eval()

    def step() -> None:
        with (
            torch.inference_mode(),
            torch.autocast(clips.device.type, torch.bfloat16, enabled=clips.is_cuda),
        ):
            forward(clips)

    return step


def _times(step: Callable[[], None], steps: int, device: torch.device) -> list[float]:
    """Milliseconds of each step; on a GPU by its own clock, without waiting between them."""
    if device.type != "cuda":
        moments = [time.perf_counter()]
        for _ in range(steps):
            step()
            moments.append(time.perf_counter())
        return [1000 * (b - a) for a, b in pairwise(moments)]
    events = [torch.cuda.Event(enable_timing=True) for _ in range(steps + 1)]
    events[0].record()
    for event in events[1:]:
        step()
        event.record()
    torch.cuda.synchronize()
    return [a.elapsed_time(b) for a, b in pairwise(events)]


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def table(found: dict[str, Any]) -> str:
    """Markdown: a row for each model; beside the times the floor and the ratio to the first one."""
    results = found["results"]
    ways = list(dict.fromkeys(key.split(" | ")[1] for key in results))
    models = list(dict.fromkeys(key.split(" | ")[0] for key in results))
    heads = [f"{way}, ms | floor | over | GiB" for way in ways]
    lines = [
        "| model | " + " | ".join(heads) + " |",
        "| --- |" + " ---: | ---: | ---: | ---: |" * len(ways),
    ]
    for model in models:
        cells = [_cell(found, models[0], model, way) for way in ways]
        lines.append(f"| {model} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(found: dict[str, Any], first_model: str, model: str, way: str) -> str:
    one = found["results"].get(f"{model} | {way}")
    first = found["results"].get(f"{first_model} | {way}")
    if not one or not first:
        return " | | | "
    gib = "" if one["peak_gib"] is None else f"{one['peak_gib']:.1f}"
    extra = found["multiply_adds"][model] - found["multiply_adds"][first_model]
    least = first["ms"] + floor_ms(
        extra, found["multiply_rate"], batch=found["batch"], training="inference" not in way
    )
    floor = "" if model == first_model else f"{least:.1f}"
    return f"{one['ms']:.1f} | {floor} | {one['ms'] / first['ms']:.2f} | {gib}"


def _begun(path: Path | None, about: dict[str, Any]) -> dict[str, Any] | None:
    """What a data file of the same device, version and batch holds."""
    if path is None or not path.is_file():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    return found if about.items() <= found.items() else None


def main() -> None:
    """Measures what the arguments name, one after the other, and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--models", nargs="+", default=MODELS, metavar="NAME[:plain|tsm|pyslowfast]"
    )
    parser.add_argument("--ways", nargs="+", default=WAYS, choices=WAYS, metavar="WAY")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--peers", type=Path, default=Path("peers"), metavar="FOLDER")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    device = torch.device(given.device)
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
    about = {"torch": torch.__version__, "device": card, "batch": given.batch}
    found = _begun(given.out, about) or {
        **{"date": date.today().isoformat(), **about},
        **{"multiply_rate": multiply_rate(device), "multiply_adds": {}, "results": {}},
    }
    for way, model in product(given.ways, given.models):
        key = f"{model} | {way}"
        if key in found["results"]:
            continue
        found["multiply_adds"].setdefault(model, multiply_adds(model, CLASSES))
        found["results"][key] = measure(
            model, way, batch=given.batch, steps=given.steps, device=device, peers=given.peers
        )
        print(key, found["results"][key], flush=True)
        write(found, given.out)
    print(table(found))


if __name__ == "__main__":
    main()
