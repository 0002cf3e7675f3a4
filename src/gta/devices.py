"""Where numbers are computed, how exactly, and by how many threads."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from gta.errors import UsageError


def find_device(name: str) -> torch.device:
    """The device of a name; "auto" is the first GPU, or the CPU where there is none.

    Raises:
        UsageError: There is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        if device.type == "meta":
            raise RuntimeError("it holds shapes without numbers")
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().splitlines()[0].split(". ")[0]
        if reason.startswith(("Expected one of", "Invalid device string")):
            reason = "torch knows no such device"
        if name.startswith("cuda") and not torch.cuda.is_available():
            reason = "torch finds no GPU"
        raise UsageError(
            f"device {name!r} cannot be used here ({reason}); use auto, cpu, cuda or cuda:1"
        ) from error
    return device


def autocast(device: torch.device, enabled: bool = True) -> torch.autocast:
    """bf16 on a GPU, what `train.amp` asks for; elsewhere, and if not `enabled`, as it is."""
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled and device.type == "cuda")


@contextmanager
def full_precision() -> Iterator[None]:
    """Convolutions of float32 with all its bits: on a GPU they have ten of 23 by default (TF32)."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


@contextmanager
def beside_readers(device: torch.device) -> Iterator[None]:
    """One thread for torch while a GPU computes and processes that read have the cores.

    What is left for the CPU is small, such as joining clips to a batch; spread over threads it
    waits for the slowest, which waits for a core: with 16 processes on 16 cores four times as long
    as reading the videos took.
    """
    with one_thread(device.type != "cpu"):
        yield


@contextmanager
def one_thread(wanted: bool) -> Iterator[None]:
    """One thread for torch, if that is wanted: for work in pieces too small to be divided."""
    before = torch.get_num_threads()
    if wanted:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
