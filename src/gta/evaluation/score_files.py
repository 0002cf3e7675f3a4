"""Finds and reads the score files to compare or average, and checks that they match."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from shlex import quote
from typing import Literal

import torch

from gta.errors import DataError, UsageError
from gta.evaluation.scores import Scores

_EXAMPLES = 3
_NAME = re.compile(r"scores-(.+?)(-test)?(-best)?(?:-(\d+)frames)?")


@dataclass(frozen=True, slots=True)
class Scored:
    """Selects scores of a run by the options of `gta test`, which the file's name holds."""

    protocol: str | None = None
    """None: any."""
    split: Literal["val", "test"] = "val"
    best: bool = False
    """The weights of the best epoch instead of the last."""
    frames: int | None = None
    """Frames of a clip, if other than in training."""

    @property
    def file_name(self) -> str:
        """Name of the file in the run's folder."""
        marks = ("test" * (self.split == "test"), "best" * self.best)
        frames = f"{self.frames}frames" if self.frames else ""
        return "-".join(filter(None, ("scores", self.protocol, *marks, frames))) + ".npz"

    @property
    def options(self) -> str:
        """The options as they are typed."""
        given = (
            f"--protocol {self.protocol}" * bool(self.protocol),
            f"--split {self.split}" * (self.split != "val"),
            "--best" * self.best,
            f"--frames {self.frames}" * bool(self.frames),
        )
        return " ".join(filter(None, given))

    @classmethod
    def of(cls, file: Path) -> "Scored":
        """The options in a file's name."""
        match = _NAME.fullmatch(file.stem)
        if match is None:
            return cls()
        frames = int(match[4]) if match[4] else None
        return cls(match[1], "test" if match[2] else "val", bool(match[3]), frames)


def find_score_file(path: Path, asked: Scored | None = None) -> Path:
    """A score file itself, or the score file in a run's folder that the options select.

    Args:
        path: A file, or a folder with the files that `gta test` writes.
        asked: The options, for a folder; the protocol may be left open. None: the only file, or
            else that of the last weights on the validation videos.

    Raises:
        UsageError: No file of the folder fits, or several do. Says how to choose.
    """
    if not path.is_dir():
        return path
    there = {file: Scored.of(file) for file in sorted(path.glob("scores-*.npz"))}
    if len(there) == 1 and asked in (None, Scored()):
        return next(iter(there))
    wanted = asked or Scored()
    matching = [
        file
        for file, scored in there.items()
        if scored == replace(wanted, protocol=wanted.protocol or scored.protocol)
    ]
    if len(matching) == 1:
        return matching[0]
    if matching:
        several = " or ".join(f"--protocol {there[file].protocol}" for file in matching)
        raise UsageError(
            f"{path} holds {len(matching)} such score files, of different protocols: choose with "
            f"{several}, or give one of the files, {', '.join(file.name for file in matching)}"
        )
    options = f" {wanted.options}" * bool(wanted.options)
    what = f" of{options}" if options else " of the last weights on the validation videos"
    way = f"`gta test {quote(str(path))}{options}` writes it into the folder of a run"
    if not there:
        raise UsageError(f"{path} holds no score file; {way}")
    others = "; ".join(f"{file.name} ({scored.options})" for file, scored in there.items())
    raise UsageError(
        f"{path} holds no score file{what}: {way}. It holds others, and the options that choose "
        f"them: {others}"
    )


def read_matching(
    paths: Sequence[Path], asked: Scored | None = None
) -> tuple[list[Path], list[Scores]]:
    """The files of `find_score_file` and their scores, all in the order of the first's videos.

    Raises:
        UsageError: A file is given twice, or two files hold the same scores.
        DataError: A file cannot be read, or the files differ in videos, labels or classes.
    """
    files = [find_score_file(path, asked) for path in paths]
    for first, second in combinations(files, 2):
        if first.resolve() == second.resolve():
            raise UsageError(
                f"{second} is given twice; each score file counts once. To compare two scores of "
                f"one run, give the two files in its folder"
            )
    scores = [Scores.load(file) for file in files]
    for (file, ours), (other, theirs) in combinations(zip(files, scores, strict=True), 2):
        if ours.ids == theirs.ids and torch.equal(ours.scores, theirs.scores):
            raise UsageError(
                f"{other} holds the same scores as {file}: it is a copy. Leave out one of them"
            )
    return files, [
        scores[0],
        *(_aligned(files[0], scores[0], *o) for o in zip(files[1:], scores[1:], strict=True)),
    ]


def _aligned(file: Path, first: Scores, other_file: Path, other: Scores) -> Scores:
    """`other` in the order of `first`, after a check that videos, labels and classes agree."""
    start = f"{file} and {other_file} do not match"
    if other.classes != first.classes:
        detail = _classes_differ(first.classes, other.classes)
        raise DataError(f"{start}: {detail}. Both models need the same data set and labels file.")
    places = {id: place for place, id in enumerate(other.ids)}
    missing = [id for id in first.ids if id not in places]
    added = sorted(places.keys() - set(first.ids))
    if missing or added:
        parts = [
            f"{len(ids)} of {total} videos are only in {where} ({_some(ids)})"
            for ids, total, where in (
                (missing, len(first), file),
                (added, len(other), other_file),
            )
            if ids
        ]
        unread = len(first.failures) + len(other.failures)
        reason = " Some could not be read when they were tested." if unread else ""
        splits = (first.about.split, other.about.split)
        if all(splits) and splits[0] != splits[1]:
            reason = f" The first is of the split {splits[0]!r}, the other of {splits[1]!r}."
        raise DataError(
            f"{start}: {'; '.join(parts)}.{reason} Test both models on the same split of the "
            f"same data."
        )
    ordered = other.in_order([places[id] for id in first.ids])
    wrong = (ordered.labels != first.labels).nonzero().flatten().tolist()
    if wrong:
        names = [*first.classes, "no label"]  # -1 is the last
        examples = "; ".join(
            f"{first.ids[i]!r} is {names[first.labels[i]]!r} in {file} and "
            f"{names[ordered.labels[i]]!r} in {other_file}"
            for i in wrong[:_EXAMPLES]
        )
        raise DataError(
            f"{start}: {len(wrong)} of {len(first)} labels differ: {examples}. "
            f"Test both models again on the annotation that is right."
        )
    return ordered


def _classes_differ(ours: list[str], theirs: list[str]) -> str:
    if sorted(ours) == sorted(theirs):
        place = next(i for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b)
        return (
            f"the classes are the same in another order: number {place} is {ours[place]!r} in "
            f"the first and {theirs[place]!r} in the second"
        )
    parts = [
        f"{len(only)} only in the {which} ({_some(only)})"
        for only, which in (
            ([c for c in ours if c not in set(theirs)], "first"),
            ([c for c in theirs if c not in set(ours)], "second"),
        )
        if only
    ]
    return f"{len(ours)} and {len(theirs)} classes, {', '.join(parts)}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:_EXAMPLES])) + ", ..." * (len(names) > _EXAMPLES)
