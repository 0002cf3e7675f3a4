"""A test's scores in the page: small, but enough for the page to compute all figures."""

import base64
from typing import Any

import numpy as np
import torch

from gta.evaluation.metrics import predictions, ranks
from gta.evaluation.scores import Scores

TOP = 5
"""How many classes per video keep their probabilities."""
_ONE = 65535
"""The probability 1 as a 16-bit integer."""


def packed(scores: Scores) -> dict[str, Any]:
    """A model's answers for all videos, in the order of the score file.

    "top" and "probability" are the most probable classes of each video and their probabilities;
    "predicted" is the answer (`gta.evaluation.metrics.predictions`), "rank" the rank of the label,
    0 without a label, and "own" the label's probability.
    """
    count = min(TOP, len(scores.classes))
    probability, top = scores.scores.topk(count, dim=1)
    known = scores.labels >= 0
    rank, own = torch.zeros_like(scores.labels), torch.zeros(len(scores))
    predicted = scores.scores.argmax(1)
    if scores.num_labeled:
        values, labels = scores.labeled()
        rank[known] = ranks(values, labels)
        own[known] = values.gather(1, labels[:, None])[:, 0]
        predicted[known] = predictions(values, labels)
    return {
        "model": scores.model,
        "protocol": scores.protocol,
        "split": scores.about.split,
        "views": scores.about.num_views,
        "frames": scores.about.num_frames,
        "failures": [list(failure) for failure in scores.failures],
        "count": count,
        "top": numbers(top.numpy()),
        "probability": numbers(_sixteen(probability)),
        "predicted": numbers(predicted.numpy()),
        "rank": numbers(rank.numpy()),
        "own": numbers(_sixteen(own)),
    }


def numbers(values: np.ndarray) -> dict[str, str]:
    """An array for the page: its little-endian bytes in base64, and their type.

    Integers from 0 take 16 bits if they fit, else 32; other numbers are float32.
    """
    if values.dtype.kind == "f":
        kind = "float32"
    elif values.size and values.min() < 0:
        kind = "int32"
    else:
        kind = "uint16" if not values.size or values.max() < 2**16 else "uint32"
    data = np.ascontiguousarray(values, dtype=np.dtype(kind).newbyteorder("<")).tobytes()
    return {"kind": kind, "data": base64.b64encode(data).decode()}


def _sixteen(probability: torch.Tensor) -> np.ndarray:
    return (probability.double() * _ONE).round().clamp(0, _ONE).to(torch.int64).numpy()
