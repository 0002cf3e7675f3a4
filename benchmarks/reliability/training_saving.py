"""What saving takes from a training: the stall of a step, and the share of the time."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks.reliability.line import Line
from gta.config import Train
from gta.cores import available_cores
from gta.data.batch import Batch
from gta.files import write_atomically
from gta.recipes import find_recipe, read_recipe
from gta.runs import build_network
from gta.training.checkpoint import TrainState, state_of
from gta.training.keeping import Keeping
from gta.training.optimizer import make_optimizer
from gta.training.processes import Processes
from gta.training.recipe_step import make_step
from gta.training.stopping import Stop


def saving(
    device: torch.device, *, size: int, batch: int, steps: int, rounds: int = 5
) -> dict[str, float]:
    """Trains R2D-50 with GTA on one made-up batch, in turns without and with a save.

    Returns:
        Seconds: of a step, of the call that saves, of all steps under way while it is written
        beyond those without, from the call until the checkpoint is valid, of processor time that
        a save takes when nothing else runs, and of a save as the earlier build made it: one file,
        while the training stands still.
    """
    settings = [f"clip.size={size}", "clip.resize=null", f"train.batch_size={batch}"]
    recipe = read_recipe(find_recipe("ssv2", "r2d50_gta"), settings)
    torch.manual_seed(0)
    model = build_network(recipe, 174).to(device).train()
    optimizer, processes = make_optimizer(model, recipe.train), Processes(device)
    step = make_step(model, optimizer, recipe, 174, processes)
    shape = (batch, 3, recipe.clip.num_frames, size, size)
    clips = torch.randint(256, shape, dtype=torch.uint8)
    clips = clips.pin_memory() if device.type == "cuda" else clips
    sample = Batch(clips, torch.randint(174, (batch,)), torch.arange(batch), [])
    with tempfile.TemporaryDirectory() as folder:
        keeping = Keeping(
            *(Path(folder), model, optimizer, None, TrainState("videos"), processes),
            minutes=Train().checkpoint_minutes,
            keep=2,
            save_weights=lambda tensors, names, epoch: None,
            stop=Stop(),
        )
        number = 0

        def take(count: int) -> float:
            nonlocal number
            _wait(device)
            began = time.perf_counter()
            for _ in range(count):
                step(sample, 0, number % 1000, 1000)
                number += 1
            _wait(device)
            return (time.perf_counter() - began) / count

        take(6)  # the first ones are slower; on a GPU a graph is recorded
        keeping.save()
        keeping.finish()
        plain, calls, beside, whole = [], [], [], []
        for round_number in range(rounds):
            plain.append(take(steps))
            keeping.position.batch = round_number + 1
            _wait(device)
            began = time.perf_counter()
            keeping.save()
            _wait(device)
            calls.append(time.perf_counter() - began)
            beside.append(take(steps))
            keeping.finish()
            whole.append(time.perf_counter() - began)
        keeping.position.batch, began = rounds + 1, time.process_time()
        keeping.save()
        keeping.finish()
        computed = time.process_time() - began
        earlier = []
        for _ in range(rounds):
            _wait(device)
            began = time.perf_counter()
            _save_as_before(Path(folder), state_of(model, optimizer, keeping.position))
            earlier.append(time.perf_counter() - began)
        keeping.close()
    usual = statistics.median(plain)
    return {
        "step": usual,
        "stall": statistics.median(calls),
        "beside": max(0.0, statistics.median(beside) - usual) * steps,
        "valid": statistics.median(whole),
        "computed": computed,
        "earlier": statistics.median(earlier),
    }


def _save_as_before(folder: Path, state: dict[str, Any]) -> None:
    """The one file of before checkpoints were folders, with the flush that it had."""
    write_atomically(folder / "checkpoint.pt", lambda part: torch.save(state, part))


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def lines() -> Iterator[Line]:
    if torch.cuda.is_available():
        device, found = "GPU", saving(torch.device("cuda"), size=224, batch=32, steps=30)
    else:
        device, found = "CPU", saving(torch.device("cpu"), size=64, batch=1, steps=2, rounds=3)
    stall, step = found["stall"], found["step"]
    yield Line(
        4,
        f"the stall of a save (R2D-50 + SA + GTA, {device})",
        f"{1000 * stall:.0f} ms; a step takes {1000 * step:.0f} ms",
        "under one step",
        stall < step,
        timed=True,
    )
    interval = 60 * Train().checkpoint_minutes - found["valid"]  # as `Keeping.is_due` has it
    if device == "GPU":
        share = (stall + found["beside"]) / interval
    else:  # the network computes on all cores, and what saving computes they do not do
        share = found["computed"] / interval / available_cores()
    yield Line(
        4,
        f"the share of a training's time that saving takes ({device})",
        f"{share:.2%}, every {interval:.0f} s; valid {found['valid']:.1f} s after the step. The "
        f"earlier build's way, as often: {found['earlier'] / interval:.2%}, "
        f"{1000 * found['earlier']:.0f} ms of standing still",
        "1 %, and 30 s between a step and its checkpoint",
        share <= 0.01 and interval + found["valid"] + step <= 30,
        timed=True,
    )
