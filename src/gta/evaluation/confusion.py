"""Results by class and the confusion matrix, as csv files."""

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from torch import Tensor

from gta.evaluation.metrics import confusion_matrix
from gta.evaluation.scores import Scores
from gta.files import write_atomically
from gta.names import shown


@dataclass(frozen=True, slots=True)
class ClassResult:
    """One class of a test."""

    name: str
    videos: int
    correct: int
    accuracy: float | None
    """0 to 1; None for a class without videos."""
    mistake: str
    """The most frequent wrong prediction; empty if all are right."""
    mistakes: int
    """Number of videos with that prediction."""


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """Videos of a class with a certain wrong prediction."""

    label: str
    prediction: str
    count: int
    videos: int
    """Videos of the class `label`."""

    @property
    def share(self) -> float:
        """0 to 1."""
        return self.count / self.videos


def confusion(scores: Scores) -> Tensor:
    """Counts (num_classes, num_classes) of the labeled videos: rows are labels."""
    return confusion_matrix(*scores.labeled())


def class_results(matrix: Tensor, classes: list[str]) -> list[ClassResult]:
    """Every class, in label order."""
    results = []
    for label, (name, row) in enumerate(zip(classes, matrix, strict=True)):
        videos, correct = int(row.sum()), int(row[label])
        wrong = row.clone()
        wrong[label] = 0
        mistakes = int(wrong.max())
        results.append(
            ClassResult(
                name,
                videos,
                correct,
                correct / videos if videos else None,
                classes[int(wrong.argmax())] if mistakes else "",
                mistakes,
            )
        )
    return results


def confused_pairs(matrix: Tensor, classes: list[str], count: int) -> list[ConfusedPair]:
    """The `count` most frequent mistakes, by videos, then by share."""
    videos = matrix.sum(1).tolist()
    wrong = matrix.clone()
    wrong.fill_diagonal_(0)
    pairs = [
        ConfusedPair(classes[label], classes[taken], int(wrong[label, taken]), videos[label])
        for label, taken in wrong.nonzero().tolist()
    ]
    return sorted(pairs, key=lambda pair: (-pair.count, -pair.share))[:count]


def mistake_lines(matrix: Tensor, classes: list[str], count: int = 20) -> list[str]:
    """The `count` most frequent mistakes in words, two lines each."""
    return [
        f"{pair.count} of {pair.videos} ({pair.share:.0%})  {shown(pair.label)}\n"
        f"    → {shown(pair.prediction)}"
        for pair in confused_pairs(matrix, classes, count)
    ]


def write_class_table(path: Path, results: Iterable[ClassResult]) -> None:
    """A csv file: class, videos, correct, accuracy, most frequent mistake, its count."""
    header = ["class", *(field.name for field in fields(ClassResult)[1:])]
    _write_csv(path, [header, *(astuple(result) for result in results)])


def write_confusion(path: Path, matrix: Tensor, classes: list[str]) -> None:
    """A csv file of counts: a line for each label, a column for each prediction."""
    rows = ([name, *row] for name, row in zip(classes, matrix.tolist(), strict=True))
    _write_csv(path, [["label / prediction", *classes], *rows])


def _write_csv(path: Path, rows: Iterable[Iterable[object]]) -> None:
    """Writes a csv file, UTF-8; floats have six digits, None is empty."""

    def write(part: Path) -> None:
        with part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(
                [f"{cell:.6f}" if isinstance(cell, float) else cell for cell in row] for row in rows
            )

    write_atomically(path, write)
