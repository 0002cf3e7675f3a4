"""Several runs at once on one device, within a time."""

import subprocess
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path
from queue import Empty
from typing import Any, Protocol

import torch
from pydantic import TypeAdapter

from experiments.clips import Clips, load
from experiments.ensembles import write_scores
from experiments.joins import rejoin
from experiments.logs import Log, Say, run_id
from experiments.results import Result, key
from experiments.scoring import run
from experiments.settings import Job
from experiments.training import KEYS
from experiments.weights import write_weights
from gta.config import Model
from gta.cost import count_cost
from gta.models import build

_LOOK = 0.5  # seconds between looks at the clock


@dataclass(frozen=True)
class Limits:
    """How much may be used."""

    jobs: int = 4
    """Training processes on each device."""
    seconds: float | None = None
    """No run is begun that would probably end later; what is left then is stopped."""
    devices: tuple[str, ...] = ("cuda:0",)


class AnyJob(Protocol):
    """A job of `ordered` or of real clips."""

    settings: Any

    @property
    def model(self) -> Model: ...

    @property
    def num_clips(self) -> int: ...

    def identity(self) -> dict[str, Any]: ...


Runner = Callable[[Any, Say], Result]
"""Runs one job, and says how it goes; its figures."""
Setup = Callable[[torch.device], Runner]
"""Makes the runner of a training process, in it."""


def run_jobs(
    jobs: Sequence[AnyJob],
    limits: Limits,
    done: Callable[[Result], None],
    setups: Mapping[str, Setup],
    log: Log,
    *,
    say: Callable[[str], object] = print,
) -> int:
    """Runs the jobs; how many were finished. `done` is told of each one.

    Args:
        jobs: In the order in which they are begun.
        limits: How much may be used.
        done: Takes the record of a finished run.
        setups: For each of the devices.
        log: Is told how each run goes.
        say: Takes errors.
    """
    began, count = time.monotonic(), min(limits.jobs * len(limits.devices), len(jobs))
    context = get_context("spawn")
    waiting, finished = context.Queue(), context.Queue()
    processes = [
        context.Process(target=_work, args=(setups[name], name, waiting, finished), daemon=True)
        for name in islice(cycle(limits.devices), count)
    ]
    for process in processes:
        process.start()
    sizes = {key(job.identity()): work(job) for job in jobs}
    left, running, ended = list(jobs), 0, 0
    lately = deque[float](maxlen=count)  # seconds for a GFLOP, of the latest runs
    while left or running:
        now = time.monotonic() - began
        if limits.seconds is not None:
            if now > limits.seconds:
                break
            # the quickest of them: those that also compile say little of the next ones
            room = (limits.seconds - now) / (1.1 * min(lately, default=1e-9))
            left = [job for job in left if sizes[key(job.identity())] < room]
        while left and running < count:
            waiting.put(left.pop(0))
            running += 1
        try:
            result = finished.get(timeout=_LOOK)
        except Empty:
            if not any(process.is_alive() for process in processes):
                raise RuntimeError("all training processes have died; see above") from None
            continue
        if "said" in result:
            log(result["run_id"], result["said"])
            continue
        running -= 1
        if "error" in result:
            say(f"failed: {result['error']}")
            continue
        ended += 1
        lately.append(result["elapsed"] / sizes[key(result["run"])])
        done(result)
    for process in processes:
        process.kill()
        process.join()
    return ended


def _work(setup: Setup, device_name: str, waiting: Any, finished: Any) -> None:
    """A training process: runs what it is given until it is killed."""
    torch.set_num_threads(1)
    torch.backends.cudnn.benchmark = True  # a run has few shapes, and thousands of steps of each
    device = torch.device(device_name)
    if device.type == "cuda":
        torch.cuda.set_device(device)  # also for streams and graphs, which name none
    run = setup(device)
    while True:
        job = waiting.get()
        name, began = run_id(job.identity()), time.monotonic()

        def say(words: str, name: str = name) -> None:
            finished.put({"run_id": name, "said": words})

        say(f"begins on {device_name}")
        try:
            found = run(job, say)
        except Exception:  # the other runs go on; this one is missing, and its error is told
            finished.put({"error": traceback.format_exc()})
            continue
        elapsed = round(time.monotonic() - began, 1)
        say(f"ends: top-1 {found['top1']}, {elapsed} s")
        about = {"run": job.identity(), "elapsed": elapsed, **what_with(device), **cost(job)}
        finished.put(about | found)


def ordered_clips(
    paths: dict[str, Path], devices: Sequence[str]
) -> dict[str, tuple[Clips, Clips, Clips]]:
    """The three renderings on each device, which all its training processes read: 19 GB once."""
    train, val, longer = (
        load(paths[part], len(KEYS), torch.device(devices[0]))
        for part in ("train", "val", "longer")
    )
    return {name: (train.to(name), val.to(name), longer.to(name)) for name in devices}


def ordered_setups(
    clips: Mapping[str, tuple[Clips, Clips, Clips]], work: Path, *, compiled: bool
) -> dict[str, Setup]:
    """For runs on clips of `ordered`."""
    return {name: partial(ordered_runner, mine, work, compiled) for name, mine in clips.items()}


def ordered_runner(
    clips: tuple[Clips, Clips, Clips], work: Path, compiled: bool, _: torch.device
) -> Runner:
    """Runs on clips of `ordered`; leaves scores and weights in the work folder."""

    def finish(job: Job, say: Say) -> Result:
        found, probabilities, model = run(job, *clips, say, compiled=compiled)
        write_scores(job, probabilities, work)
        write_weights(job, model, work)
        return found

    return finish


def what_with(device: torch.device) -> dict[str, Any]:
    """The day, and what was run on."""
    hardware = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    return {"date": date.today().isoformat(), "torch": torch.__version__, "hardware": hardware}


def cost(job: AnyJob) -> dict[str, float]:
    """Of one clip."""
    settings = job.settings
    about = job.model.model_dump_json()
    return _cost(about, settings.join, settings.num_frames, settings.crop)


@cache
def _cost(about: str, join: str, num_frames: int, crop: int) -> dict[str, float]:
    model = TypeAdapter[Model](Model).validate_json(about)
    found = count_cost(
        lambda: rejoin(build(model, num_classes=len(KEYS), num_frames=num_frames), join),
        (3, num_frames, crop, crop),
    )
    return {"gflops": round(found.gflops, 3), "params_m": round(found.params_m, 3)}


def work(job: AnyJob) -> float:
    """GFLOPs of the forward passes of its training."""
    return cost(job)["gflops"] * job.num_clips


def commit() -> str:
    """Of the code, where git knows it."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    try:
        told = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True)
    except OSError:
        return "unknown"
    return told.stdout.strip() or "unknown"
