"""Lists, recipes, manifests and archives from strangers: one message, nothing run or filled."""

import os
import pickle
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from benchmarks.reliability.line import Line
from gta.backbones.weight_files import read_state
from gta.data.videos import load_videos
from gta.errors import UsageError
from gta.evaluation.scores import Scores
from gta.recipes import read_recipe
from gta.runs import Run

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
LISTS = {
    "label of a billion": "a.mp4 0\nb.mp4 1000000000\n",
    "label of 99,999": "a.mp4 0\nb.mp4 99999\n",
    "long line": "a.mp4 " + "x" * 10**6 + "\n",
    "above the root": "../a.mp4 0\n../../b.mp4 1\n",
    "an absolute path": "/etc/passwd 0\n/etc/hosts 1\n",
    "zero bytes": "a.mp4\0 0\n",
}
TEXTS = {
    "nested lists": "[" * 100_000,
    "nested objects": '{"a": ' * 100_000,
    "a long number": '{"a": ' + "9" * 5000 + "}",
}
RECIPES = TEXTS | {
    "aliases of aliases": LAUGHS,
    "itself": "a: &a [*a]",
    "10 MB": "a: " + "x" * 10**7,
    "code": "a: !!python/object/apply:os.system [id]",
    "a class": "model: {_target_: os.system}",
}


class Payload:
    """Leaves a file behind where it is unpickled as Python does it."""

    def __init__(self, canary: Path):
        self.canary = canary

    def __reduce__(self):
        return os.mkdir, (str(self.canary),)


def refused(what: Callable[[], object]) -> tuple[bool, float]:
    """Whether it ends in a message, and after how many seconds."""
    began = time.perf_counter()
    try:
        what()
        return False, time.perf_counter() - began
    except UsageError:
        return True, time.perf_counter() - began


def in_files(cases: dict[str, str], names: tuple[str, ...], read: Callable[[Path], object]):
    """Which cases do not end in a message, and the longest time that one takes."""
    failed, longest = [], 0.0
    for case, text in cases.items():
        with tempfile.TemporaryDirectory(prefix="gta-strangers-") as name:
            for file in names:
                (Path(name) / file).write_text(text)
            told, seconds = refused(lambda name=name: read(Path(name)))
            failed += [] if told else [case]
            longest = max(longest, seconds)
    return failed, longest


def planted(folder: Path) -> tuple[int, int]:
    """Files with code in a pickle, each by all readers; and how many of them ran it."""
    canary, files = folder / "canary", []
    for name, content in (
        ("a.pkl", pickle.dumps(Payload(canary))),
        ("b.npz", b""),
        ("c.npz", b""),
    ):
        files.append(folder / name)
        files[-1].write_bytes(content)
    with zipfile.ZipFile(folder / "b.npz", "w") as archive:
        archive.writestr("about.npy", pickle.dumps(Payload(canary)))
    with zipfile.ZipFile(folder / "c.npz", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Payload(canary)))
        archive.writestr("archive/version", "3")
    for form in (True, False):
        files.append(folder / f"{form}.pth")
        torch.save({"w": Payload(canary)}, files[-1], _use_new_zipfile_serialization=form)
    for file in files:
        for read in (read_state, Scores.load, lambda file: Run.open(file.parent)):
            refused(lambda file=file, read=read: read(file))
    return len(files), int(canary.exists())


def lines() -> Iterator[Line]:
    """Lines 19, 20 and 21."""
    names = ("train.txt", "val.txt")
    failed, longest = in_files(LISTS, names, lambda root: load_videos("list", root, "train"))
    yield _line(19, f"{len(LISTS)} lists", failed, longest)
    with tempfile.TemporaryDirectory(prefix="gta-strangers-") as name:
        count, ran = planted(Path(name))
    yield Line(20, f"{count} files with code in a pickle", f"{ran} ran", "0", not ran)
    failed, longest = in_files(
        RECIPES, ("recipe.yaml",), lambda folder: read_recipe(folder / "recipe.yaml")
    )
    yield _line(21, f"{len(RECIPES)} recipes", failed, longest)
    names = ("prepared.json", "train.json", "labels.json")
    failed, longest = in_files(TEXTS, names, lambda root: load_videos("ssv2", root, "train"))
    yield _line(19, f"{len(TEXTS)} manifests", failed, longest)


def _line(number: int, what: str, failed: list[str], longest: float) -> Line:
    value = f"{', '.join(failed) or 'all refused'}, the slowest in {longest:.1f} s"
    bound = "all refused, within 10 s"
    right = not failed and longest < 10
    return Line(number, f"{what} that are hostile", value, bound, right, timed=True)
