"""Makes the README's run on own videos: the same training with several seeds, and a prediction.

    python -m docs.own_videos my_videos/ --work /tmp/own_videos

About half an hour on two CPU cores for 160 short clips; not part of the tests. Writes
docs/results/own_videos.json: what the first seed printed, the accuracy of each seed, and when and
with what it was made. `docs/write_numbers.py` puts it into README.md.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from gta import __version__
from gta.data.videos import load_videos

RESULT = Path(__file__).parent / "results/own_videos.json"
SHOWN = (1, 2, 20, 40)
"""Epochs whose lines are kept."""


def gta(*words: str | Path) -> str:
    """What the command prints."""
    command = [sys.executable, "-m", "gta", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
    return done.stdout


def train(root: Path, work: Path, seed: int) -> str:
    """Trains with one seed; what was printed."""
    options = ("--model", "tiny_gta", "--data", "folder", "--root", root)
    return gta("train", *options, "--out", work / str(seed), "--seed", str(seed))


def accuracies(run: Path) -> list[float]:
    """Top-1 on the validation videos after each epoch."""
    head, *rows = (line.split(",") for line in (run / "metrics.csv").read_text().splitlines())
    return [float(row[head.index("val_top1")]) for row in rows]


def shortened(printed: str, names: dict[str, str]) -> str:
    """The transcript with few of its epochs, and paths as in the README."""
    lines = []
    for line in printed.splitlines():
        epoch = line.split()[1].split("/")[0] if line.startswith("epoch ") else None
        if epoch is None or int(epoch) in SHOWN:
            lines.append(line)
        elif lines[-1] != "...":
            lines.append("...")
    text = "\n".join(lines)
    for old, new in names.items():
        text = text.replace(old, new)
    return text


def main() -> None:
    """Trains, predicts and writes the result file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("root", type=Path)
    parser.add_argument("--work", type=Path, default=Path("own_videos"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time")
    parser.add_argument(
        "--again",
        action="store_true",
        help="the first seed alone, once more: it is shown, the accuracies of all seeds stay",
    )
    parser.add_argument("--machine", default=f"{os.cpu_count()} CPU cores", help="in words")
    given = parser.parse_args()
    root, work = given.root.resolve(), given.work.resolve()
    before = json.loads(RESULT.read_text(encoding="utf-8")) if given.again else None
    given.seeds = 1 if given.again else given.seeds
    with ThreadPoolExecutor(given.jobs) as pool:
        printed = list(pool.map(lambda seed: train(root, work, seed), range(given.seeds)))
    ends = [accuracies(work / str(seed))[-1] for seed in range(given.seeds)]
    val = load_videos("folder", root, "val").videos
    held_out = val[0].path  # not one of the training videos
    names = {str(work / "0"): "runs/mine", str(root): "my_videos"}
    told = {
        "date": date.today().isoformat(),
        "machine": given.machine,
        "gta": __version__,
        "python": platform.python_version(),
        "torch": __import__("torch").__version__,
        "videos": len(val),
        "top1": before["top1"] if before else ends,
        "shown": ends[0],
        "train": shortened(printed[0], names),
        "video": shortened(str(held_out), names),
        "predict": shortened(gta("predict", work / "0", held_out), names).rstrip(),
    }
    RESULT.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
