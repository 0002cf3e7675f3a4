"""Several GPUs beside one of them, at the same batch for each.

    torchrun --nproc-per-node 2 -m benchmarks.scaling --out scaling.json

A step is that of `gta train`, on a GPU as a CUDA graph, on clips that are already there. First each
process steps alone, all at once; then the same step averages the gradients over all of them, as
under torchrun. "gain" is what the processes do together over what one does alone: their number at
best.
"""

import argparse
import gc
import statistics
from datetime import date
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from benchmarks.output import write
from benchmarks.speed import CLASSES, network
from benchmarks.timing import timed
from benchmarks.ways import product, random_batch, warm_up
from gta.training.processes import Processes, joined_processes

MODELS = ("r2d50", "r2d50_gta")


def measure(
    name: str, processes: Processes, *, batch: int, steps: int, compiled: bool
) -> dict[str, float]:
    """Milliseconds of a step alone and together, those of the slowest process."""
    device, slowest = processes.device, {}
    for how in ("alone", "together"):
        gc.collect()  # graphs of the measurement before, and their memory
        torch.compiler.reset()
        model, recipe = network(name, device)
        some = random_batch(recipe, batch, CLASSES, device)
        group = processes if how == "together" else Processes(device)
        step = product(model, recipe, some, group, compiled=compiled)
        dist.barrier()
        times, _ = timed(step, steps, device, warm_up=warm_up("captured", device))
        slowest[how] = max(processes.gather(statistics.median(times)))
    gain = processes.world_size * slowest["alone"] / slowest["together"]
    return {"alone_ms": slowest["alone"], "together_ms": slowest["together"], "gain": gain}


def table(found: dict[str, Any]) -> str:
    """Markdown: a row for each model."""
    count = found["processes"]
    lines = [
        f"| model | one, ms | {count} together, ms | gain |",
        "| --- | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {name} | {one['alone_ms']:.1f} | {one['together_ms']:.1f} | {one['gain']:.2f} |"
        for name, one in found["results"].items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Measures the models one after the other; the first process prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--models", nargs="+", default=MODELS, metavar="NAME")
    parser.add_argument("--batch", type=int, default=32, help="for each process")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--compile", action="store_true", help="train.compile")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with joined_processes(given.device) as processes:
        if processes.world_size == 1:
            parser.error("one process has nobody to average with; use torchrun --nproc-per-node 2")
        cuda = processes.device.type == "cuda"
        found = {
            "date": date.today().isoformat(),
            "torch": torch.__version__,
            "device": torch.cuda.get_device_name(processes.device) if cuda else "CPU",
            "processes": processes.world_size,
            "batch": given.batch,
            "compiled": given.compile,
            "results": {
                name: measure(
                    *(name, processes),
                    batch=given.batch,
                    steps=given.steps,
                    compiled=given.compile,
                )
                for name in given.models
            },
        }
        if processes.is_main:
            print(table(found))
            write(found, given.out)


if __name__ == "__main__":
    main()
