"""Accuracies from scores."""

import torch
from torch import Tensor


def ranks(scores: Tensor, labels: Tensor) -> Tensor:
    """Rank of each video's label among its scores, int64 (N,), 1 is best.

    A label ranks after scores that equal its own: a constant model is never right.

    Args:
        scores: (N, num_classes).
        labels: int64 (N,).
    """
    own = scores.gather(1, labels[:, None])
    return (scores >= own).sum(1)


def top_k_accuracy(scores: Tensor, labels: Tensor, k: int) -> float:
    """Share of videos whose label is among the k highest scores, 0 to 1."""
    return (ranks(scores, labels) <= k).double().mean().item()


def log_loss(scores: Tensor, labels: Tensor) -> float:
    """Cross entropy in nats: the mean of -log of the probability of each video's label.

    Args:
        scores: Probabilities (N, num_classes).
        labels: int64 (N,).
    """
    own = scores.gather(1, labels[:, None]).double()
    return -own.clamp_min(torch.finfo(torch.float32).tiny).log().mean().item()


def top5_tells(num_classes: int) -> bool:
    """Whether top-5 is informative: with at most five classes it is always 1, and is not shown.

    Files keep it in any case.
    """
    return num_classes > 5


def class_accuracy(scores: Tensor, labels: Tensor) -> Tensor:
    """Top-1 accuracy of each class, float64 (num_classes,); NaN for a class without videos."""
    num_classes = scores.shape[1]
    correct = (ranks(scores, labels) == 1).double()
    hits = torch.zeros(num_classes, dtype=torch.float64).index_add_(0, labels, correct)
    return hits / torch.bincount(labels, minlength=num_classes)


def mean_class_accuracy(scores: Tensor, labels: Tensor) -> float:
    """Mean of the accuracies of the classes that have videos; 0 to 1."""
    return class_accuracy(scores, labels).nanmean().item()


def predictions(scores: Tensor, labels: Tensor) -> Tensor:
    """Predicted class of each video, int64 (N,): the highest score.

    If the label ties for the highest score, the other class is predicted, as in `ranks`.
    """
    tied = (ranks(scores, labels) > 1) & (scores.argmax(1) == labels)
    rivals = scores[tied].scatter(1, labels[tied][:, None], -torch.inf)
    predicted = scores.argmax(1)
    predicted[tied] = rivals.argmax(1)
    return predicted


def confusion_matrix(scores: Tensor, labels: Tensor) -> Tensor:
    """Counts (num_classes, num_classes): rows are labels, columns are predictions.

    Its diagonal is the number of right answers, ties as in `ranks`.
    """
    num_classes = scores.shape[1]
    cells = labels * num_classes + predictions(scores, labels)
    return torch.bincount(cells, minlength=num_classes**2).view(num_classes, num_classes)
