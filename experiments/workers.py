"""Parallel runs on several devices, within a time limit."""

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

_LOOK = 0.5  # seconds between checks of the clock
_PATIENCE = 10  # seconds that a process has to end


@dataclass(frozen=True)
class Limits:
    """The limits of devices and time."""

    jobs: int = 4
    """Training processes on each device."""
    seconds: float | None = None
    """No run is started that would probably end later; runs are stopped then."""
    devices: tuple[str, ...] = ("cuda:0",)


class AnyJob(Protocol):
    """A job on `ordered` or on real clips."""

    settings: Any

    @property
    def model(self) -> Model: ...

    @property
    def num_clips(self) -> int: ...

    def identity(self) -> dict[str, Any]: ...


Runner = Callable[[Any, Say], Result]
"""Runs a job with messages; returns its record."""
Setup = Callable[[torch.device], Runner]
"""Makes the runner of a training process, within that process."""


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    """Its own pipe, so that a process that dies within a message does not block others."""
    job: AnyJob | None = None
    """The job that it runs."""
    has_begun: bool = False
    """Whether it has reported its start."""
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
    """Runs the jobs and returns the number of failures.

    Args:
        jobs: The jobs, in the order of their start.
        limits: The limits of devices and time.
        done: Takes the record of a finished run.
        setups: The setup of each device.
        log: Takes the messages of each run.
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
        worker.process.join(_PATIENCE)  # its exit code arrives a little later
        worker.is_lost, job, worker.job = True, worker.job, None
        say(f"a training process has died (exit code {worker.process.exitcode})")
        if job is not None and worker.has_begun:
            failed += 1
            log(run_id(job.identity()), "fails")
        elif job is not None:
            left.insert(0, job)  # for another process

    def hear(seconds: float) -> bool:
        pipes = {worker.pipe: worker for worker in workers if not worker.is_lost}
        ready = set(wait(list(pipes), seconds))
        for pipe, worker in pipes.items():
            if pipe in ready:
                try:
                    message = worker.pipe.recv()
                except (EOFError, OSError):  # its end is closed: the process has died
                    lose(worker)
                    continue
                take(worker, message)
            elif worker.process.exitcode is not None and not worker.pipe.poll():
                lose(worker)  # its children may live and hold its end of the pipe
        return bool(ready)

    while left or any(worker.job for worker in workers):
        if limits.seconds is not None:
            room = limits.seconds - (time.monotonic() - began)
            if room <= 0:
                break
            if lately:  # before the first result, time cannot be estimated
                left = [job for job in left if 1.1 * max(lately) * num_gflops(job) < room]
        for worker in workers:
            if left and worker.job is None and not worker.is_lost:
                worker.job = left.pop(0)
                with suppress(OSError):  # its death is detected below
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
    there.close()  # the process holds its own end: the pipe closes with it
    return _Worker(process, here)


def _work(setup: Setup, device_name: str, pipe: Connection) -> None:
    """A training process: runs jobs until it is killed."""
    torch.set_num_threads(1)
    torch.backends.cudnn.benchmark = True  # a run has few shapes, and thousands of steps of each
    device = torch.device(device_name)
    if device.type == "cuda":
        torch.cuda.set_device(device)  # also for streams and graphs without a device
    run = setup(device)

    def say(words: str) -> None:
        pipe.send({"said": words})

    while True:
        try:
            job = pipe.recv()
        except EOFError:  # the main process has been killed
            return
        began = time.monotonic()
        say(f"begins on {device_name}")
        try:
            about = {"run": job.identity(), **run(job, say)}
            elapsed = round(time.monotonic() - began, 1)
            pipe.send({**about, "elapsed": elapsed, **what_with(device), **cost(job)})
        except Exception:  # other runs continue; this error is reported
            pipe.send({"error": traceback.format_exc()})
            if device.type == "cuda":
                torch.cuda.synchronize()  # raises if the device has failed
