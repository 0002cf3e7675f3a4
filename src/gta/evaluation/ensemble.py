"""Ensembles: the mean of several models' probabilities, video by video.

The paper's GTA_En is the mean of two such files, those of an 8- and of a 16-frame model.
"""

from collections.abc import Sequence
from math import isfinite
from typing import TypeVar

import torch

from gta.errors import UsageError
from gta.evaluation.scores import About, Scores

T = TypeVar("T")


def ensemble(parts: Sequence[Scores], weights: Sequence[float] | None = None) -> Scores:
    """The weighted mean of the scores.

    Args:
        parts: At least two, of the same videos, labels and classes in the same order:
            `score_files.read_matching`.
        weights: A weight for each; only their ratios matter. None: equal weights.

    Raises:
        UsageError: Fewer than two parts, or weights that cannot be used.
    """
    if len(parts) < 2:
        raise UsageError("an ensemble needs at least two score files")
    normalized = _normalized(weights, len(parts))
    scores = torch.zeros_like(parts[0].scores, dtype=torch.float64)
    for part, weight in zip(parts, normalized, strict=True):
        scores += weight * part.scores.double()
    first = parts[0]
    abouts = [part.about for part in parts]
    return Scores(
        ids=first.ids,
        labels=first.labels,
        scores=scores.float(),
        classes=first.classes,
        protocol=" + ".join(dict.fromkeys(part.protocol for part in parts)),
        failures=sorted({failure for part in parts for failure in part.failures}),
        model=f"ensemble of {len(parts)}",
        about=About(
            dataset=_same([about.dataset for about in abouts]) or "",
            split=_same([about.split for about in abouts]) or "",
            list_hash=_same([about.list_hash for about in abouts]) or "",
            num_frames=_same([about.num_frames for about in abouts]),
            num_views=_same([about.num_views for about in abouts]),
            parts=tuple(
                f"{part.model}, {part.protocol}, weight {weight:.4g}"
                for part, weight in zip(parts, normalized, strict=True)
            ),
        ),
    )


def parse_weights(text: str) -> list[float]:
    """Numbers separated by commas.

    Raises:
        UsageError: A part of the text is not a number.
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(
            f"--weights {text}: expected numbers with commas between them, such as 1,2"
        ) from error


def _normalized(weights: Sequence[float] | None, num_parts: int) -> list[float]:
    if weights is None:
        return [1 / num_parts] * num_parts
    if len(weights) != num_parts:
        raise UsageError(
            f"{len(weights)} weights for {num_parts} score files; give one for each, in their order"
        )
    if not all(isfinite(weight) and weight > 0 for weight in weights):
        listed = ", ".join(f"{weight:g}" for weight in weights)
        raise UsageError(
            f"the weights are {listed}; each has to be above 0. Leave out the file that should "
            f"not count."
        )
    return [weight / sum(weights) for weight in weights]


def _same(values: Sequence[T]) -> T | None:
    """The common value of all, or None."""
    return values[0] if all(value == values[0] for value in values) else None
