"""Processes that make copies, and end with the one that started them."""

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from errno import EDQUOT, ENOSPC
from multiprocessing import get_context
from pathlib import Path

import torch

from gta.children import end_with_parent
from gta.data.prepare.copies import write_copy
from gta.data.prepare.journal import Entry, stamp
from gta.data.prepare.options import Options
from gta.data.prepare.plan import Job
from gta.errors import UsageError, VideoError

FULL = (ENOSPC, EDQUOT)
"""Error numbers of a full disk."""
_AHEAD = 4
"""Videos that wait for each process."""


class DiskFull(Exception):
    """No more copies fit."""


def copied(
    jobs: Sequence[Job], folder: Path, options: Options, workers: int
) -> Iterator[tuple[Job, Entry]]:
    """Copies originals, in any order.

    Raises:
        DiskFull: The disk of `folder` is full.
        UsageError: A process was killed.
    """
    if workers == 1:
        yield from ((job, _copy(job, folder, options)) for job in jobs)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start) as pool:
        left, running = iter(jobs), dict[Future[Entry], Job]()
        try:
            while True:
                for job in left:
                    running[pool.submit(_copy, job, folder, options)] = job
                    if len(running) >= workers * _AHEAD:
                        break
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running[future], future.result()
                    del running[future]
        except BrokenProcessPool as error:
            names = ", ".join(job.name for job in running.values())
            raise UsageError(
                f"A process was killed, most often because the memory is full; --workers "
                f"{max(1, workers // 2)} needs less. The same command goes on. It was at one of "
                f"{names}."
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _copy(job: Job, folder: Path, options: Options) -> Entry:
    before = stamp(job.source)  # before: a file that changes meanwhile is copied again
    try:
        return Entry(before, write_copy(job.source, folder / job.place, options))
    except VideoError as error:
        return Entry(before, None, error.reason)
    except Exception as error:  # FFmpeg's and Pillow's writers raise types of their own
        if getattr(error, "errno", None) in FULL:
            raise DiskFull from None
        return Entry(before, None, f"cannot be copied: {error or type(error).__name__}")


def _start() -> None:
    """In a new process: no thread of torch's, no Ctrl-C, no life without the parent."""
    torch.set_num_threads(1)
    end_with_parent()
