"""Functions of tensors on a GPU, recorded once as CUDA graphs and replayed.

A replay is one launch: the GPU does not wait for Python to issue thousands of small ones. What is
recorded are kernels and addresses, so a function may depend on nothing but the contents of tensors
that stay where they are, and may not look at them.
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
"""Calls that are taken as they are before one is recorded: kernels are chosen, memory is taken."""
_ROOM = 0.1
"""Share of the GPU's memory that must be free beside the graphs: to score, for other shapes."""


class CannotCaptureError(RuntimeError):
    """A function cannot be recorded; the message says why."""


def captured(step: Callable[[], None]) -> Callable[[], None]:
    """A step as a CUDA graph, after three that are taken as they are: the first of the run."""
    side = torch.cuda.Stream()
    with on(side):
        for _ in range(WARM_UP):
            step()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        step()
    kept = graph, step  # the graph reads what the step refers to, where it lies
    return lambda: kept[0].replay()


def capture(
    function: Callable[[], Tensor], stream: torch.cuda.Stream, pool: Any
) -> tuple[torch.cuda.CUDAGraph, Tensor]:
    """A function as a CUDA graph, and where its result will be after each replay.

    Recording computes nothing. After an error the stream, the generator of random numbers and the
    memory allocator are as before, which torch by itself does not see to.

    Raises:
        CannotCaptureError: Something in it cannot be recorded, or little memory is left.
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
            except Exception as error:  # leaving the block raises another
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
            f"little for scoring; a smaller train.batch_size leaves more"
        )
    return graph, result


def _recover(device: int, pool: Any, drawn: Tensor) -> None:
    """Ends what an invalid recording leaves begun."""
    try:
        torch._C._cuda_endAllocateToPool(device, pool)
    except RuntimeError:
        pass  # it was ended
    else:
        torch._C._cuda_releasePool(device, pool)
    fresh = torch.Generator(torch.device("cuda", device))
    fresh.set_state(drawn)
    # the state in use may take itself for one that is recorded, and then draws nothing any more
    torch.cuda.default_generators[device].graphsafe_set_state(fresh)


@contextmanager
def on(side: torch.cuda.Stream) -> Iterator[None]:
    """Work on another stream: after what is under way, and before what follows."""
    side.wait_stream(torch.cuda.current_stream())
    try:
        with torch.cuda.stream(side):
            yield
    finally:
        torch.cuda.current_stream().wait_stream(side)


def _reason(error: Exception) -> str:
    """The first line of an error, and where it was raised, torch left aside."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f for f in frames if "/torch/" not in Path(f.filename).as_posix()]
    place = f" in {Path(places[-1].filename).name}, line {places[-1].lineno}" if places else ""
    return first_line(error) + place
