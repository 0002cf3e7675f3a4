"""Another number of processes: the same samples in their order, the same step but for sums."""

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import torch

from benchmarks.reliability.line import Line
from gta.data.batch import Batch
from gta.data.loader import EpochOrder
from gta.models import MODELS, build
from gta.recipes import find_recipe, read_recipe
from gta.training.optimizer import make_optimizer
from gta.training.processes import Processes, joined_processes
from gta.training.recipe_step import make_step

BATCH = 8
ROOT = Path(__file__).parents[2]


def stepped(processes: Processes) -> dict[str, torch.Tensor]:
    """The weights after one float64 step on this process's part of a batch.

    Batch normalisation has the statistics of before, as its own would be those of each part.
    """
    settings = [f"train.batch_size={BATCH}", "train.warmup_epochs=0", "train.lr=0.1"]
    recipe = read_recipe(find_recipe("ordered", "tiny_gta"), settings)
    torch.manual_seed(0)
    model = build(MODELS["tiny_gta"], num_classes=4, num_frames=4).double().eval()
    clips = torch.randn(BATCH, 3, 4, 32, 32, dtype=torch.float64)
    labels = torch.randint(4, (BATCH,))
    step = make_step(model, make_optimizer(model, recipe.train), recipe, 4, processes)
    share = BATCH // processes.world_size
    mine = slice(processes.rank * share, (processes.rank + 1) * share)
    step(Batch(clips[mine], labels[mine], torch.arange(share), []), 0, 0, 10)
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def difference(count: int) -> float:
    """The largest difference between the weights of so many processes and those of one."""
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
        *("--nproc-per-node", str(count), "-m", "benchmarks.reliability.training_processes"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def same_order(counts: tuple[int, ...] = (1, 2, 3, 4, 6, 12), videos: int = 100) -> bool:
    """Whether batches are the same, whatever number of processes share them."""
    found = []
    for count in counts:
        parts = [
            list(EpochOrder(videos, batch_size=12, seed=1, epoch=3, rank=rank, world_size=count))
            for rank in range(count)
        ]
        found.append([list(chain(*batch)) for batch in zip(*parts, strict=True)])
    return all(batches == found[0] for batches in found)


def lines() -> Iterator[Line]:
    largest, order = difference(2), same_order()
    yield Line(
        3,
        "two processes instead of one, a float64 step without batch statistics",
        f"{'same' if order else 'other'} order of samples; weights {largest:.0e} apart",
        "same order, 1e-10",
        order and largest <= 1e-10,
    )


def main() -> None:
    alone = stepped(Processes(torch.device("cpu")))
    with joined_processes("cpu") as processes:
        shared = stepped(processes)
        if processes.is_main:
            differences = [(shared[name] - value).abs().max() for name, value in alone.items()]
            print(json.dumps(float(torch.stack(differences).max())))


if __name__ == "__main__":
    main()
