"""Memory that is used again from step to step, instead of being given back to the system."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""The C library's names of its settings (malloc.h)."""
_USUAL = 2**25
"""Bytes up to which glibc keeps memory at most, by itself: the greatest that it comes to."""
_BATCH = 2**26
"""Bytes of a piece that a process that reads still keeps: more than a usual batch of clips."""


def keep_memory() -> None:
    """From now on this process keeps memory that it frees, up to twice 64 MiB, for what comes next.

    For processes that read videos: a batch of clips is more than glibc keeps by itself, so that its
    pages were new each time, as were those of frames: a seventh of a clip's time. Pieces of more
    than 64 MiB, such as large frames, are given back as before.
    """
    _keeping(_BATCH, 2 * _BATCH)


@contextmanager
def memory_kept(device: torch.device) -> Iterator[None]:
    """While a CPU trains, memory of any size that is freed is kept for what comes next.

    glibc maps each piece of more than 32 MiB anew and gives it back when it is freed. The outputs
    of layers are often larger; the system then clears new pages for each of them in each step,
    which is a tenth of a small network's time and more on busy machines. Peak memory stays the
    same. Afterwards what is free is given back. Other C libraries, and GPUs, are left as they are.
    """
    libc = _keeping(2**30, 2**31 - 1) if device.type == "cpu" else None
    try:
        yield
    finally:
        if libc is not None:
            _keeping(_USUAL, 2 * _USUAL)
            libc.malloc_trim(0)


def _keeping(piece: int, rest: int) -> Any:
    """glibc, which keeps pieces of so many bytes and so much at the end of its heap; or None."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    # older ones refuse so much, and then nothing else may be set, or it would keep less
    if not hasattr(libc, "mallopt") or not libc.mallopt(_MMAP_THRESHOLD, piece):  # type: ignore
        return None
    assert libc is not None
    libc.mallopt(_TRIM_THRESHOLD, rest)
    return libc
