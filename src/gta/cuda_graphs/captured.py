"""Functions of tensors on a GPU, recorded once as CUDA graphs and replayed.

A replay is one launch: the GPU does not wait for Python to issue thousands of small kernels.
Kernels and addresses are recorded, so a function may depend only on the contents of tensors at
fixed addresses, and must not read their values on the CPU.
"""

import gc
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gta.errors import first_line

WARM_UP = 3
"""Eager calls before the recording: they choose kernels and allocate memory."""
_ROOM = 0.1
"""Share of the GPU's memory that must stay free, for scoring and other shapes."""


class CannotCaptureError(RuntimeError):
    """A function cannot be recorded; the message says why."""


def captured(step: Callable[[], None]) -> Callable[[], None]:
    """A step as a CUDA graph, after three eager steps, the first of the run."""
    side = torch.cuda.Stream()
    with on(side):
        for _ in range(WARM_UP):
            step()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        step()
    kept = graph, step  # the graph reads the tensors of the step at their addresses
    return lambda: kept[0].replay()


def capture(
    function: Callable[[], Tensor], stream: torch.cuda.Stream, pool: Any
) -> tuple[torch.cuda.CUDAGraph, Tensor]:
    """A function as a CUDA graph, and the tensor that holds its result after each replay.

    Recording computes nothing. After an error the stream, the random generator and the memory
    allocator are restored, which torch itself does not do.

    Raises:
        CannotCaptureError: A part of it cannot be recorded, or too little memory is left.
    """
    graph, before = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
    generator = torch.cuda.default_generators[stream.device_index]
    drawn = generator.get_state()
    first: Exception | None = None
    gc.collect()
    try:
        with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
            try:
                result = function()
            except Exception as error:  # leaving the block raises another error
                first = error
                raise
    except Exception as error:
        torch.cuda.set_stream(before)
        _recover(stream.device_index, pool, drawn)
        raise CannotCaptureError(_reason(first or error)) from error
    free, total = torch.cuda.mem_get_info(stream.device)
    if free < _ROOM * total:
        raise CannotCaptureError(
            f"of the GPU's {total / 2**30:.0f} GiB it would leave {free / 2**30:.1f} free, too "
            f"little for other work; a smaller batch leaves more"
        )
    return graph, result


def _recover(device: int, pool: Any, drawn: Tensor) -> None:
    """Ends an invalid recording."""
    try:
        torch._C._cuda_endAllocateToPool(device, pool)
    except RuntimeError:
        pass  # it had ended
    else:
        torch._C._cuda_releasePool(device, pool)
    fresh = torch.Generator(torch.device("cuda", device))
    fresh.set_state(drawn)
    # the generator's state may be marked as recorded, and would then draw nothing any more
    torch.cuda.default_generators[device].graphsafe_set_state(fresh)


@contextmanager
def on(side: torch.cuda.Stream) -> Iterator[None]:
    """Runs work on another stream, ordered after earlier and before later work."""
    side.wait_stream(torch.cuda.current_stream())
    try:
        with torch.cuda.stream(side):
            yield
    finally:
        torch.cuda.current_stream().wait_stream(side)


def _reason(error: Exception) -> str:
    """The first line of an error, and the line outside torch that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f for f in frames if "/torch/" not in Path(f.filename).as_posix()]
    place = f" in {Path(places[-1].filename).name}, line {places[-1].lineno}" if places else ""
    return first_line(error) + place
