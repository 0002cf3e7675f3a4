"""Several GPUs beside one of them, at the same batch for each.

    torchrun --nproc-per-node 2 -m benchmarks.scaling --out scaling.json

A step is that of `gta train` on clips that are already there, "captured" as a CUDA graph or "eager"
as Python issues it. First each process steps alone, all at once; then the same step averages the
gradients over all of them, as under torchrun. "gain" is what the processes do together over what
one does alone: their number at best. Communication is what NCCL's kernels take; what of it is not
hidden behind other kernels is what a step takes longer than alone.
"""

import argparse
import gc
import statistics
from datetime import date
from itertools import product as product_of
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from benchmarks.output import write
from benchmarks.speed import CLASSES, network
from benchmarks.timing import shares, timed
from benchmarks.ways import product, random_batch, warm_up
from gta.training.processes import Processes, joined_processes

MODELS = ("r2d50", "r2d50_gta", "slowfast50_gta")
WAYS = ("captured", "eager")


def measure(
    name: str, way: str, processes: Processes, *, batch: int, steps: int, compiled: bool
) -> dict[str, Any]:
    """Milliseconds of a step alone and together, those of the slowest process."""
    device, slowest, parts = processes.device, {}, {}
    for how in ("alone", "together"):
        gc.collect()  # graphs of the measurement before, and their memory
        torch.compiler.reset()
        model, recipe = network(name, device)
        some = random_batch(recipe, batch, CLASSES, device)
        group = processes if how == "together" else Processes(device)
        captured = way == "captured"
        step = product(model, recipe, some, group, compiled=compiled, captured=captured)
        dist.barrier()
        times, _ = timed(step, steps, device, warm_up=warm_up(way, device))
        slowest[how] = max(processes.gather(statistics.median(times)))
        parts = shares(step, device)  # of the last one, together
    gain = processes.world_size * slowest["alone"] / slowest["together"]
    return {"alone_ms": slowest["alone"], "together_ms": slowest["together"], "gain": gain, **parts}


def table(found: dict[str, Any]) -> str:
    """Markdown: a row for each model and way."""
    lines = [
        f"| model | way | one, ms | {found['processes']} together, ms | gain | kernels, ms "
        "| of them communication | not hidden | host, ms |",
        "| --- | --- |" + " ---: |" * 7,
    ]
    for key, row in found["results"].items():
        model, way = key.split(" | ")
        alone, together = row["alone_ms"], row["together_ms"]
        cells = [model, way, f"{alone:.1f}", f"{together:.1f}", f"{row['gain']:.2f}"]
        if row.get("kernels_ms") is None:
            cells += ["", "", f"{together - alone:.1f}", ""]
        else:
            cells += [f"{row['kernels_ms']:.1f}", f"{row['communication_ms']:.1f}"]
            cells += [f"{together - alone:.1f}", f"{row['host_ms']:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measures the models one after the other; the first process prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--models", nargs="+", default=MODELS, metavar="NAME")
    parser.add_argument("--ways", nargs="+", default=WAYS, choices=WAYS)
    parser.add_argument(
        "--batch", type=int, help="for each process; 32 clips if left out, of SlowFast 8"
    )
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--compile", action="store_true", help="train.compile")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with joined_processes(given.device) as processes:
        if processes.world_size == 1:
            parser.error("one process has nobody to average with; use torchrun --nproc-per-node 2")
        cuda = processes.device.type == "cuda"
        found: dict[str, Any] = {
            "date": date.today().isoformat(),
            "torch": torch.__version__,
            "device": torch.cuda.get_device_name(processes.device) if cuda else "CPU",
            "processes": processes.world_size,
            "compiled": given.compile,
            "results": {},
        }
        for name, way in product_of(given.models, given.ways):
            batch = given.batch or (8 if name.startswith("slowfast") else 32)
            told = {"batch": batch, "steps": given.steps, "compiled": given.compile}
            found["results"][f"{name} | {way}"] = measure(name, way, processes, **told)
            if processes.is_main:
                print(name, way, found["results"][f"{name} | {way}"], flush=True)
                write(found, given.out)
        if processes.is_main:
            print(table(found))


if __name__ == "__main__":
    main()
