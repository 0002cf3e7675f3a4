import math
import re

import pytest
import torch

from gta.errors import DataError
from gta.evaluation.comparison import compare
from gta.evaluation.scores import Scores
from gta.evaluation.significance import mcnemar_exact, paired_interval


def answers(right: list[bool], labels: list[int]) -> Scores:
    """Scores of a model that has these videos right, of three classes."""
    given = torch.tensor(labels)
    predicted = torch.where(torch.tensor(right), given, (given + 1) % 3)
    scores = torch.nn.functional.one_hot(predicted.clamp(min=0), 3).float()
    return Scores([str(i) for i in range(len(labels))], given, scores, ["x", "y", "z"], "p")


def two(both: int, only_a: int, only_b: int, neither: int) -> tuple[Scores, Scores]:
    a = [True] * (both + only_a) + [False] * (only_b + neither)
    b = [True] * both + [False] * only_a + [True] * only_b + [False] * neither
    labels = [i % 2 for i in range(len(a))]
    return answers(a, labels), answers(b, labels)


def test_counts_of_all_videos():
    found = compare(*two(50, 5, 25, 20)).overall
    assert (found.videos, found.only_a, found.only_b) == (100, 5, 25)
    assert (found.a, found.b, found.gain) == (0.55, 0.75, 0.2)
    assert (found.low, found.high) == paired_interval(50, 5, 25, 20)
    assert found.p == mcnemar_exact(5, 25)


def test_classes_by_gain_without_those_that_have_no_videos():
    labels = [0, 0, 0, 1, 1]
    a = answers([True, True, False, False, True], labels)
    b = answers([True, False, False, True, True], labels)
    found = compare(a, b)
    assert [name for name, _ in found.classes] == ["y", "x"]
    (_, y), (_, x) = found.classes
    assert (y.videos, y.a, y.b, y.gain) == (2, 0.5, 1, 0.5)
    assert (x.videos, x.only_a, x.only_b) == (3, 1, 0)
    assert (y.low, y.high) == paired_interval(1, 0, 1, 0)
    assert found.num_significant == 0
    assert found.note == (
        "0 of 2 classes have a 95 % interval that excludes 0; for two equally good models about "
        "0.1 would."
    )
    assert compare(*two(0, 0, 40, 0)).num_significant == 2


def test_exchanging_the_models_exchanges_the_answer():
    a, b = two(50, 5, 25, 20)
    there, back = compare(a, b).overall, compare(b, a).overall
    assert back.gain == -there.gain
    assert (-back.high, -back.low) == pytest.approx((there.low, there.high))
    assert back.p == there.p


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        (
            (50, 5, 25, 20),
            r"B is better than A by 20\.0 points \(9\.\d to 29\.\d\), p = 0\.00032\.",
        ),
        (
            (50, 25, 5, 20),
            r"A is better than B by 20\.0 points \(9\.\d to 29\.\d\), p = 0\.00032\.",
        ),
        ((50, 0, 50, 0), r"B is better than A by 50\.0 points \(.*\), p < 0\.0001\."),
        (
            (50, 5, 8, 37),
            r"These 100 videos do not show which is better: B is ahead of A by 3\.0 points "
            r"\(-4\.\d to 10\.\d\), p = 0\.58\.",
        ),
        (
            (50, 5, 5, 40),
            r"A and B are equally good on these 100 videos, and each is right on 5 that the other "
            r"has wrong; the 95 % interval of the difference is -6\.\d to 6\.\d points\.",
        ),
        ((50, 0, 0, 50), r"A and B are right on the same videos, 50\.0% of 100\."),
    ],
)
def test_conclusions(cells: tuple[int, int, int, int], sentence: str):
    conclusion = compare(*two(*cells)).conclusion
    assert re.fullmatch(sentence, conclusion), conclusion


def test_videos_without_labels_do_not_count():
    found = compare(answers([True, False, True], [0, -1, 1]), answers([True] * 3, [0, -1, 1]))
    assert found.overall.videos == 2
    assert not math.isnan(found.overall.p)
    with pytest.raises(DataError, match="the videos of these scores have no labels, so no answer"):
        compare(answers([True], [-1]), answers([False], [-1]))
