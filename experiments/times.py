"""Measures the time per clip of each network of the tables, without other load on the device.

python -m experiments.times               all networks missing from results/times.jsonl
python -m experiments.times --device cpu  the same on one thread of the CPU
python -m experiments.times --again       all again: the picture has the fastest

On a GPU, inference has batches of 64 clips in bfloat16, recorded as one CUDA graph, so that the
device is measured and not Python; on a CPU, batches of 4 in float32. Clips are in memory as
`gta.data.transforms.clip.normalize` returns them, channels last. Milliseconds are those of the
fastest of 30 batches, least disturbed by other programs, divided by its size.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from experiments.results import TIMES_FILE, Result, append_result, by_key, key, read_results
from experiments.settings import Job
from experiments.sizes import commit, what_with
from experiments.tables import EXPERIMENTS
from gta.cuda_graphs.captured import captured
from gta.devices import autocast

BATCHES, ROUNDS = {"cuda": 64, "cpu": 4}, 30


def name_of(device: torch.device) -> str:
    """The name of the GPU, or of the CPU if the system knows it."""
    if device.type != "cpu":
        return what_with(device)["hardware"]
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def job_key(job: Job, hardware: str) -> str:
    """The key of a measurement: network, frames and their size, and device."""
    return key(timed(job, hardware))


def timed(job: Job, hardware: str) -> dict:
    """Everything on which the time depends, as JSON values; `hardware` is from `name_of`."""
    settings = job.settings
    return {
        "model": job.model.model_dump(mode="json"),
        "join": settings.join,
        "clip": [settings.num_frames, settings.crop, settings.crop],
        "on": hardware,
    }


def measured(times: Sequence[Result]) -> dict[str, list[float]]:
    """All measurements of each network on each device, in ms."""
    by_network = dict[str, list[float]]()
    for result in times:
        by_network.setdefault(key(result["run"]), []).append(result["ms"])
    return by_network


def times_apart(times: Sequence[Result]) -> float:
    """Largest spread of a network's measurements, as a share of their mean."""
    return max((max(ms) - min(ms)) / statistics.mean(ms) for ms in measured(times).values())


def milliseconds(jobs: Sequence[Job], device: torch.device) -> list[float]:
    """Milliseconds per clip of each network. They take turns, for equal conditions."""
    steps = [_ready(job, device) for job in jobs]
    times = [[_seconds(step, device) for step in steps] for _ in range(ROUNDS)]
    batch = BATCHES[device.type]
    return [1000 * min(column) / batch for column in zip(*times, strict=True)]


def _ready(job: Job, device: torch.device) -> Callable[[], None]:
    """A function that runs the network on a batch."""
    model = job.network().to(device).eval()
    for norm in model.modules():
        if isinstance(norm, torch.nn.BatchNorm3d):  # nonzero, unlike those of an untrained block
            torch.nn.init.ones_(norm.weight)
    settings, batch = job.settings, BATCHES[device.type]
    clips = torch.randn(batch, 3, settings.num_frames, settings.crop, settings.crop, device=device)
    clips = clips.to(memory_format=torch.channels_last_3d)

    @torch.inference_mode()
    def step() -> None:
        with autocast(device):
            model(clips)

    step()  # eager: chooses and compiles kernels
    return captured(step) if device.type == "cuda" else step


def _seconds(step: Callable[[], None], device: torch.device) -> float:
    began = time.perf_counter()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="experiments; default: all")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--again", action="store_true", help="also those in the file")
    parser.add_argument("--commit", help="commit of the code, if git does not know it")
    parser.add_argument("--results", type=Path, default=TIMES_FILE)
    given = parser.parse_args()
    device = torch.device(given.device)
    torch.backends.cudnn.benchmark = True
    torch.set_num_threads(1)
    hardware = name_of(device)
    done = set() if given.again else set(by_key(read_results(given.results)))
    for name in given.names or EXPERIMENTS:
        rows = {job_key(job, hardware): (row, job) for row, job in EXPERIMENTS[name].jobs(1)}
        missing = [rows[about] for about in rows if about not in done]
        done |= set(rows)
        times = milliseconds([job for _, job in missing], device)
        for (row, job), ms in zip(missing, times, strict=True):
            print(f"{name}, {row.label}: {ms:.3f} ms", flush=True)
            about = {"run": timed(job, hardware), "ms": round(ms, 5), **what_with(device)}
            about |= {"hardware": hardware, "device": device.type}
            append_result({**about, "commit": given.commit or commit()}, given.results)


if __name__ == "__main__":
    main()
