"""Memory of the training process and its loader processes over many clips.

    python -m benchmarks.loader_memory --clips 10000 --out benchmarks/results/loader_memory.json

Small videos are made here and read under as many names as there are clips, each one once. Memory is
what a process has for itself, in MiB: pages that it shares with others are left out.
"""

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks.clips import write_clips
from benchmarks.output import about, write
from gta.data.dataset import TrainingClips
from gta.data.loader import training_loader
from gta.data.records import Video, VideoList
from gta.data.transforms.clip import TrainTransform


def memory(pid: int | None) -> float:
    """MiB that a process has for itself: resident, not backed by a file."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
    return (sizes["Private_Dirty"] + sizes["Private_Clean"]) / 1024


def measure(folder: Path, *, clips: int, workers: int) -> list[dict[str, Any]]:
    """Memory after the first clips, a tenth of them, and all of them."""
    originals = write_clips(folder / "originals", "tiny", 50)
    links = folder / "links"
    links.mkdir()
    paths = []
    for number in range(clips):
        path = links / f"{number}{originals[0].suffix}"
        os.link(originals[number % len(originals)], path)
        paths.append(path)
    videos = VideoList([Video(path.name, path, 0) for path in paths], ["a"])
    transform = TrainTransform(size=112, resize=(120, 160))
    dataset = TrainingClips(videos, num_frames=8, transform=transform, flip="skip", seed=0)
    loader = training_loader(dataset, batch_size=10, seed=0, workers=workers)
    moments, found, read = {clips // 100, clips // 10, clips // 2, clips}, [], 0
    for batch in loader:
        read += len(batch.labels)
        if read in moments:
            children = torch.multiprocessing.active_children()
            found.append(
                {
                    "clips": read,
                    "parent_mib": memory(os.getpid()),
                    "workers_mib": [memory(child.pid) for child in children],
                }
            )
            print(found[-1], flush=True)
    return found


def table(found: dict[str, Any]) -> str:
    """Markdown: a row for each moment."""
    count = len(found["results"][0]["workers_mib"])
    heads = " | ".join(f"worker {i + 1}, MiB" for i in range(count))
    lines = [f"| clips | parent, MiB | {heads} |", "| ---: |" + " ---: |" * (count + 1)]
    for one in found["results"]:
        cells = [f"{value:.0f}" for value in (one["parent_mib"], *one["workers_mib"])]
        lines.append(f"| {one['clips']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Path(folder), clips=given.clips, workers=given.workers)
    found = {**about("torch"), "results": results}
    write(found, given.out)
    print(table(found))


if __name__ == "__main__":
    main()
