"""How many videos a second a core reads: decoding, decoding with the transform, the whole loader.

    python -m benchmarks.loader --out benchmarks/results/loader.json

The videos are made here (`benchmarks.clips`). Eight frames of each are read, a random one of each
eighth of the video; where its frames are is found out anew, as in a data set too large to remember.
"A core" is the time for which a process computes, not that of the clock, since others may use the
machine. Ways of reading take turns; of each video the shortest time of each way counts, of the
loader the best epoch.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from torch import Tensor

from benchmarks.clips import write_clips
from benchmarks.output import about, write
from gta.cores import available_cores
from gta.data.dataset import TrainingClips
from gta.data.decode import read_frames
from gta.data.decode.index import forget, index
from gta.data.loader import EpochOrder, training_loader
from gta.data.records import Video, VideoList
from gta.data.sampling import Sampling
from gta.data.transforms.augment import Augmentation
from gta.data.transforms.clip import TrainTransform

NUM_FRAMES, SIZE = 8, 224
RESIZE = {"ssv2": (240, 320), "k400": None}
JITTER = {"ssv2": None, "k400": (256, 340)}
AUGMENTATIONS: dict[str, dict[str, Any]] = {
    "transform": {},
    "RandAugment [2, 9]": {"rand_augment": (2, 9)},
    "colour jitter 0.4": {"color_jitter": 0.4},
    "erasing 0.25": {"erase": 0.25},
}
WORKERS = (1, 2)
ALL, ALONE, WITH = "all frames, nothing else", "decode", "decode, transform"


def each_time(read: Callable[[Path, int], Any], paths: Sequence[Path]) -> list[float]:
    """Seconds of computing for each video."""
    moments = [time.process_time()]
    for number, path in enumerate(paths):
        read(path, number)
        moments.append(time.process_time())
    return [after - before for before, after in pairwise(moments)]


def decode_all(path: Path, _: int) -> None:
    """The floor: PyAV decodes the file from start to end; no frame is converted or kept."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for _frame in container.decode(stream):
            pass


def decode(path: Path, number: int) -> Tensor:
    """The eight frames, RGB."""
    forget()
    rng = np.random.default_rng(number)
    return read_frames(path, lambda n: Sampling("segments")(n, NUM_FRAMES, rng=rng))


def decode_transform(transform: TrainTransform, path: Path, number: int) -> Tensor:
    """The clip that the network gets, uint8."""
    rng = np.random.default_rng([number, 1])
    return transform(decode(path, number), rng, flip=number % 2 == 0)


def make_transform(kind: str, **augmentation: Any) -> TrainTransform:
    return TrainTransform(
        size=SIZE,
        resize=RESIZE[kind],
        scale_jitter=JITTER[kind],
        augmentation=Augmentation(**augmentation),
    )


def one_core(kind: str, paths: list[Path], turns: int) -> dict[str, float]:
    """Videos a second of computing, each way."""
    torch.set_num_threads(1)
    ways: dict[str, Callable[[Path, int], Any]] = {ALL: decode_all, ALONE: decode}
    for name, options in AUGMENTATIONS.items():
        label = f"{WITH}, {name}" if options else WITH
        ways[label] = partial(decode_transform, make_transform(kind, **options))
    times: dict[str, list[list[float]]] = {name: [] for name in ways}
    for read in ways.values():
        each_time(read, paths[:2])
    for _ in range(turns):
        for name, read in ways.items():
            times[name].append(each_time(read, paths))
    return {name: len(paths) / float(np.min(found, axis=0).sum()) for name, found in times.items()}


def make_loader(kind: str, paths: list[Path], workers: int, *, batch_size: int, repeats: int):
    """The loader of a training on `repeats` times these videos."""
    videos = [Video(f"{i}", path, 0) for i, path in enumerate(paths * repeats)]
    clips = TrainingClips(
        VideoList(videos, ["a"]),
        num_frames=NUM_FRAMES,
        transform=make_transform(kind),
        flip="skip",
        seed=0,
    )
    return training_loader(clips, batch_size=batch_size, seed=0, workers=workers)


def whole_loader(kind: str, paths: list[Path], workers: int, turns: int) -> dict[str, float]:
    """Videos a second by the clock and by the computing of all processes, in the best epochs."""
    loader = make_loader(kind, paths, workers, batch_size=8, repeats=2)
    pids, order = list[int | None](), loader.batch_sampler
    assert isinstance(order, EpochOrder)
    for _batch in loader:  # the workers start, and stay
        pids = [process.pid for process in torch.multiprocessing.active_children()]
    clock, computed = list[float](), list[float]()
    for epoch in range(1, turns + 1):
        order.epoch = epoch
        before, began = computing(pids), time.perf_counter()
        count = sum(len(batch.labels) for batch in loader)
        clock.append(count / (time.perf_counter() - began))
        computed.append(count / (computing(pids) - before))
    return {"clock": max(clock), "computing": max(computed)}


def computing(pids: Sequence[int | None]) -> float:
    """Seconds that processes have computed, this one and others."""
    total = time.process_time()
    for pid in pids:
        user, system = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
        total += (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return total


def measure(folder: Path, *, count: int, turns: int) -> dict[str, Any]:
    """Everything, for both kinds of videos."""
    found: dict[str, Any] = {}
    for kind in ("ssv2", "k400"):
        number = count if kind == "ssv2" else max(count // 3, 1)
        paths = write_clips(folder / kind, kind, number)
        rates = one_core(kind, paths, turns)
        print(kind, {name: round(rate, 1) for name, rate in rates.items()}, flush=True)
        loaders = {str(workers): whole_loader(kind, paths, workers, turns) for workers in WORKERS}
        print(kind, loaders, flush=True)
        found[kind] = {
            "videos": number,
            "kilobytes": round(statistics.mean(path.stat().st_size for path in paths) / 1000),
            "frames": round(statistics.mean(index(path).num_frames for path in paths)),
            "one_core": rates,
            "workers": loaders,
        }
    return found


def table(found: dict[str, Any]) -> str:
    """Markdown: a row for each way, videos a second and the ratio to decoding alone."""
    kinds = found["results"]
    heads = " | ".join(f"{kind}, videos/s | over decode" for kind in kinds)
    lines = [f"| one core | {heads} |", "| --- |" + " ---: | ---: |" * len(kinds)]
    for way in next(iter(kinds.values()))["one_core"]:
        rates = [(one["one_core"][way], one["one_core"][ALONE]) for one in kinds.values()]
        cells = " | ".join(f"{rate:.1f} | {rate / alone:.2f}" for rate, alone in rates)
        lines.append(f"| {way} | {cells} |")
    for workers in WORKERS:
        rates = [
            (one["workers"][str(workers)]["computing"], one["one_core"][ALONE])
            for one in kinds.values()
        ]
        cells = " | ".join(f"{rate:.1f} | {rate / alone:.2f}" for rate, alone in rates)
        name = "1 worker" if workers == 1 else f"{workers} workers, each"
        lines.append(f"| the loader, {name} | {cells} |")
    return "\n".join(lines)


def main() -> None:
    """Writes the videos, measures, prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=24, help="videos; a third of them long ones")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Path(folder), count=given.clips, turns=given.turns)
    found = {
        **about("torch", "torchvision", "av"),
        **{"cores": available_cores(), "results": results},
    }
    write(found, given.out)
    print(table(found))


if __name__ == "__main__":
    main()
