"""Score files that are to be compared or averaged: found, read, and checked to match."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import torch

from gta.errors import DataError, UsageError
from gta.evaluation.scores import Scores

_EXAMPLES = 3


def find_score_file(path: Path, protocol: str | None = None) -> Path:
    """A score file itself, or the only one of a run's folder.

    Args:
        path: A file, or a folder with files `scores-PROTOCOL*.npz`.
        protocol: Of a folder, only the files of this one count.

    Raises:
        UsageError: The folder holds none, or several.
    """
    if not path.is_dir():
        return path
    found = sorted(path.glob("scores-*.npz"))
    if protocol is not None:
        start = f"scores-{protocol}"
        found = [f for f in found if f.stem == start or f.stem.startswith(f"{start}-")]
    kind = f" of protocol {protocol}" if protocol else ""
    if not found:
        views = f" --protocol {protocol}" if protocol else ""
        raise UsageError(
            f"{path} holds no score file{kind}; `gta test {path}{views}` writes one into the "
            f"folder of a run"
        )
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        way = "give one of them" if protocol else "give one of them, or --protocol"
        raise UsageError(f"{path} holds {len(found)} score files{kind}, {names}: {way}")
    return found[0]


def read_matching(
    paths: Sequence[Path], protocol: str | None = None
) -> tuple[list[Path], list[Scores]]:
    """The files of `find_score_file` and their scores, all in the order of the first's videos.

    Raises:
        UsageError: A file is named twice, or two hold the same scores.
        DataError: One cannot be read, or they are not about the same videos, labels and classes.
    """
    files = [find_score_file(path, protocol) for path in paths]
    for first, second in combinations(files, 2):
        if first.resolve() == second.resolve():
            raise UsageError(f"{second} is given twice; each score file counts once")
    found = [Scores.load(file) for file in files]
    for (file, ours), (other, theirs) in combinations(zip(files, found, strict=True), 2):
        if ours.ids == theirs.ids and torch.equal(ours.scores, theirs.scores):
            raise UsageError(f"{other} holds the same scores as {file}: it is a copy of it")
    return files, [
        found[0],
        *(_aligned(files[0], found[0], *o) for o in zip(files[1:], found[1:], strict=True)),
    ]


def _aligned(file: Path, first: Scores, other_file: Path, other: Scores) -> Scores:
    """`other` in the order of `first`, once they are known to be about the same."""
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
        raise DataError(f"{start}: {len(wrong)} of {len(first)} labels differ: {examples}.")
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
