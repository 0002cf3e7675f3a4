"""Processes that make copies, and end with the process that started them."""

import json
import shutil
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from errno import EDQUOT, ENOSPC
from multiprocessing import get_context
from pathlib import Path

import torch

from gta.children import end_with_parent
from gta.data.formats.prepared import WORK
from gta.data.prepare.copies import write_copy
from gta.data.prepare.journal import Entry, stamp
from gta.data.prepare.options import Options
from gta.data.prepare.plan import Job
from gta.errors import VideoError

FULL = (ENOSPC, EDQUOT)
"""Error numbers of a full disk."""
CRASHES = "the process that decodes it is killed: it crashes the decoder, or needs too much memory"
_AHEAD = 4
"""Videos that wait for each process."""
_NOW = "now.json"
"""The file that tells which original is being copied in the caller's own process."""
_LEAST_FREE = 2**20
"""Bytes of a disk below which it counts as full."""


class DiskFull(Exception):
    """No more copies fit."""


def copied(
    jobs: Sequence[Job],
    folder: Path,
    options: Options,
    workers: int,
    crashed: str | None = None,
) -> Iterator[tuple[Job, Entry]]:
    """Copies originals, in any order.

    A file that crashes the decoder takes its process with it. Those that were being copied are then
    tried again, each in a process of its own: what crashes that too is put on record, and the rest
    goes on. With one worker, which is the caller's own process, it is the next call that does so.

    Args:
        jobs: The originals.
        folder: Of the copies.
        options: How they are made.
        workers: Processes; 1: the caller's own.
        crashed: The name of the original at which the call before this one was killed.

    Raises:
        DiskFull: The disk of `folder` is full.
    """
    left = deque(jobs)
    for job in [job for job in jobs if job.name == crashed]:
        left.remove(job)
        yield job, _copied_apart(job, folder, options)
    if workers == 1:
        while left:
            with at_work(folder, left[0].name):
                entry = _copy(left[0], folder, options)
            yield left.popleft(), entry
    while left:
        running = dict[Future[Entry], Job]()
        try:
            yield from _pooled(left, running, folder, options, workers)
        except BrokenProcessPool:
            for job in running.values():
                yield job, _copied_apart(job, folder, options)


def _pooled(
    left: deque[Job],
    running: dict[Future[Entry], Job],
    folder: Path,
    options: Options,
    workers: int,
) -> Iterator[tuple[Job, Entry]]:
    """Copies what is `left`; `running` are those that a process has been given and not given back.

    Raises:
        BrokenProcessPool: A process was killed.
    """
    pool = _processes(workers)
    try:
        while left or running:
            while left and len(running) < workers * _AHEAD:
                job = left.popleft()
                running[pool.submit(_copy, job, folder, options)] = job
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                entry = future.result()
                yield running.pop(future), entry
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _copied_apart(job: Job, folder: Path, options: Options) -> Entry:
    with _processes(1) as pool:
        try:
            return pool.submit(_copy, job, folder, options).result()
        except BrokenProcessPool:
            return Entry(stamp(job.source), None, CRASHES)


def _processes(count: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_start)


@contextmanager
def at_work(folder: Path, name: str) -> Iterator[None]:
    """Notes which original this process is at, for the call after a crash."""
    note = folder / WORK / _NOW
    note.write_text(json.dumps(name), encoding="utf-8")  # ASCII: names need not be UTF-8
    try:
        yield
    except Exception:
        note.unlink(missing_ok=True)
        raise
    note.unlink(missing_ok=True)  # whoever is killed leaves it


def left_behind(folder: Path) -> str | None:
    """The original at which a call before this one ended, with whatever ended it."""
    note = folder / WORK / _NOW
    try:
        return json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _copy(job: Job, folder: Path, options: Options) -> Entry:
    before = stamp(job.source)  # before: a file that changes meanwhile is copied again
    try:
        return Entry(before, write_copy(job.source, folder / job.place, options))
    except VideoError as error:
        if shutil.disk_usage(folder).free < _LEAST_FREE:  # some writers lose the end in silence
            raise DiskFull from None
        return Entry(before, None, error.reason)
    except Exception as error:  # FFmpeg's and Pillow's writers raise types of their own
        if getattr(error, "errno", None) in FULL:
            raise DiskFull from None
        return Entry(before, None, f"cannot be copied: {error or type(error).__name__}")


def _start() -> None:
    """In a new process: no thread of torch's, no Ctrl-C, no life without the parent."""
    torch.set_num_threads(1)
    end_with_parent()
