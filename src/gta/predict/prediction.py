"""What a model says about one video."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from gta.names import as_utf8, shown


def ranked(
    scores: Tensor, classes: Sequence[str], top: int | None = None
) -> list[tuple[str, float]]:
    """(class, probability) of probabilities (num_classes,), the most probable first.

    Args:
        scores: The probabilities.
        classes: Their names.
        top: So many classes; None: all.
    """
    return rankings(scores[None], classes, top)[0]


def rankings(
    scores: Tensor, classes: Sequence[str], top: int | None = None
) -> list[list[tuple[str, float]]]:
    """As `ranked` of each row of probabilities (B, num_classes).

    Numbers leave the tensor together: taken one after the other, those of 174 classes took longer
    than all else that is done for a video beside the network.
    """
    ordered = scores.sort(dim=-1, descending=True, stable=True)
    orders: list[list[int]] = ordered.indices[:, :top].tolist()
    rows: list[list[float]] = ordered.values[:, :top].tolist()
    return [
        [(classes[i], score) for i, score in zip(order, row, strict=True)]
        for order, row in zip(orders, rows, strict=True)
    ]


@dataclass(frozen=True, slots=True, repr=False)
class Prediction:
    """What a model says about one video. Printed, it is the five most probable classes."""

    path: Path
    scores: list[tuple[str, float]]
    """(class, probability), the most probable first."""
    cut_off: str | None = None
    """What of the file is there, where its end is not: the scores are of that alone."""
    damage: int = 0
    """Frames that were missing, or damaged, among those that were decoded for it."""
    embedding: Tensor | None = field(default=None, compare=False)
    """float32 (D,) where it was asked for: see `Predictor.embed`."""

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.scores[0][0]

    @property
    def score(self) -> float:
        """Its probability."""
        return self.scores[0][1]

    def to_dict(self, top: int | None = None) -> dict[str, Any]:
        """{"video": path, "top": [{"class": name, "score": probability}, ...]}.

        And "cut_off", what is there, where the end of the file is not; "damage", if there is any.

        Args:
            top: So many classes; None: all.
        """
        rows = [{"class": name, "score": score} for name, score in self.scores[:top]]
        told: dict[str, Any] = {} if self.cut_off is None else {"cut_off": self.cut_off}
        told |= {"damage": self.damage} if self.damage else {}
        return {"video": str(self.path), "top": rows} | told

    def to_json(self, top: int | None = None) -> str:
        r"""JSON of `to_dict`; a byte of a file name that is not UTF-8 is `\udcXX` in it."""
        return as_utf8(json.dumps(self.to_dict(top), ensure_ascii=False))

    def __str__(self) -> str:
        lines = [f"{score:6.1%}  {shown(name)}" for name, score in self.scores[:5]]
        return "\n".join([shown(str(self.path)), *lines])

    def __repr__(self) -> str:
        return f"Prediction({str(self.path)!r}: {self.label!r} {self.score:.1%})"
