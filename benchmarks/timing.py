"""How long a step takes, how much of that is the GPU's work, and what the host needs to issue it.

A step is as long as the longer of two things: its kernels, which are the card's, and the time in
which Python launches them, which is the host's. With both, a figure of one host says what another
would reach.
"""

import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

_LAUNCHES = ("cudaLaunchKernel", "cuLaunchKernel", "cudaGraphLaunch", "cudaMemcpy", "cudaMemset")
"""Beginnings of the names of calls by which a host gives a GPU something to do."""


def timed(
    step: Callable[[], object], steps: int, device: torch.device, *, warm_up: int = 3
) -> tuple[list[float], float]:
    """Milliseconds of each step, and seconds of some before them, whose memory does not count."""
    seconds = warmed_up(step, warm_up, device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    return times(step, steps, device), sum(seconds)


def warmed_up(step: Callable[[], object], count: int, device: torch.device) -> list[float]:
    """Seconds of each of the first steps: kernels are chosen and compiled, memory is taken."""
    return [_seconds(step, device) for _ in range(count)]


def times(step: Callable[[], object], steps: int, device: torch.device) -> list[float]:
    """Milliseconds of each step; on a GPU by its own clock, without waiting between them."""
    if device.type != "cuda":
        moments = [time.perf_counter()]
        for _ in range(steps):
            step()
            moments.append(time.perf_counter())
        return [1000 * (b - a) for a, b in pairwise(moments)]
    events = [torch.cuda.Event(enable_timing=True) for _ in range(steps + 1)]
    events[0].record()
    for event in events[1:]:
        step()
        event.record()
    torch.cuda.synchronize()
    return [a.elapsed_time(b) for a, b in pairwise(events)]


def shares(step: Callable[[], object], device: torch.device, *, steps: int = 5) -> dict[str, Any]:
    """What the GPU and what the host need for a step; nothing on a CPU.

    Returns:
        `kernels_ms`: all kernels and copies, as if one followed the other without a gap;
        `communication_ms`: those of them that are NCCL's; `kernels`: their number; `launches`:
        calls by which the host starts them, which for a graph are few; `host_ms`: Python's call of
        a step, begun with an idle GPU and not waited for.
    """
    if device.type != "cuda":
        return dict.fromkeys(("kernels_ms", "communication_ms", "kernels", "launches", "host_ms"))
    host = []
    for _ in range(steps):
        torch.cuda.synchronize()
        began = time.perf_counter()
        step()
        host.append(1000 * (time.perf_counter() - began))
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen:
        for _ in range(steps):
            step()
        torch.cuda.synchronize()
    events = [event for event in seen.events() if not getattr(event, "is_user_annotation", False)]
    work = [event for event in events if event.device_type == DeviceType.CUDA]
    launches = [event for event in events if event.name.startswith(_LAUNCHES)]
    took = [(event.name, event.time_range.elapsed_us() / 1000 / steps) for event in work]
    return {
        "kernels_ms": sum(ms for _, ms in took),
        "communication_ms": sum(ms for name, ms in took if name.startswith("nccl")),
        "kernels": round(len(work) / steps),
        "launches": round(len(launches) / steps),
        "host_ms": statistics.median(host),
    }


def _seconds(step: Callable[[], object], device: torch.device) -> float:
    began = time.perf_counter()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began
