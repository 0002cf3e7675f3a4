"""Detects what a CUDA graph of a function could not repeat."""

import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

_MAY_WAIT = "torch/nn/modules/_functions.py"
"""Synchronized normalization waits, but not during a recording."""


@contextmanager
def observed() -> Iterator[list[str]]:
    """A list that holds, after the block, the reasons why its work cannot be recorded."""
    before = _drawn()
    with _waits_noted() as waits:
        yield waits
    if not waits and _drawn() != before:
        waits.append("it draws random numbers on the CPU")


@contextmanager
def _waits_noted() -> Iterator[list[str]]:
    """A list that holds, after the block, where the CPU waited for a tensor of the GPU.

    Other warnings are passed on.
    """
    waits: list[str] = []
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        del seen[:]  # the warning that this is a prototype
        try:
            yield waits
        finally:
            torch.cuda.set_sync_debug_mode(before)
    for warning in seen:
        if "synchronizing CUDA operation" not in str(warning.message):
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
        elif not Path(warning.filename).as_posix().endswith(_MAY_WAIT):
            place = f"{Path(warning.filename).name}, line {warning.lineno}"
            waits.append(f"it waits for a value of the GPU in {place}")


def _drawn() -> tuple[bytes, object, bytes]:
    """The states of generators on the CPU, to be compared."""
    of_numpy = np.random.get_state(legacy=False)
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), repr(of_numpy).encode()
