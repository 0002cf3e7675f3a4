import csv
from pathlib import Path

import torch

from gta.evaluation.confusion import (
    class_results,
    confused_pairs,
    confusion,
    write_class_table,
    write_confusion,
)
from gta.evaluation.scores import Scores

CLASSES = ["up, fast", "down", "never", "left"]
MATRIX = torch.tensor([[3, 1, 0, 2], [0, 4, 0, 0], [0, 0, 0, 0], [2, 0, 0, 1]])


def test_counts_are_of_labeled_videos():
    answers = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    found = Scores(list("abc"), torch.tensor([0, -1, 1]), answers, ["x", "y"], "p")
    assert confusion(found).tolist() == [[1, 0], [1, 0]]


def test_class_table(tmp_path: Path):
    write_class_table(tmp_path / "c.csv", class_results(MATRIX, CLASSES))
    with (tmp_path / "c.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["class", "videos", "correct", "accuracy", "mistake", "mistakes"],
        ["up, fast", "6", "3", "0.500000", "left", "2"],
        ["down", "4", "4", "1.000000", "", "0"],
        ["never", "0", "0", "", "", "0"],
        ["left", "3", "1", "0.333333", "up, fast", "2"],
    ]


def test_confusion_csv(tmp_path: Path):
    write_confusion(tmp_path / "c.csv", MATRIX, CLASSES)
    with (tmp_path / "c.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["label / prediction", *CLASSES]
    assert [row[0] for row in rows] == CLASSES
    assert [list(map(int, row[1:])) for row in rows] == MATRIX.tolist()


def test_the_most_confused_pairs():
    pairs = confused_pairs(MATRIX, CLASSES, 2)
    assert [(p.label, p.prediction, p.count, p.videos) for p in pairs] == [
        ("left", "up, fast", 2, 3),
        ("up, fast", "left", 2, 6),
    ]
    assert pairs[1].share == 1 / 3
    assert len(confused_pairs(MATRIX, CLASSES, 9)) == 3
