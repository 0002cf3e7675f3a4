"""Several runs at once on each of several devices, within a time."""

import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from multiprocessing import get_context
from queue import Empty
from typing import Any, Protocol

import torch

from experiments.logs import Log, Say, run_id
from experiments.results import Result
from experiments.sizes import cost, num_gflops, what_with
from gta.config import Model

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


@dataclass
class _Worker:
    process: Any
    jobs: Any
    """A queue."""
    job: AnyJob | None = None
    """What it is at."""


def run_jobs(
    jobs: Sequence[AnyJob],
    limits: Limits,
    done: Callable[[Result], None],
    setups: Mapping[str, Setup],
    log: Log,
    *,
    say: Callable[[str], object] = print,
) -> int:
    """Runs the jobs; how many have failed. `done` is told of each one that has not.

    Args:
        jobs: In the order in which they are begun.
        limits: How much may be used.
        done: Takes the record of a finished run.
        setups: For each of the devices.
        log: Is told how each run goes.
        say: Takes errors.

    Raises:
        RuntimeError: All training processes have died.
    """
    began, context = time.monotonic(), get_context("spawn")
    messages = context.Queue()
    workers = list[_Worker]()
    count = min(limits.jobs * len(limits.devices), len(jobs))
    for number, name in enumerate(islice(cycle(limits.devices), count)):
        mine = context.Queue()
        about = (setups[name], name, number, mine, messages)
        workers.append(_Worker(context.Process(target=_work, args=about, daemon=True), mine))
        workers[-1].process.start()
    left, failed = list(jobs), 0
    lately = deque[float](maxlen=count)  # seconds for a GFLOP, of the latest runs

    def take(number: int, message: dict[str, Any]) -> None:
        nonlocal failed
        job = workers[number].job
        assert job is not None
        name = run_id(job.identity())
        if "said" in message:
            log(name, message["said"])
            return
        workers[number].job = None
        if "error" in message:
            failed += 1
            log(name, "fails")
            say(f"failed: {message['error']}")
            return
        log(name, f"ends: top-1 {message['top1']}, {message['elapsed']} s")
        lately.append(message["elapsed"] / num_gflops(job))
        done(message)

    def take_all(seconds: float) -> None:
        for number, message in _waiting(messages, seconds):
            take(number, message)

    while left or any(worker.job for worker in workers):
        if limits.seconds is not None:
            room = limits.seconds - (time.monotonic() - began)
            if room <= 0:
                break
            if lately:  # before, nothing is known, and to count would keep the devices waiting
                left = [job for job in left if 1.1 * max(lately) * num_gflops(job) < room]
        for worker in workers:
            if left and worker.job is None and worker.process.is_alive():
                worker.job = left.pop(0)
                worker.jobs.put(worker.job)
        dead = [worker for worker in workers if not worker.process.is_alive()]
        take_all(_LOOK)
        for worker in dead:
            if worker.job is not None:  # it has not told of its end before its own
                failed += 1
                log(run_id(worker.job.identity()), "fails")
                say(f"a training process has died (exit code {worker.process.exitcode})")
                worker.job = None
        if left and len(dead) == len(workers):
            raise RuntimeError("all training processes have died; see above")
    take_all(0)
    for worker in workers:
        worker.process.kill()
        worker.process.join()
    return failed


def _waiting(messages: Any, seconds: float) -> Iterator[tuple[int, dict[str, Any]]]:
    """What is in the queue; the first message is waited for."""
    try:
        yield messages.get(timeout=seconds)
        while True:
            yield messages.get_nowait()
    except Empty:
        return


def _work(setup: Setup, device_name: str, number: int, jobs: Any, messages: Any) -> None:
    """A training process: runs what it is given until it is killed."""
    torch.set_num_threads(1)
    torch.backends.cudnn.benchmark = True  # a run has few shapes, and thousands of steps of each
    device = torch.device(device_name)
    if device.type == "cuda":
        torch.cuda.set_device(device)  # also for streams and graphs, which name none
    run = setup(device)

    def say(words: str) -> None:
        messages.put((number, {"said": words}))

    while True:
        job = jobs.get()
        began = time.monotonic()
        say(f"begins on {device_name}")
        try:
            found = run(job, say)
        except Exception:  # the other runs go on; this one is missing, and its error is told
            messages.put((number, {"error": traceback.format_exc()}))
            if device.type == "cuda":
                torch.cuda.synchronize()  # after an error of the device this process is of no use
            continue
        elapsed = round(time.monotonic() - began, 1)
        about = {"run": job.identity(), "elapsed": elapsed, **what_with(device), **cost(job)}
        messages.put((number, about | found))
