"""Scores of every video of a test, and the file that keeps them."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gta.errors import DataError
from gta.evaluation.metrics import mean_class_accuracy, top_k_accuracy


@dataclass(frozen=True, slots=True)
class Scores:
    """What one model says about the videos of a split, in the order of its annotation."""

    ids: list[str]
    """Videos that could be read."""
    labels: Tensor
    """int64 (N,); -1: not known."""
    scores: Tensor
    """float32 (N, num_classes), probabilities."""
    classes: list[str]
    protocol: str
    failures: list[tuple[str, str]] = field(default_factory=list)
    """(path, reason) of videos that could not be read; they are in no figure."""
    model: str = ""
    """Run and weights."""

    def __len__(self) -> int:
        return len(self.ids)

    def top(self, k: int) -> float:
        """Top-k accuracy, 0 to 1, of the videos that could be read."""
        return top_k_accuracy(self.scores, self.labels, k)

    def mean_class(self) -> float:
        """Mean of the classes' top-1 accuracies, 0 to 1."""
        return mean_class_accuracy(self.scores, self.labels)

    def summary(self) -> dict[str, object]:
        """The figures, with everything that one needs to quote them."""
        return {
            "model": self.model,
            "protocol": self.protocol,
            "videos": len(self),
            "top1": self.top(1),
            "top5": self.top(5),
            "mean_class": self.mean_class(),
            "unreadable": [{"path": path, "reason": reason} for path, reason in self.failures],
        }

    def save(self, path: Path) -> None:
        """Writes a NumPy .npz file: ids, labels, scores, classes, and `about`, JSON."""
        about = {"protocol": self.protocol, "model": self.model, "failures": self.failures}
        np.savez_compressed(
            path,
            ids=np.array(self.ids, dtype=np.str_),
            labels=self.labels.numpy(),
            scores=self.scores.numpy(),
            classes=np.array(self.classes, dtype=np.str_),
            about=np.array(json.dumps(about, ensure_ascii=False)),
        )

    @classmethod
    def load(cls, path: Path) -> "Scores":
        """Reads what `save` wrote.

        Raises:
            DataError: No such file, or it is not a score file.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                about = json.loads(str(file["about"]))
                return cls(
                    ids=file["ids"].tolist(),
                    labels=torch.from_numpy(file["labels"]),
                    scores=torch.from_numpy(file["scores"]),
                    classes=file["classes"].tolist(),
                    protocol=about["protocol"],
                    failures=[(where, why) for where, why in about["failures"]],
                    model=about["model"],
                )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path} is not a score file written by `gta test`: {error}") from error
