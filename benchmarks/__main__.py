"""All benchmarks, one after the other, and the pages that show them.

    python -m benchmarks --list
    python -m benchmarks                        # what this machine can run
    python -m benchmarks speed slowfast --peers peers

Each runs in a process of its own and writes its data file in benchmarks/results; a speed file that
was begun with the same card and version is gone on with, so delete it to measure all anew. Then the
tables and pictures of the pages are written. What needs a GPU is left out where there is none, and
so are the rows of other projects without `--peers`, a folder of clones (see `benchmarks.peers`),
and the column of an earlier version without `--earlier`, a checkout of it (see `benchmarks.cpu`).
`own_videos` needs `--videos`, a folder per class (see `benchmarks.own_videos`).
"""

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

import torch

from benchmarks.tables import RESULTS, ROOT, write_pages

SPEED = "r2d50 r2d50_gta r2d50_nl r2d50_nl:tsm r2d50_dnl r2d50_gta:plain"
SLOWFAST = "slowfast50 slowfast50_gta slowfast50_nl:pyslowfast"
EAGER = "eager inference 'folded inference'"
ON_GPU: dict[str, list[str]] = {
    "speed": [f"speed --models {SPEED} --ways {EAGER} --out {RESULTS}/h200.json"],
    "inference": [
        "speed --models r2d50 r2d50_gta r2d50_dnl --ways inference 'folded inference' "
        f"--out {RESULTS}/inference_h200.json"
    ],
    "captured": [
        "speed --models r2d50 r2d50_gta r2d50_nl:tsm --ways captured 'compiled, captured' "
        f"--out {RESULTS}/captured_h200.json"
    ],
    "slowfast": [
        f"speed --models {SLOWFAST} --ways captured --batch 8 --out {RESULTS}/slowfast_h200.json"
    ],
    "growth": [f"growth --out {RESULTS}/growth_h200.json"],
    "many_videos_gpu": [
        f"many_videos speed --videos 3000 --model {model} --device cuda "
        f"--out {RESULTS}/many_videos_h200.json"
        for model in ("tiny_gta", "ssv2/r2d50_gta")
    ],
    "serving_gpu": [f"serving --models r2d50_gta --out {RESULTS}/serving_h200.json"],
    "feeding": [f"feeding --compile --out {RESULTS}/feeding_h200.json"],
}
ON_CPU: dict[str, list[str]] = {
    name: [f"{name} --out {RESULTS}/{name}.json"]
    for name in (
        *("reading", "rendering", "loader", "loader_memory", "startup", "quickstart"),
        *("cpu", "changed_block", "demo_click", "long_video", "serving", "exports"),
    )
} | {
    "many_videos": [
        f"many_videos {what} --out {RESULTS}/many_videos.json"
        for what in ("start", "kills", "speed --videos 300 --device cpu")
    ],
    "export_formats": [
        f"export_formats {what} --out {RESULTS}/export_formats.json" for what in ("formats", "step")
    ],
}


OF_VIDEOS = {"own_videos": [f"own_videos --out {RESULTS}/own_videos.json"]}
"""What needs a folder of videos."""


def arguments(command: str, peers: Path | None, earlier: Path | None = None) -> list[str]:
    """The words of a command; without peers, without their rows."""
    words = shlex.split(command)
    if words[0].endswith(".cpu") and earlier is not None:
        return [*words, "--earlier", str(earlier.absolute())]
    if words[0].endswith("speed") and peers is not None:
        return [*words, "--peers", str(peers)]
    return [word for word in words if not word.endswith((":tsm", ":pyslowfast"))]


def main() -> None:
    """Runs what is named and writes the pages."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="all that can run if left out")
    parser.add_argument("--list", action="store_true", help="print the commands and stop")
    parser.add_argument("--peers", type=Path, metavar="FOLDER")
    parser.add_argument("--earlier", type=Path, metavar="FOLDER")
    parser.add_argument("--videos", type=Path, metavar="FOLDER")
    given = parser.parse_args()
    every = ON_GPU | ON_CPU | OF_VIDEOS
    can_run = ON_CPU | (ON_GPU if torch.cuda.is_available() else {})
    can_run |= {} if given.videos is None else OF_VIDEOS
    unknown = [name for name in given.names if name not in every]
    if unknown:
        parser.error(f"{unknown[0]!r} is not a benchmark; they are {', '.join(every)}")
    without = [name for name in given.names if name not in can_run]
    if without and not given.list and without[0] in OF_VIDEOS:
        parser.error(f"{without[0]!r} needs videos, a folder for each class: --videos FOLDER")
    if without and not given.list:
        parser.error(f"{without[0]!r} needs a CUDA GPU, and torch finds none here")
    for name in given.names or (every if given.list else can_run):
        for command in every[name]:
            if name in OF_VIDEOS and given.videos is not None:
                command += f" --videos {shlex.quote(str(given.videos.absolute()))}"
            words = ["-m", *arguments(f"benchmarks.{command}", given.peers, given.earlier)]
            print("python", shlex.join(words), flush=True)
            if not given.list:
                subprocess.run([sys.executable, *words], cwd=ROOT, check=True)
    if not given.list:
        write_pages()


if __name__ == "__main__":
    main()
