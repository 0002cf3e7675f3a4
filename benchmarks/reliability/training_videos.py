"""Videos that cannot be read, in training and in testing: counted, named, a limit."""

import json
import random
import re
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.reliability.commands import gta, training
from benchmarks.reliability.line import Line
from gta.data.videos import load_videos
from gta.ordered import render_dataset


def rendered(root: Path) -> Path:
    render_dataset(root, num_train=60, num_val=24, num_frames=8, height=32, width=32, workers=1)
    return root


def damage(paths: list[Path]) -> set[str]:
    """Makes files unreadable, each in another way; their names."""
    for number, path in enumerate(paths):
        kinds = (b"", b"no video\n", path.read_bytes()[: path.stat().st_size // 8], bytes(1000))
        path.write_bytes(kinds[number % 4])
    return {str(path) for path in paths}


def skipped(text: str) -> set[str]:
    """The files that a training says it has left out."""
    return set(re.findall(r"skipped, replaced by another video: (.*?): ", text))


def of_split(root: Path, split: str) -> list[tuple[Path, int]]:
    """Files and labels."""
    videos = load_videos("ssv2", root, split).videos  # pyright: ignore[reportArgumentType]
    return [(Path(str(video.path)), video.label or 0) for video in videos]


def some_bad(folder: Path, seeds: int) -> Iterator[Line]:
    """5 % of the training videos."""
    clean, bad = rendered(folder / "clean"), rendered(folder / "bad")
    paths = [path for path, _ in of_split(bad, "train")]
    planted = damage(random.Random(0).sample(paths, len(paths) // 20))
    top1: dict[Path, list[float]] = {clean: [], bad: []}
    found = set[str]()
    for seed in range(seeds):
        for root, values in top1.items():
            out = folder / f"{root.name}{seed}"
            done = gta(*training(root, out, "train.epochs=6", f"train.seed={seed}"))
            assert done.returncode == 0, done.stderr
            with (out / "metrics.csv").open() as file:
                names, *_, last = (line.strip().split(",") for line in file)
            values.append(float(dict(zip(names, last, strict=True))["val_top1"]))
            found |= skipped(done.stdout) if root == bad else set()
    again = gta(*training(bad, folder / "again", "train.epochs=6", "train.seed=0"))
    same = (folder / "again/last.safetensors").read_bytes() == (
        folder / "bad0/last.safetensors"
    ).read_bytes()
    said = f"{len(planted)} training videos could not be read" in again.stdout
    yield Line(
        8,
        f"{len(planted)} of {len(paths)} training videos damaged",
        f"{len(found & planted)} named, {len(found - planted)} others named; the same command "
        f"again gives {'the same' if same else 'other'} weights; "
        f"{'counted' if said else 'not counted'} at the end",
        "all, 0, the same, counted",
        found == planted and same and said,
    )
    change = statistics.mean(top1[bad]) - statistics.mean(top1[clean])
    spread = max(top1[clean]) - min(top1[clean])
    yield Line(
        8,
        f"what that changes of the accuracy, {seeds} seeds",
        f"{change:+.1%}; seeds alone differ by {spread:.1%}",
        "within seeds",
        abs(change) <= spread,
    )


def too_many(folder: Path) -> Iterator[Line]:
    """More than the limit, and all of a class."""
    for what, fault in (("many", "a quarter of the training videos"), ("class", "all of a class")):
        root = rendered(folder / what)
        videos = of_split(root, "train")
        chosen = [path for path, label in videos if label == 3]
        if what == "many":
            chosen = [path for path, _ in videos[::4]]
        damage(chosen)
        more = () if what == "many" else ("data.max_unreadable=0.5",)
        done = gta(*training(root, folder / f"{what}-run", *more))
        told = (done.stderr.strip().splitlines() or [""])[-1]
        known = r"\d+ of 60 .* more than the limit of 10%" if what == "many" else r"not one of the"
        yield Line(
            9,
            f"{fault} damaged ({len(chosen)})",
            f"exit code {done.returncode}: {told.split(';')[0].replace(str(folder), '...')}",
            "exit code 3, says how many",
            done.returncode == 3 and re.search(known, told) is not None,
        )


def in_testing(folder: Path) -> Iterator[Line]:
    """The same damage in evaluation."""
    root, run = rendered(folder / "test"), folder / "test-run"
    assert gta(*training(root, run, "train.epochs=1")).returncode == 0
    planted = damage([path for path, _ in of_split(root, "val")[::8]])
    text = gta("test", run, "--device", "cpu")
    told = json.loads(gta("test", run, "--device", "cpu", "--json").stdout)
    named = {entry["path"] for entry in told["unreadable"]}
    right = told["videos"] == 24 - len(planted) and named == planted
    printed = all(f"not in the scores above: {path}" in text.stdout for path in planted)
    yield Line(
        10,
        f"{len(planted)} of 24 validation videos damaged, gta test",
        f"{told['videos']} videos scored, {len(named & planted)} named, in JSON too",
        "all named, in no figure",
        right and printed,
    )


def lines(seeds: int = 3) -> Iterator[Line]:
    """Lines 8, 9 and 10."""
    with tempfile.TemporaryDirectory(prefix="gta-videos-") as name:
        yield from some_bad(Path(name), seeds)
        yield from too_many(Path(name))
        yield from in_testing(Path(name))
