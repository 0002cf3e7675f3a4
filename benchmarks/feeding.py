"""Does the loader feed the GPU? Training on prepared videos beside training on clips in memory.

    python -m benchmarks.feeding --out feeding.json
    torchrun --nproc-per-node 2 -m benchmarks.feeding --out feeding_2.json

Videos like those of Something-Something are made (`benchmarks.clips`) and rewritten as `gta
prepare` does; then the recipe's network is trained on them by what `gta train` uses: the loader,
its processes, the step. "Synthetic" repeats one batch that lies on the GPU. "The loader alone" is
read as fast as it comes, without a network. Clips a second by the clock, over whole epochs after
the first one; the best of them, and all of them in the data file. Under torchrun they are those of
all processes together, which share the cores of the machine.
"""

import argparse
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from benchmarks.clips import write_clip
from benchmarks.output import write
from benchmarks.ways import recipe_of
from gta.config import Recipe
from gta.cores import available_cores
from gta.data.batch import Batch
from gta.data.prepare import Options
from gta.data.prepare.copies import ENDINGS, write_copy
from gta.data.records import Video, VideoList
from gta.recipes import with_settings
from gta.runs import build_network
from gta.training.batches import video_batches
from gta.training.optimizer import make_optimizer
from gta.training.processes import Processes, joined_processes
from gta.training.recipe_step import make_step
from gta.training.source import Source
from gta.training.splits import Splits
from gta.training.step import Step
from gta.training.waiting import Waiting

CLASSES = 174


def write_prepared(folder: Path, options: Options, number: int) -> Path:
    """One video and its prepared copy; the copy."""
    torch.set_num_threads(1)
    source = write_clip(folder / f"{number}", "ssv2", seed=number)
    target = folder / f"prepared-{number}{ENDINGS[options.form]}"
    write_copy(source, target, options)
    return target


def prepared_videos(folder: Path, options: Options, count: int) -> list[Path]:
    """So many copies, made in parallel."""
    with ProcessPoolExecutor(available_cores(), mp_context=get_context("spawn")) as pool:
        return list(pool.map(partial(write_prepared, folder, options), range(count)))


def synthetic(step: Step, batch: Batch, steps: int) -> float:
    """Clips a second of all processes, each on one batch in its GPU's memory."""
    device = step.processes.device
    batch = batch._replace(clips=batch.clips.to(device), labels=batch.labels.to(device))
    for number in range(min(steps, 10)):
        step(batch, 0, number, steps)
    _wait(step.processes.device)
    began = time.perf_counter()
    for number in range(steps):
        step(batch, 0, number, steps)
    _wait(step.processes.device)
    return together(step.processes, steps * len(batch.labels), time.perf_counter() - began)


def together(processes: Processes, clips: int, seconds: float) -> float:
    """Clips a second of all processes: all their clips in the time of the slowest."""
    of_each = processes.gather((clips, seconds))
    return sum(clips for clips, _ in of_each) / max(seconds for _, seconds in of_each)


def fed(step: Step, source: Source, epochs: int) -> list[dict[str, float]]:
    """Of each epoch after the first: clips a second, and the share of its time spent waiting."""
    found = []
    for epoch in range(epochs):
        waiting, clips, began = Waiting(step.processes.device), 0, time.perf_counter()
        for number, batch in enumerate(waiting.batches(source.epoch(epoch))):
            step(batch, epoch, number, source.num_batches)
            clips += len(batch.labels)
        _wait(step.processes.device)
        seconds = time.perf_counter() - began
        rate = together(step.processes, clips, seconds)
        found.append({"clips_per_s": rate, "waited": waiting.seconds() / seconds})
    return found[1:]


def alone(source: Source, epochs: int, processes: Processes) -> float:
    """Clips a second that the loaders give to nobody, in the best epoch after the first."""
    rates = []
    for epoch in range(epochs):
        began = time.perf_counter()
        clips = sum(len(batch.labels) for batch in source.epoch(epoch))
        rates.append(together(processes, clips, time.perf_counter() - began))
    return max(rates[1:])


