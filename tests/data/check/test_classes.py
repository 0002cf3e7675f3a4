"""Counts of classes and of validation videos, and what follows from them."""

from pathlib import Path

import pytest

from gta.data.check.classes import class_counts, few_to_validate
from gta.data.check.finding import Finding
from gta.data.check.inspect import Facts
from gta.data.records import Video

CLASSES = ["jump", "run", "sit"]


def some(*counts: int, problem: str | None = None) -> list[Facts]:
    """So many videos of each class."""
    return [
        Facts(Video(f"{label}/{i}", Path("x"), label), 9, problem=problem)
        for label, count in enumerate(counts)
        for i in range(count)
    ]


def kinds(train: list[Facts] | None, val: list[Facts] | None, **told) -> dict[str, Finding]:
    return {finding.kind: finding for finding in class_counts(train, val, CLASSES, **told)}


def test_enough_of_each():
    assert kinds(some(9, 8, 7), some(2, 2, 2)) == {}


def test_classes_without_videos():
    findings = kinds(some(9, 8, 0), some(1, 0, 0))
    assert findings["no training video"] == Finding(
        "error", "no training video", "1 class has no training video: it cannot be learned", ["sit"]
    )
    assert findings["no validation video"].text == (
        "2 classes have no validation video: they are not tested"
    )
    assert findings["no validation video"].items == ["run", "sit"]
    assert kinds(some(9, 8, 0), some(1, 1, 0), reported=["sit"]) == {}


def test_a_split_that_could_not_be_listed_is_not_counted():
    assert kinds(some(9, 8, 8), None) == {}
    assert list(kinds(None, some(9, 8, 0))) == ["no validation video"]


def test_classes_none_of_whose_videos_can_be_read():
    train = some(9, 8) + some(0, 0, 7, problem="damaged")
    findings = kinds(train, some(2, 2, 2))
    assert findings["no readable training video"].severity == "error"
    assert findings["no readable training video"].items == ["sit (7)"]
    assert findings["no readable training video"].text == (
        "1 class has no training video that can be read: it cannot be learned"
    )


def test_few():
    finding = kinds(some(4, 8, 9), some(2, 2, 2))["few videos"]
    assert finding.items == ["jump (4)"]
    assert finding.text == "1 class has fewer than 5 training videos"


def test_imbalance_says_how_much_and_what_follows():
    assert "imbalance" not in kinds(some(10, 20, 29), some(1, 1, 1))
    note = kinds(some(10, 20, 40), some(1, 2, 7))["imbalance"]
    assert note.severity == "note"
    assert note.text == (
        "'sit' has 40 training videos, 'jump' 10: 4 times as many. A model that always answers "
        "'sit' is correct on 70% of the validation videos; look at the mean class accuracy of gta "
        "test too"
    )
    assert note.items == ["sit (40)", "run (20)", "jump (10)"]
    assert kinds(some(5, 20, 80), some(1, 1, 1))["imbalance"].severity == "warning"
    assert "correct on 76% of the videos" in kinds(some(5, 20, 80), None)["imbalance"].text


@pytest.mark.parametrize(
    ("count", "severity", "interval"),
    [(1, "warning", "5 to 95"), (2, "warning", "9 to 91"), (100, "note", "40 to 60")],
)
def test_what_so_few_validation_videos_say(count: int, severity: str, interval: str):
    """Wilson's interval of one half."""
    (finding,) = few_to_validate(some(count))
    assert finding.severity == severity
    assert f"an accuracy of 50 % on {'it' if count == 1 else 'them'} means {interval} %" in (
        finding.text
    )


def test_many_validation_videos_need_no_word():
    assert few_to_validate(some(400)) == []
    assert few_to_validate([]) == []


def test_videos_that_cannot_be_read_do_not_count():
    (finding,) = few_to_validate(some(2) + some(500, problem="damaged"))
    assert finding.text.startswith("2 validation videos can be read: ")
