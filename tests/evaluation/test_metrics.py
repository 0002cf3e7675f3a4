import pytest
import torch

from gta.evaluation.metrics import (
    class_accuracy,
    confusion_matrix,
    mean_class_accuracy,
    predictions,
    ranks,
    top5_tells,
    top_k_accuracy,
)

SCORES = torch.tensor(
    [[0.7, 0.2, 0.1, 0.0], [0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1], [0.1, 0.6, 0.2, 0.1]]
)
LABELS = torch.tensor([0, 2, 2, 1])


def test_ranks_and_top_k():
    assert ranks(SCORES, LABELS).tolist() == [1, 2, 3, 1]
    assert [top_k_accuracy(SCORES, LABELS, k) for k in (1, 2, 3, 4, 9)] == [0.5, 0.75, 1, 1, 1]


def test_top_5_is_told_of_six_classes_or_more():
    assert [n for n in range(2, 9) if top5_tells(n)] == [6, 7, 8]


def test_a_model_that_always_says_the_same_is_not_right():
    constant = torch.full((6, 3), 1 / 3)
    labels = torch.tensor([0, 0, 0, 1, 1, 2])
    assert top_k_accuracy(constant, labels, 1) == 0
    assert top_k_accuracy(constant, labels, 2) == 0
    assert mean_class_accuracy(constant, labels) == 0


def test_accuracy_of_classes_with_one_absent():
    accuracy = class_accuracy(SCORES, LABELS)
    assert accuracy[:3].tolist() == [1, 1, 0]
    assert accuracy[3].isnan()
    assert mean_class_accuracy(SCORES, LABELS) == pytest.approx(2 / 3)


def test_confusion_has_labels_in_rows():
    expected = torch.zeros(4, 4, dtype=torch.int64)
    expected[0, 0] = expected[2, 3] = expected[2, 0] = expected[1, 1] = 1
    assert torch.equal(confusion_matrix(SCORES, LABELS), expected)
    assert confusion_matrix(SCORES, LABELS).sum() == 4


def test_a_tie_is_a_mistake_in_the_confusion_too():
    tied = torch.tensor([[0.4, 0.4, 0.2], [0.4, 0.4, 0.2], [0.4, 0.4, 0.2]])
    labels = torch.tensor([0, 1, 2])
    assert predictions(tied, labels).tolist() == [1, 0, 0]
    assert confusion_matrix(tied, labels).trace() == 0
    assert predictions(SCORES, LABELS).tolist() == SCORES.argmax(1).tolist()
