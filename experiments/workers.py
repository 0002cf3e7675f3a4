"""Several runs at once on each of several devices, within a time."""

import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle, islice
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

import torch

from experiments.logs import Log, Say, run_id
from experiments.results import Result
from experiments.sizes import cost, num_gflops, what_with
from gta.config import Model

_LOOK = 0.5  # seconds between looks at the clock
_PATIENCE = 10  # seconds for a process to end


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
    pipe: Connection
    """Of its own: one that dies in the middle of a word keeps no other from being heard."""
    job: AnyJob | None = None
    """What it is at."""
    has_begun: bool = False
    """Whether it has said so."""
    is_lost: bool = False


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
    began, count = time.monotonic(), min(limits.jobs * len(limits.devices), len(jobs))
    workers = [_started(setups[name], name) for name in islice(cycle(limits.devices), count)]
    left, failed = list(jobs), 0
    lately = deque[float](maxlen=count)  # seconds for a GFLOP, of the latest runs

    def take(worker: _Worker, message: dict[str, Any]) -> None:
        nonlocal failed
        job = worker.job
        assert job is not None
        name = run_id(job.identity())
        if "said" in message:
            worker.has_begun = True
            log(name, message["said"])
            return
        worker.job, worker.has_begun = None, False
        if "error" in message:
            failed += 1
            log(name, "fails")
            say(f"failed: {message['error']}")
            return
        log(name, f"ends: top-1 {message['top1']}, {message['elapsed']} s")
        lately.append(message["elapsed"] / num_gflops(job))
        done(message)

    def lose(worker: _Worker) -> None:
        nonlocal failed
        worker.process.join(_PATIENCE)  # its exit code comes a little later
        worker.is_lost, job, worker.job = True, worker.job, None
        say(f"a training process has died (exit code {worker.process.exitcode})")
        if job is not None and worker.has_begun:
            failed += 1
            log(run_id(job.identity()), "fails")
        elif job is not None:
            left.insert(0, job)  # for another one

    def hear(seconds: float) -> bool:
        pipes = {worker.pipe: worker for worker in workers if not worker.is_lost}
        ready = set(wait(list(pipes), seconds))
        for pipe, worker in pipes.items():
            if pipe in ready:
                try:
                    message = worker.pipe.recv()
                except (EOFError, OSError):  # its end is closed: it has died
                    lose(worker)
                    continue
                take(worker, message)
            elif worker.process.exitcode is not None and not worker.pipe.poll():
                lose(worker)  # what it has started may live, and have its end of the pipe
        return bool(ready)

    while left or any(worker.job for worker in workers):
        if limits.seconds is not None:
            room = limits.seconds - (time.monotonic() - began)
            if room <= 0:
                break
            if lately:  # before, nothing is known, and to count would keep the devices waiting
                left = [job for job in left if 1.1 * max(lately) * num_gflops(job) < room]
        for worker in workers:
            if left and worker.job is None and not worker.is_lost:
                worker.job = left.pop(0)
                with suppress(OSError):  # that it has died is heard below
                    worker.pipe.send(worker.job)
        hear(_LOOK)
        if left and all(worker.is_lost for worker in workers):
            raise RuntimeError("all training processes have died; see above")
    while hear(0):
        pass
    for worker in workers:
        worker.process.kill()
    for worker in workers:
        worker.process.join(_PATIENCE)
    return failed


def _started(setup: Setup, device_name: str) -> _Worker:
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_work, args=(setup, device_name, there), daemon=True)
    process.start()
    there.close()  # the process has its own: when it ends, so does the pipe
    return _Worker(process, here)


def _work(setup: Setup, device_name: str, pipe: Connection) -> None:
    """A training process: runs what it is given until it is killed."""
    torch.set_num_threads(1)
    torch.backends.cudnn.benchmark = True  # a run has few shapes, and thousands of steps of each
    device = torch.device(device_name)
    if device.type == "cuda":
        torch.cuda.set_device(device)  # also for streams and graphs, which name none
    run = setup(device)

    def say(words: str) -> None:
        pipe.send({"said": words})

    while True:
        try:
            job = pipe.recv()
        except EOFError:  # the command itself has been killed
            return
        began = time.monotonic()
        say(f"begins on {device_name}")
        try:
            about = {"run": job.identity(), **run(job, say)}
            elapsed = round(time.monotonic() - began, 1)
            pipe.send({**about, "elapsed": elapsed, **what_with(device), **cost(job)})
        except Exception:  # the other runs go on; this one is missing, and its error is told
            pipe.send({"error": traceback.format_exc()})
            if device.type == "cuda":
                torch.cuda.synchronize()  # after an error of the device this process is of no use
