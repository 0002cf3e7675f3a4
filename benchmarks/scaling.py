"""Several GPUs beside one of them, at the same batch for each.

    torchrun --nproc-per-node 2 -m benchmarks.scaling --out scaling.json

A step is that of `benchmarks.speed`: bf16 autocast, forward, backward, fused SGD, on clips that are
already on the GPU. First each process steps alone, all at once; then the same step averages the
gradients over all of them, as `gta train` under torchrun does. "gain" is what the processes do
together over what one does alone: their number at best.
"""

import argparse
import statistics
from datetime import date
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from benchmarks.output import write
from benchmarks.speed import CLASSES, network, timed, training
from gta.training.processes import Processes, joined_processes

MODELS = ("r2d50", "r2d50_gta")


def measure(name: str, processes: Processes, *, batch: int, steps: int) -> dict[str, float]:
    """Milliseconds of a step alone and together, those of the slowest process."""
    device = processes.device
    model, shape = network(name, device)
    clips = torch.randn(batch, *shape, device=device)
    clips = clips.contiguous(memory_format=torch.channels_last_3d)
    labels = torch.arange(batch, device=device) % CLASSES
    slowest = {}
    for how in ("alone", "together"):
        forward = model if how == "alone" else DistributedDataParallel(model)
        dist.barrier()
        times, _ = timed(training(model, forward, clips, labels), steps, device)
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
            "results": {
                name: measure(name, processes, batch=given.batch, steps=given.steps)
                for name in given.models
            },
        }
        if processes.is_main:
            print(table(found))
            write(found, given.out)


if __name__ == "__main__":
    main()
