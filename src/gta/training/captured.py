"""Functions of tensors on a GPU, recorded once as CUDA graphs and replayed.

A replay is one launch: the GPU does not wait for Python to issue thousands of small ones. What is
recorded are kernels and addresses, so a function may depend on nothing but the contents of tensors
that stay where they are, and may not look at them.
"""

import gc
import random
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

WARM_UP = 3
"""Calls that are taken as they are before one is recorded: kernels are chosen, memory is taken."""
_MOST = 3
"""Graphs: one for each shape of the arguments that comes again and again."""
_ROOM = 0.1
"""Share of the GPU's memory that must be free beside the graphs: to score, for other shapes."""
_MAY_WAIT = "torch/nn/modules/_functions.py"
"""Synchronised normalisation waits, but not while a graph is recorded."""


class CannotCaptureError(RuntimeError):
    """A function cannot be recorded; the message says why."""


def captured(step: Callable[[], None]) -> Callable[[], None]:
    """A step as a CUDA graph, after three that are taken as they are: the first of the run."""
    side = torch.cuda.Stream()
    with _on(side):
        for _ in range(WARM_UP):
            step()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        step()
    kept = graph, step  # the graph reads what the step refers to, where it lies
    return lambda: kept[0].replay()


class Replays:
    """A function of tensors that is replayed as CUDA graphs where it can be.

    The first calls with arguments of a shape run as they are; then that shape is recorded, and from
    then on its calls are replays. All of them count. What cannot be recorded goes on as it is, and
    `say` is told why; nothing that the function works on has changed then.

    Args:
        function: Of tensors on the device; its result is a tensor too.
        device: A GPU.
        say: Takes a line of text.
        gather: Of a value, those of all processes that call this together; they record the same
            calls or none, of one shape.
        alone: Whether there is only one process.
    """

    def __init__(
        self,
        function: Callable[..., Tensor],
        device: torch.device,
        say: Callable[[str], None],
        gather: Callable[[object], list] = lambda value: [value],
        *,
        alone: bool = True,
    ):
        self.function, self.device, self.say = function, device, say
        self.gather, self.alone = gather, alone
        self.stream, self.copies = torch.cuda.Stream(device), torch.cuda.Stream(device)
        self.refused: str | None = None
        self.forget()

    def forget(self) -> None:
        """Drops all graphs: the function has become another."""
        self.graphs: dict[object, _Graph] = {}
        self.met: dict[object, int] = {}
        self.calls = 0
        self.pool = torch.cuda.graph_pool_handle()  # of all graphs: they never run at once

    def __call__(self, *arguments: Tensor) -> Tensor:
        """The function's result; arguments may be on the CPU."""
        if self.refused is not None:
            return self._as_it_is(arguments)
        shape = tuple((tuple(a.shape), a.stride(), a.dtype) for a in arguments)
        graph = self.graphs.get(shape)
        if graph is not None:
            return graph(arguments)
        self.calls += 1
        met = self.met[shape] = self.met.get(shape, 0) + 1
        if not self.alone and self.graphs:  # only this process may have met another shape
            return self._as_it_is(arguments)
        if (met if self.alone else self.calls) == WARM_UP:
            return self._observed(arguments)
        if self._is_ready(met):
            return self._recorded(shape, arguments)
        return self._as_it_is(arguments)

    def _is_ready(self, met: int) -> bool:
        if self.alone:
            return met > WARM_UP and len(self.graphs) < _MOST
        return self.calls > WARM_UP and all(self.gather(met > WARM_UP))

    def _as_it_is(self, arguments: tuple[Tensor, ...]) -> Tensor:
        moved = [argument.to(self.device, non_blocking=True) for argument in arguments]
        if self.refused is not None or self.graphs:
            return self.function(*moved)
        with _on(self.stream):
            return self.function(*moved)

    def _observed(self, arguments: tuple[Tensor, ...]) -> Tensor:
        """A call that shows whether the function looks at tensors or draws numbers on the CPU."""
        before = _drawn()
        with _waits_noted() as found:
            result = self._as_it_is(arguments)
        if not found and _drawn() != before:
            found.append("it draws random numbers on the CPU")
        self._agree(found[0] if found else None)
        return result

    def _recorded(self, shape: object, arguments: tuple[Tensor, ...]) -> Tensor:
        graph, reason = None, None
        try:
            graph = _Graph(self, arguments)
        except (CannotCaptureError, torch.OutOfMemoryError) as error:
            reason = _first_line(error)
        if self._agree(reason) or graph is None:
            return self._as_it_is(arguments)
        if not self.graphs:
            self.say("from now on a step is one CUDA graph, replayed (train.cuda_graphs)")
        self.graphs[shape] = graph
        return graph(arguments)

    def _agree(self, reason: str | None) -> bool:
        """Whether a process has a reason not to record, which is said."""
        reason = next((found for found in self.gather(reason) if found is not None), None)
        if reason is not None:
            self.forget()
            self.refused = reason
            self.say(f"the step cannot be a CUDA graph ({reason}); it goes on without")
        return reason is not None


