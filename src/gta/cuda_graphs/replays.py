"""A function of tensors that is replayed as CUDA graphs if possible."""

from collections.abc import Callable

import torch
from torch import Tensor

from gta.cuda_graphs.captured import WARM_UP, CannotCaptureError, capture, on
from gta.cuda_graphs.observed import observed
from gta.errors import first_line


class Replays:
    """A function of tensors that is replayed as CUDA graphs if possible.

    The first calls with arguments of a shape are eager; then that shape is recorded, and its later
    calls are replays. All calls have their effect. A function that cannot be recorded stays eager,
    and `say` gets the reason; the failed recording changes no tensor of the function.

    Args:
        function: A function of tensors on the device that returns a tensor.
        device: A GPU.
        say: Takes a line of text.
        most: Graphs at a time, one for each repeated shape of the arguments.
        gather: Returns the values of all processes, which call this together and record the same
            calls of one shape, or none.
        alone: Whether there is only one process.
    """

    def __init__(
        self,
        function: Callable[..., Tensor],
        device: torch.device,
        say: Callable[[str], None],
        gather: Callable[[object], list] = lambda value: [value],
        *,
        most: int = 3,
        alone: bool = True,
    ):
        self.function, self.device, self.say = function, device, say
        self.most, self.gather, self.alone = most, gather, alone
        self.stream, self.copies = torch.cuda.Stream(device), torch.cuda.Stream(device)
        self.refused: str | None = None
        self.forget()

    def forget(self) -> None:
        """Drops all graphs, because the function has changed."""
        self.graphs: dict[object, _Graph] = {}
        self.met: dict[object, int] = {}
        self.calls = 0
        self.pool = torch.cuda.graph_pool_handle()  # shared by all graphs, which never run at once

    def __call__(self, *arguments: Tensor) -> Tensor:
        """The function's result; arguments may be on the CPU."""
        if self.refused is not None:
            return self._eager(arguments)
        shape = tuple((tuple(a.shape), a.stride(), a.dtype) for a in arguments)
        graph = self.graphs.get(shape)
        if graph is not None:
            return graph(arguments)
        self.calls += 1
        met = self.met[shape] = self.met.get(shape, 0) + 1
        if not self.alone and self.graphs:  # another process may have a different shape
            return self._eager(arguments)
        if (met if self.alone else self.calls) == WARM_UP:
            return self._observed(arguments)
        if self._is_ready(met):
            return self._recorded(shape, arguments)
        return self._eager(arguments)

    def _is_ready(self, met: int) -> bool:
        if self.alone:
            return met > WARM_UP and len(self.graphs) < self.most
        return self.calls > WARM_UP and all(self.gather(met > WARM_UP))

    def _eager(self, arguments: tuple[Tensor, ...]) -> Tensor:
        moved = [argument.to(self.device, non_blocking=True) for argument in arguments]
        if self.refused is not None or self.graphs:
            return self.function(*moved)
        with on(self.stream):
            return self.function(*moved)

    def _observed(self, arguments: tuple[Tensor, ...]) -> Tensor:
        """A call that shows whether the function looks at tensors or draws numbers on the CPU."""
        with observed() as reasons:
            result = self._eager(arguments)
        self._agree(reasons[0] if reasons else None)
        return result

    def _recorded(self, shape: object, arguments: tuple[Tensor, ...]) -> Tensor:
        graph, reason = None, None
        try:
            graph = _Graph(self, arguments)
        except (CannotCaptureError, torch.OutOfMemoryError) as error:
            reason = first_line(error)
        if self._agree(reason) or graph is None:
            graph = None  # it holds memory
            return self._eager(arguments)
        if not self.graphs:
            self.say("from now on a step is one CUDA graph, replayed (train.cuda_graphs)")
        self.graphs[shape] = graph
        return graph(arguments)

    def _agree(self, reason: str | None) -> bool:
        """Whether a process has a reason not to record; reports the reason."""
        reason = next((each for each in self.gather(reason) if each is not None), None)
        if reason is not None:
            self.forget()
            self.refused = reason
            self.say(f"the step cannot be a CUDA graph ({reason}); it goes on without")
        return reason is not None


class _Graph:
    """A recorded call, and the tensors that it reads."""

    def __init__(self, owner: Replays, arguments: tuple[Tensor, ...]):
        self.copies, self.function = owner.copies, owner.function
        self.arguments = [torch.empty_like(a, device=owner.device) for a in arguments]
        # buffers for the arguments of the next call while this call is computed
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
        """Copies an argument to the device while the previous call is computed."""
        if number not in self.next:
            self.next[number] = torch.empty_like(self.arguments[number])
            self.copies.wait_stream(current)  # which may still use that memory
        with torch.cuda.stream(self.copies):
            self.copies.wait_event(self.taken)
            self.next[number].copy_(argument, non_blocking=True)
        current.wait_stream(self.copies)
        return self.next[number]
