"""Something-Something's test-set submission files.

There is no official description. The format is that of the TSM
repository's `test_models.py --csv_file`:

    v1    id;class name             the most probable class
    v2    id;12;7;171;0;3           the numbers, of the labels file, of the five most probable
                                    classes, the most probable first

No header, a line for each video of the test list, in its order.
"""

from pathlib import Path

from gta.errors import DataError, UsageError
from gta.evaluation.scores import Scores
from gta.files import write_text


def check_submission(dataset: str) -> None:
    """Checks that a data set has submissions.

    Args:
        dataset: A recipe's `data.format`; empty if a score file lacks it.

    Raises:
        UsageError: It is not Something-Something.
    """
    if dataset not in ("ssv1", "ssv2"):
        what = f"of data.format {dataset}" if dataset else "of data sets that they do not tell"
        raise UsageError(
            f"--submission is for Something-Something, data.format ssv1 or ssv2; these scores are "
            f"{what}"
        )


def write_submission(path: Path, scores: Scores) -> None:
    """Writes the file for the data set that was scored.

    Raises:
        UsageError: The scores are not of Something-Something.
        DataError: Videos are missing because they could not be read.
    """
    check_submission(scores.about.dataset)
    if scores.failures:
        where, why = scores.failures[0]
        raise DataError(
            f"{len(scores.failures)} videos could not be read, and a submission needs all; the "
            f"first is {where}: {why}"
        )
    write_text(
        path,
        "".join(f"{line}\n" for line in _lines(scores, first_only=scores.about.dataset == "ssv1")),
    )


def _lines(scores: Scores, *, first_only: bool) -> list[str]:
    if first_only:
        best = scores.scores.argmax(1).tolist()
        return [f"{id};{scores.classes[label]}" for id, label in zip(scores.ids, best, strict=True)]
    top = scores.scores.topk(min(5, len(scores.classes)), dim=1).indices.tolist()
    return [";".join(map(str, (id, *labels))) for id, labels in zip(scores.ids, top, strict=True)]
