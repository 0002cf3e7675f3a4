"""Training and inference speed of the blocks, beside the plain network in the same run.

    python -m benchmarks.speed --out speed.json
    python -m benchmarks.speed --models r2d50 r2d50_gta --ways eager --batch 8 --device cpu
    python -m benchmarks.speed --peers peers --models r2d50 r2d50_nl r2d50_nl:tsm r2d50_gta
    python -m benchmarks.speed --peers peers --batch 8 --models slowfast50 slowfast50_nl:pyslowfast

What a step is in each way stands in `benchmarks.ways`. Each figure is the median over the steps;
"over" is the time over that of the first model, in the same way. The floor is the time of the first
model and what the arithmetic of the blocks takes at the rate at which this device multiplied two
large matrices (see `benchmarks.floor`). On a GPU each row says too what its kernels take, which is
the card's, and what the host needs to issue them (see `benchmarks.timing`). Peak memory is that of
the steps; of a recorded one, that of recording it too. "plain" takes the blocks' plain way, the
equations as they stand; "tsm" and "pyslowfast" are those projects' own blocks (see
`benchmarks.peers`).

A data file that was begun with the same device, version and batch is gone on with.
"""

import argparse
import gc
import json
import platform
import statistics
from contextlib import nullcontext
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.floor import floor_ms, multiply_adds, multiply_rate
from benchmarks.output import write
from benchmarks.peers import FILES, with_peer
from benchmarks.timing import shares, times, warmed_up
from benchmarks.ways import WAYS, random_batch, recipe_of, step_of, warm_up
from gta.blocks.fused.parts import unfused
from gta.config import Recipe
from gta.runs import build_network

MODELS = ("r2d50", "r2d50_nl", "r2d50_dnl", "r2d50_gta", "r2d50_gta:plain")
CLASSES = 174


def network(
    name: str, device: torch.device, peers: Path = Path("peers")
) -> tuple[nn.Module, Recipe]:
    """A recipe's model as in mid-training, and the recipe; see `recipe_of`."""
    name, _, variant = name.partition(":")
    recipe = recipe_of(name)
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
    return model, recipe


def measure(
    name: str, way: str, *, batch: int, steps: int, device: torch.device, peers: Path
) -> dict[str, Any]:
    """Milliseconds of a step, what GPU and host need for it, clips a second and peak memory."""
    gc.collect()  # graphs of the row before, and their memory
    model, recipe = network(name, device, peers)
    step = step_of(way, model, recipe, random_batch(recipe, batch, CLASSES, device))
    cuda, recorded = device.type == "cuda", way.endswith("captured")
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    with unfused() if name.endswith(":plain") else nullcontext():
        first = warmed_up(step, warm_up(way, device), device)
        if cuda and not recorded:
            torch.cuda.reset_peak_memory_stats()
        found = times(step, steps, device)
        gib = torch.cuda.max_memory_allocated() / 2**30 if cuda else None
        parts = shares(step, device)
    ms = statistics.median(found)
    return {
        **{"ms": ms, "least": min(found), "most": max(found)},
        **{"first_s": first[0], "warm_up_s": sum(first)},
        **{"clips_per_s": 1000 * batch / ms, "peak_gib": gib, **parts},
    }


def table(found: dict[str, Any]) -> str:
    """Markdown: a row for each model; beside the times the floor and the ratio to the first one.

    Of what was measured with the host's share, a row for each model and way.
    """
    results = found["results"]
    if any(one.get("kernels_ms") is not None for one in results.values()):
        return _long_table(found)
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


def _long_table(found: dict[str, Any]) -> str:
    first = next(iter(found["results"])).split(" | ")[0]
    lines = [
        "| model | way | ms | floor | over | GiB | kernels, ms | kernels | launches | host, ms "
        "| first step, s |",
        "| --- | --- |" + " ---: |" * 9,
    ]
    for key, one in found["results"].items():
        model, way = key.split(" | ")
        parts = (
            [f"{one['kernels_ms']:.1f}", one["kernels"], one["launches"], f"{one['host_ms']:.1f}"]
            if one.get("kernels_ms") is not None
            else [""] * 4
        )
        seconds = f"{one['first_s']:.1f}" if "first_s" in one else ""
        cells = [model, way, _cell(found, first, model, way), *parts, seconds]
        lines.append(f"| {' | '.join(map(str, cells))} |")
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
        "--models", nargs="+", default=MODELS, metavar="[DATA/]MODEL[:plain|tsm|pyslowfast]"
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
