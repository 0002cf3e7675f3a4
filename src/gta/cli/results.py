"""The files beside a score file: the table of the classes and the confusion matrix."""

from pathlib import Path

from gta.errors import UsageError
from gta.evaluation.scores import Scores

LISTED = 20
"""How many mistakes the picture of many classes lists."""


def check_npz(option: str, path: Path | None) -> None:
    """Refuses a name to which NumPy would add an ending.

    Raises:
        UsageError: It does not end in .npz.
    """
    if path is not None and path.suffix != ".npz":
        raise UsageError(f"{option} {path}: a score file ends in .npz")


def write_results(scores: Scores, file: Path) -> dict[str, str]:
    """Writes the score file and, if labels are known, tables and pictures; their paths by kind.

    Args:
        scores: Of a test or an ensemble.
        file: `NAME.npz`; NAME-classes.csv, NAME-confusion.csv and NAME-confusion.png are beside it.
    """
    from gta.evaluation.confusion import (
        class_results,
        confusion,
        mistake_lines,
        write_class_table,
        write_confusion,
    )
    from gta.figures.confusion import draw_confusion
    from gta.files import write_atomically
    from gta.names import shown

    scores.save(file)
    written = {"scores": file}
    if scores.num_labeled:
        kinds = ("classes.csv", "confusion.csv", "confusion.png")
        table, counts, picture = (file.with_name(f"{file.stem}-{kind}") for kind in kinds)
        matrix = confusion(scores)
        write_class_table(table, class_results(matrix, scores.classes))
        write_confusion(counts, matrix, scores.classes)
        mistakes = mistake_lines(matrix, scores.classes, LISTED)
        title = f"{shown(scores.model)}\n{scores.protocol}, top-1 {scores.top(1):.1%}"
        write_atomically(
            picture,
            lambda part: draw_confusion(part, matrix.numpy(), scores.classes, mistakes, title),
        )
        written |= {"classes": table, "confusion": counts, "confusion_picture": picture}
    return {kind: str(path) for kind, path in written.items()}