def measure(
    recipe: Recipe,
    videos: list[Path],
    processes: Processes,
    *,
    repeats: int,
    epochs: int,
    steps: int,
) -> dict[str, Any]:
    """All three, for as many workers as there are cores for each process."""
    device, workers = processes.device, max(available_cores() // processes.world_size, 1)
    listed = [Video(f"{i}", path, i % CLASSES) for i, path in enumerate(videos * repeats)]
    names = [f"class {i}" for i in range(CLASSES)]
    splits = Splits(VideoList(listed, names), VideoList(listed[:1], names))
    torch.manual_seed(0)
    model = build_network(recipe, CLASSES).to(device)
    optimizer = make_optimizer(model, recipe.train)
    step = make_step(model.train(), optimizer, recipe, CLASSES, processes, say=print)
    source = video_batches(splits, recipe, processes, workers)
    rate = alone(source, 3, processes)
    batch = next(source.epoch(0))
    ceiling = synthetic(step, batch, steps)
    trained = fed(step, source, epochs)
    best = max(one["clips_per_s"] for one in trained)
    return {
        **{"workers": workers, "videos": len(videos), "clips_an_epoch": len(listed)},
        **{"loader": rate, "synthetic": ceiling, "trained": best, "epochs": trained},
        "waited": min(one["waited"] for one in trained),
    }


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def table(found: dict[str, Any]) -> str:
    """Markdown: a row for each network."""
    lines = [
        "| network | synthetic, clips/s | prepared videos, clips/s | over | waited | "
        "the loader alone, clips/s |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, one in found["results"].items():
        share = one["trained"] / one["synthetic"]
        lines.append(
            f"| {name} | {one['synthetic']:.0f} | {one['trained']:.0f} | {share:.2f} | "
            f"{one['waited']:.1%} | {one['loader']:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Writes and prepares the videos, measures, prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--models", nargs="+", default=("r2d50_gta", "r2d50"))
    parser.add_argument("--videos", type=int, default=320)
    parser.add_argument("--repeats", type=int, default=8, help="of each video in an epoch")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--steps", type=int, default=60, help="on the batch that is repeated")
    parser.add_argument("--batch", type=int, help="for each process; the recipe's if left out")
    parser.add_argument("--compile", action="store_true", help="train.compile")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--form", default="video", choices=("video", "jpeg"))
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    options = Options(given.form, (240, 320), 1, None, False, 1000)
    with tempfile.TemporaryDirectory() as folder, joined_processes(given.device) as processes:
        folder = processes.gather(folder)[0]
        began = time.perf_counter()
        videos = prepared_videos(Path(folder), options, given.videos) if processes.is_main else []
        videos = processes.gather(videos)[0]
        cuda = processes.device.type == "cuda"
        found: dict[str, Any] = {
            **{"date": date.today().isoformat(), "torch": torch.__version__},
            **{"device": torch.cuda.get_device_name() if cuda else "cpu", "form": given.form},
            **{"processes": processes.world_size, "compiled": given.compile, "results": {}},
        }
        for name in given.models:
            settings = ["model.weights=none", f"train.compile={given.compile}"]
            recipe = with_settings(recipe_of(name), settings)
            batch = (given.batch or recipe.train.batch_size) * processes.world_size
            recipe = with_settings(recipe, [f"train.batch_size={batch}"])
            counts = {"repeats": given.repeats, "epochs": given.epochs, "steps": given.steps}
            found["results"][name] = measure(recipe, videos, processes, **counts)
            if processes.is_main:
                spent = time.perf_counter() - began
                print(name, f"({spent:.0f} s)", found["results"][name], flush=True)
                write(found, given.out)
        processes.gather(None)  # the others still read videos
        if processes.is_main:
            print(table(found))


if __name__ == "__main__":
    main()
