"""Measures how long a clip takes in each network of the tables, alone on the device.

python -m experiments.times               all that are missing from results/times.jsonl

Inference on batches of 64 clips in bfloat16, the step recorded as one CUDA graph, so that what is
measured is the device and not Python. Milliseconds are the median over 30 batches, divided by 64.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from experiments.results import TIMES_FILE, append_result, by_key, key, read_results
from experiments.settings import Job
from experiments.sizes import commit, what_with
from experiments.tables import EXPERIMENTS
from experiments.training import recorded

BATCH, REPEATS = 64, 30


def job_key(job: Job) -> str:
    """Of what the time depends on: the network, the frames and their size."""
    return key(timed(job))


def timed(job: Job) -> dict:
    """What the time depends on, as JSON has it."""
    settings = job.settings
    return {
        "model": job.model.model_dump(mode="json"),
        "join": settings.join,
        "clip": [settings.num_frames, settings.crop, settings.crop],
    }


def milliseconds(job: Job, device: torch.device, batch: int = BATCH) -> float:
    """Of one clip."""
    model = job.network().to(device).eval()
    for norm in model.modules():
        if isinstance(norm, torch.nn.BatchNorm3d):  # not as an untrained block's, which is zero
            torch.nn.init.ones_(norm.weight)
    settings = job.settings
    clips = torch.randn(batch, 3, settings.num_frames, settings.crop, settings.crop, device=device)

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            model(clips)

    with torch.inference_mode():
        step()  # outside of the graph: kernels are chosen and compiled
        advance = recorded(step) if device.type == "cuda" else step
        times = [_one(advance, device) for _ in range(REPEATS)]
    return 1000 * statistics.median(times) / batch


def _one(step: Callable[[], None], device: torch.device) -> float:
    began = time.perf_counter()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="experiments; all if left out")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--commit", help="of the code, where git cannot tell")
    parser.add_argument("--results", type=Path, default=TIMES_FILE)
    given = parser.parse_args()
    device = torch.device(given.device)
    torch.backends.cudnn.benchmark = True
    done = set(by_key(read_results(given.results)))
    for name in given.names or EXPERIMENTS:
        for row, job in EXPERIMENTS[name].jobs(1):
            if job_key(job) in done:
                continue
            done.add(job_key(job))
            ms = milliseconds(job, device)
            print(f"{name}, {row.label}: {ms:.3f} ms", flush=True)
            about = {"run": timed(job), "ms": round(ms, 5), **what_with(device)}
            append_result({**about, "commit": given.commit or commit()}, given.results)


if __name__ == "__main__":
    main()
