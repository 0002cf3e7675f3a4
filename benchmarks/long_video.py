"""Timelines of long videos: whether changes are found where they are, and what memory does.

    python -m benchmarks long_video
    python -m benchmarks.long_video --hours 10 --out benchmarks/results/long_video.json

A small network learns from made clips whether a bar moves to the left or to the right: single
frames do not tell. A film in which the bar turns at random times (planted changes) is then cut up
by `Predictor.timeline`; and one of ten hours, with the memory of the process on the way.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch

import gta
from benchmarks.loader_memory import memory
from benchmarks.output import about, write
from gta.predict import Predictor
from gta.progress import Silent

RATE, SIDE, WINDOW = 15, 64, 2.0
LONG_WINDOW = 16.0
"""Of the film of many hours, whose changes are not looked for: there are fewer windows to score."""
NEAR = 0.5
"""Seconds within which a change counts as found."""
_PARTS = 20
"""Moments at which the memory is noted."""


def frames(turns: np.ndarray, seconds: float, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """A bar on a noisy ground, which turns round at these seconds: uint8 (SIDE, SIDE, 3)."""
    place, speed = rng.uniform(0, SIDE), rng.uniform(1.5, 4)
    ground, bar = rng.integers(20, 120, 3), rng.integers(160, 255, 3)
    width, way = int(rng.integers(5, 12)), 1
    for number in range(round(seconds * RATE)):
        way = 1 - 2 * (np.searchsorted(turns, number / RATE, side="right") % 2)
        image = ground + rng.integers(-15, 16, (SIDE, SIDE, 3))
        place += way * speed
        image[:, (int(place) + np.arange(width)) % SIDE] = bar
        yield image.clip(0, 255).astype(np.uint8)


def write_film(path: Path, images: Iterator[np.ndarray], repeats: int = 1) -> None:
    """H.264; its packets once more and once more, with later times, for a film of many hours."""
    packets = []
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=RATE, options={"preset": "ultrafast", "bf": "0"}
        )
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        count = 0
        for image in images:
            packets += stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24"))
            count += 1
        packets += stream.encode(None)
        tick = packets[0].time_base * RATE  # the times of the encoder are in frames
        assert tick == 1
        for turn in range(repeats):
            for packet in packets:
                copy = av.Packet(bytes(packet))
                copy.stream, copy.time_base = stream, packet.time_base
                copy.is_keyframe = packet.is_keyframe
                copy.pts = packet.pts + turn * count
                copy.dts = packet.dts + turn * count
                container.mux(copy)


def trained(folder: Path, *, clips: int, epochs: int) -> Predictor:
    """A network that has learned which way the bar moves."""
    rng = np.random.default_rng(0)
    for name, turns in (("right", np.empty(0)), ("left", np.zeros(1))):
        place = folder / "clips" / name
        place.mkdir(parents=True)
        for number in range(clips):
            write_film(place / f"{number}.mp4", frames(turns, WINDOW, rng))
    settings = {
        **{"clip.size": SIDE, "clip.resize": SIDE, "test.protocol": f"1x1-center{SIDE}"},
        **{"train.epochs": epochs, "augment.flip": "off", "data.cache_gb": 1, "data.workers": 0},
        **{"augment.scales": (1,), "train.checkpoint_minutes": 60},
    }
    run = gta.train(
        *("folder/tiny_gta", folder / "clips", folder / "run"), settings=settings, report=Silent()
    )
    return gta.load(run)


def found_changes(predictor: Predictor, folder: Path, changes: int) -> dict[str, Any]:
    """How far from each planted change the nearest end of a segment is."""
    rng = np.random.default_rng(1)
    distances, extra, seconds = [], 0, 0.0
    for number, count in enumerate([20] * (changes // 20) + [changes % 20] * (changes % 20 > 0)):
        turns = np.cumsum(rng.uniform(4, 12, size=count))
        path = folder / f"changes {number}.mp4"
        write_film(path, frames(turns, turns[-1] + 5, rng))
        began = time.perf_counter()
        timeline = predictor.timeline(path, window=WINDOW)
        seconds += time.perf_counter() - began
        ends = np.array([one.start for one in timeline.segments[1:]] or [-1e9])
        distances += [float(np.abs(ends - turn).min()) for turn in turns]
        extra += max(len(timeline.segments) - 1 - count, 0)
    near = sum(distance <= NEAR for distance in distances)
    return {
        "changes": changes,
        "near": near,
        "median_s": float(np.median(distances)),
        "p95_s": float(np.quantile(distances, 0.95)),
        "more_than_planted": extra,
        "seconds": seconds,
    }


def memory_curve(predictor: Predictor, folder: Path, hours: float) -> dict[str, Any]:
    """MiB of this process while a long film goes by."""
    rng = np.random.default_rng(2)
    path, minutes = folder / "long.mp4", 10
    repeats = max(1, round(hours * 60 / minutes))
    turns = np.cumsum(rng.uniform(4, 12, size=200))
    write_film(path, frames(turns, minutes * 60, rng), repeats)
    predictor.timeline(folder / "changes 0.mp4", window=WINDOW)  # what the libraries take once
    before, curve = memory(os.getpid()), []

    def note(done: float, whole: float | None) -> None:
        if done >= (len(curve) + 0.2) * repeats * minutes * 60 / _PARTS:
            curve.append({"hours": done / 3600, "mib": memory(os.getpid())})
            print(f"{done / 3600:6.2f} h  {curve[-1]['mib']:.0f} MiB", flush=True)

    began = time.perf_counter()
    timeline = predictor.timeline(path, window=LONG_WINDOW, progress=note)
    seconds = time.perf_counter() - began
    return {
        "hours": timeline.duration / 3600,
        "segments": len(timeline.segments),
        "before_mib": before,
        "curve": curve,
        "growth_mib": max(one["mib"] for one in curve) - before,
        "growth_on_the_way_mib": max(one["mib"] for one in curve) - curve[0]["mib"],
        "seconds": seconds,
    }


def table(found: dict[str, Any]) -> str:
    """Markdown: the changes, and the memory on the way."""
    changes, long = found["changes"], found["memory"]
    share = changes["near"] / changes["changes"]
    lines = [
        "| | |",
        "| --- | ---: |",
        f"| planted changes found within {NEAR:g} s | {changes['near']} of {changes['changes']} "
        f"({share:.1%}) |",
        f"| distance, median and 95 % | {changes['median_s']:.2f} s, {changes['p95_s']:.2f} s |",
        f"| changes that were not planted | {changes['more_than_planted']} |",
        f"| a film of {long['hours']:.1f} h: memory grows by | {long['growth_mib']:.0f} MiB |",
        f"| of that, after the first hundredth | {long['growth_on_the_way_mib']:.0f} MiB |",
        f"| its time | {long['seconds'] / 60:.1f} min |",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=10)
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--clips", type=int, default=200, help="of each class, for training")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        predictor = trained(folder, clips=given.clips, epochs=given.epochs)
        changes = found_changes(predictor, folder, given.changes)
        print(changes, flush=True)
        long = memory_curve(predictor, folder, given.hours)
    found = {**about("torch", "av"), "changes": changes, "memory": long}
    write(found, given.out)
    print(table(found))


if __name__ == "__main__":
    main()