class _Graph:
    """One recorded call, and the tensors it reads."""

    def __init__(self, owner: Replays, arguments: tuple[Tensor, ...]):
        self.copies, self.function = owner.copies, owner.function
        self.arguments = [torch.empty_like(a, device=owner.device) for a in arguments]
        # where arguments of the next call wait while this one is computed
        self.next: dict[int, Tensor] = {}
        self.taken = torch.cuda.Event()
        for ours, argument in zip(self.arguments, arguments, strict=True):
            ours.copy_(argument)
        self.graph, self.result = capture(
            lambda: self.function(*self.arguments), owner.stream, owner.pool
        )

    def __call__(self, arguments: tuple[Tensor, ...]) -> Tensor:
        current = torch.cuda.current_stream()
        for number, (ours, argument) in enumerate(zip(self.arguments, arguments, strict=True)):
            ours.copy_(self._sent(number, argument, current) if argument.is_cpu else argument)
        self.taken.record(current)
        self.graph.replay()
        return self.result.clone()

    def _sent(self, number: int, argument: Tensor, current: torch.cuda.Stream) -> Tensor:
        """An argument on its way to the device while the call before this one is computed."""
        if number not in self.next:
            self.next[number] = torch.empty_like(self.arguments[number])
            self.copies.wait_stream(current)  # which may still use that memory
        with torch.cuda.stream(self.copies):
            self.copies.wait_event(self.taken)
            self.next[number].copy_(argument, non_blocking=True)
        current.wait_stream(self.copies)
        return self.next[number]


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
def _on(side: torch.cuda.Stream) -> Iterator[None]:
    """Work on another stream: after what is under way, and before what follows."""
    side.wait_stream(torch.cuda.current_stream())
    try:
        with torch.cuda.stream(side):
            yield
    finally:
        torch.cuda.current_stream().wait_stream(side)


@contextmanager
def _waits_noted() -> Iterator[list[str]]:
    """A list that will hold where the CPU waited for a tensor of the GPU, at the end of the block.

    Other warnings are passed on.
    """
    found: list[str] = []
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            yield found
    finally:
        torch.cuda.set_sync_debug_mode(before)
    for one in seen:
        if "synchronizing CUDA operation" not in str(one.message):
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
        elif not Path(one.filename).as_posix().endswith(_MAY_WAIT):
            place = f"{Path(one.filename).name}, line {one.lineno}"
            found.append(f"it waits for a value of the GPU in {place}")


def _drawn() -> tuple[bytes, object, bytes]:
    """The states of generators on the CPU, to be compared."""
    of_numpy = np.random.get_state(legacy=False)
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), repr(of_numpy).encode()


def _reason(error: Exception) -> str:
    """The first line of an error, and where it was raised, torch left aside."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f for f in frames if "/torch/" not in Path(f.filename).as_posix()]
    place = f" in {Path(places[-1].filename).name}, line {places[-1].lineno}" if places else ""
    return _first_line(error) + place


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
