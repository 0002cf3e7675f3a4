"""Disks that are full, read-only or gone under each verb that writes: said, and nothing lost."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.reliability.commands import (
    LIMIT,
    begin,
    gta,
    newest,
    small_set,
    training,
    wait_for,
)
from benchmarks.reliability.line import Line
from benchmarks.reliability.small_disk import NoMount, fill, make_larger, make_read_only, small_disk
from gta.training.checkpoint_folder import CheckpointFolder, verify

EPOCHS = "train.epochs=2"


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb that writes into a folder, which is on the disk of the trial."""

    name: str
    arguments: Callable[[Path], list[str | Path]]
    to_output: bool = False
    """It writes what it prints, which goes to a file there."""


def verbs(root: Path, run: Path, other: Path) -> list[Verb]:
    """All that write, of a finished run and another one."""
    video = next(root.rglob("*.webm"))
    weights = run / "last.safetensors"
    return [
        Verb("train", lambda at: training(root, at / "run", EPOCHS)),
        Verb("test", lambda at: ["test", run, "--device", "cpu", "--scores", at / "a.npz"]),
        Verb("ensemble", lambda at: ["ensemble", run, other, "--out", at / "a.npz"]),
        Verb("predict", lambda at: ["predict", run, video, "--json", "--device", "cpu"], True),
        Verb(
            "prepare",
            lambda at: [
                *("prepare", "--data", "ordered", "--root", root, "--out", at / "p"),
                *("--workers", "1"),
            ],
        ),
        Verb(
            "convert",
            lambda at: ["convert", weights, "--recipe", run / "recipe.yaml", "--out", at / "c"],
        ),
    ]


def fault_of(verb: Verb, at: Path, reason: str) -> str | None:
    """What is wrong about the end of a verb that cannot write; None: nothing."""
    done = gta(*verb.arguments(at), stdout=at / "out.json" if verb.to_output else None)
    last = done.stderr.strip().splitlines()[-1:] or [""]
    if done.returncode not in (1, 2):
        return f"exit code {done.returncode}"
    if "Traceback" in done.stderr:
        return "a traceback"
    if not re.search(reason, last[0], re.IGNORECASE):
        return f"it says {last[0]!r}"
    if not verb.to_output and str(at) not in last[0]:
        return f"it does not say where: {last[0]!r}"
    stray = [path.name for path in at.rglob("*") if ".part" in path.name]
    return f"it leaves {stray}" if stray else None


def full(verb: Verb, folder: Path, inodes: int = 0) -> str | None:
    """On a disk without room, and again when there is room."""
    if inodes and verb.to_output:
        return None  # the file is there already
    with small_disk(folder, "1m", inodes=inodes) as at:
        if verb.to_output:
            (at / "out.json").touch()
        if inodes:
            for i in range(inodes):
                try:
                    (at / f"filler{i}").touch()
                except OSError:
                    break
            (at / "filler0").unlink()  # a folder to begin with
        else:
            fill(at, leave=40_000 if verb.name in ("train", "prepare", "convert") else 0)
        fault = fault_of(verb, at, "full|no room|no space")
        if fault is None:
            for path in at.glob("filler*"):
                path.unlink()
            if inodes:
                return None
            make_larger(at)
            out = at / "out.json" if verb.to_output else None
            again = gta(*verb.arguments(at), stdout=out)
            if again.returncode != 0:
                return f"with room again, it ends with {again.returncode}: {again.stderr[-200:]}"
        return fault


def read_only(verb: Verb, folder: Path) -> str | None:
    """On a disk that may not be written."""
    if verb.to_output:
        return None
    with small_disk(folder) as at:
        make_read_only(at)
        return fault_of(verb, at, "read-only")


def kept_by(verb: Verb, folder: Path) -> str | None:
    """A result that was there is the same after a write that failed."""
    if verb.name not in ("test", "ensemble"):
        return None
    with small_disk(folder, "2m") as at:
        assert gta(*verb.arguments(at)).returncode == 0
        before = {path.name: path.read_bytes() for path in at.iterdir()}
        fill(at)
        fault = fault_of(verb, at, "full")
        (at / "filler").unlink()
        changed = [name for name, old in before.items() if (at / name).read_bytes() != old]
        return fault or (f"{changed} changed" if changed else None)


def while_training(folder: Path, root: Path, what: str) -> str | None:
    """After an epoch of a longer training, its folder becomes immutable (chattr +i), or goes."""
    out = folder / what
    process = begin(training(root, out, "train.epochs=500", "train.checkpoint_minutes=1e-9"))
    wait_for(lambda: newest(out), process)
    places = (str(out), str(out / "checkpoints"))
    if what == "gone":
        shutil.rmtree(out, ignore_errors=True)
        shutil.rmtree(out, ignore_errors=True)  # what was written meanwhile
    else:
        made = subprocess.run(["chattr", "+i", *places], capture_output=True)
        if made.returncode:
            process.kill()
            process.communicate()
            raise NoMount("needs a file system with chattr, and the right to it")
    try:
        _, told = process.communicate(timeout=LIMIT)
    finally:
        subprocess.run(["chattr", "-i", *places], capture_output=True)
    last = (told.strip().splitlines() or [""])[-1]
    if process.returncode != 1 or "Traceback" in told:
        return f"exit code {process.returncode}: {last}"
    if str(out) not in last or ("gone" if what == "gone" else "permissions") not in last:
        return f"it says {last!r}"
    for path in CheckpointFolder(out / "checkpoints", keep=1).all():
        verify(path)
    if what == "gone":
        return None
    again = begin(training(root, out, "train.epochs=500"))
    before = newest(out)
    wait_for(lambda: newest(out) > before, again)
    again.kill()
    told, _ = again.communicate()
    return None if "going on after" in told else f"then it says {told[-200:]!r}"


def lines() -> Iterator[Line]:
    """Lines 5, 6 and a part of 29."""
    with tempfile.TemporaryDirectory(prefix="gta-disks-") as name:
        folder = Path(name)
        root, runs = small_set(folder / "data"), [folder / "one", folder / "two"]
        for seed, run in enumerate(runs):
            done = gta(*training(root, run, EPOCHS, f"train.seed={seed}"))
            assert done.returncode == 0, done.stderr
            assert gta("test", run, "--device", "cpu").returncode == 0
        all_verbs = verbs(root, *runs)

        def tried(number: int, what: str, attempt: Callable[[Verb], str | None]) -> Line:
            try:
                found = {verb.name: attempt(verb) for verb in all_verbs}
            except NoMount as error:
                return Line(number, what, f"not tried: {error}", "no fault", None)
            faults = [f"{verb}: {fault}" for verb, fault in found.items() if fault]
            told = "; ".join(faults) or f"said by {', '.join(found)}; none leaves anything behind"
            return Line(number, what, told, "the cause and the place, nothing lost", not faults)

        disk = folder / "disk"
        yield tried(5, "a full disk under each verb, then room", lambda verb: full(verb, disk))
        yield tried(5, "a full disk, an earlier result there", lambda verb: kept_by(verb, disk))
        yield tried(6, "a read-only disk", lambda verb: read_only(verb, disk))
        for what, fault in (
            ("immutable", "the folder of a training becomes immutable"),
            ("gone", "the folder of a training is deleted"),
        ):
            try:
                found = while_training(folder, root, what)
            except NoMount as error:
                yield Line(6, fault, f"not tried: {error}", "no fault", None)
                continue
            yield Line(6, fault, found or "said, exit code 1", "the cause and the place", not found)
        yield tried(29, "no room for another file (inodes)", lambda v: full(v, disk, inodes=12))
