"""Scores of every video of a test, and the file that keeps them."""

import hashlib
import json
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gta import __version__
from gta.archives import check_archive
from gta.errors import DataError
from gta.evaluation.metrics import log_loss, mean_class_accuracy, ranks, top5_tells, top_k_accuracy
from gta.evaluation.significance import wilson_interval
from gta.files import write_atomically

TOLERANCE = 1e-3
"""Largest deviation of a video's sum of probabilities from 1."""


def list_hash(classes: Sequence[str], videos: Iterable[tuple[str, int | None]]) -> str:
    """SHA-256 of a list of videos: with equal hashes, the same videos and labels were scored.

    Of the UTF-8 JSON, without spaces and not escaped, of [classes, [[id, label], ...]], the pairs
    sorted by id: the order of the videos does not matter, that of the classes does. A label that is
    not known is -1; a byte of a file name that is not UTF-8 is written as an escaped surrogate.
    """
    pairs = sorted([id, -1 if label is None else label] for id, label in videos)
    text = json.dumps([list(classes), pairs], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()


@dataclass(frozen=True, slots=True)
class About:
    """Details of a test beyond the protocol; early score files lack them."""

    dataset: str = ""
    """The recipe's `data.format`."""
    split: str = ""
    list_hash: str = ""
    """Hash over all videos of the split, also unreadable videos: see `list_hash`."""
    num_frames: int | None = None
    """Frames of a clip."""
    num_views: int | None = None
    """Views of a video."""
    parts: tuple[str, ...] = ()
    """For an ensemble: model, protocol and weight of each part."""
    version: str = __version__
    """Version of gta."""


@dataclass(frozen=True, slots=True, repr=False)
class Scores:
    """A model's scores for the videos of a split, in the order of its annotation.

    Printed as a line: accuracy, videos, protocol.
    """

    ids: list[str]
    """Videos that could be read."""
    labels: Tensor
    """int64 (N,); -1: not known."""
    scores: Tensor
    """float32 (N, num_classes), probabilities."""
    classes: list[str]
    protocol: str
    failures: list[tuple[str, str]] = field(default_factory=list)
    """(path, reason) of videos that could not be read; no accuracy counts them."""
    model: str = ""
    """Run and weights."""
    about: About = field(default_factory=About)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        low, high = self.interval() if self.num_labeled else (0.0, 1.0)
        top5 = "" if self.top5 is None else f", top-5 {self.top5:.1%}"
        figures = f"top-1 {self.top(1):.1%} ({low:.1%} to {high:.1%}){top5}"
        return (
            f"{figures if self.num_labeled else 'no labels'}, {len(self)} videos"
            f"{f', {len(self.failures)} unreadable' * bool(self.failures)}, {self.protocol}"
        )

    @property
    def top5(self) -> float | None:
        """Top-5 accuracy, 0 to 1; None without labels, or with so few classes that it is 1."""
        return self.top(5) if self.num_labeled and top5_tells(len(self.classes)) else None

    @property
    def num_labeled(self) -> int:
        """Number of videos with a known label, over which accuracies are computed."""
        return int((self.labels >= 0).sum())

    def labeled(self) -> tuple[Tensor, Tensor]:
        """Scores and labels of the videos whose label is known."""
        known = self.labels >= 0
        return self.scores[known], self.labels[known]

    def correct(self) -> Tensor:
        """Whether each labeled video's top-1 prediction is right, bool (num_labeled,)."""
        return ranks(*self.labeled()) == 1

    def top(self, k: int) -> float:
        """Top-k accuracy, 0 to 1, of the videos that could be read; NaN without labels."""
        return top_k_accuracy(*self.labeled(), k)

    def log_loss(self) -> float:
        """Cross entropy of the probabilities, in nats; NaN without labels."""
        return log_loss(*self.labeled())

    def mean_class(self) -> float:
        """Mean of the classes' top-1 accuracies, 0 to 1; NaN without labels."""
        return mean_class_accuracy(*self.labeled())

    def interval(self) -> tuple[float, float]:
        """The 95 % interval (Wilson) of the top-1 accuracy."""
        return wilson_interval(int(self.correct().sum()), self.num_labeled)

    def in_order(self, indices: Sequence[int]) -> "Scores":
        """The same, with the videos in another order."""
        chosen = torch.as_tensor(indices, dtype=torch.int64)
        return replace(
            self,
            ids=[self.ids[index] for index in indices],
            labels=self.labels[chosen],
            scores=self.scores[chosen],
        )

    def summary(self) -> dict[str, object]:
        """The scores, with everything that is needed to quote them; None if not informative."""
        figures = {"top1": self.top(1), "top5": self.top5, "mean_class": self.mean_class()}
        return {
            "model": self.model,
            "protocol": self.protocol,
            "videos": len(self),
            "labelled": self.num_labeled,
            **{n: None if value is None or isnan(value) else value for n, value in figures.items()},
            "top1_interval": list(self.interval()) if self.num_labeled else None,
            "unreadable": [{"path": path, "reason": reason} for path, reason in self.failures],
            **asdict(self.about),
        }

    def save(self, path: str | Path) -> None:
        """Writes a NumPy .npz file: ids, labels, scores, classes, and `about`, JSON.

        Args:
            path: The file; `.npz` is appended if its name ends otherwise.

        Raises:
            OSError: The disk is full, or the like; an old file is unchanged.
        """
        path = Path(path).expanduser()
        path = path if path.suffix == ".npz" else path.with_name(f"{path.name}.npz")
        about = {"protocol": self.protocol, "model": self.model, "failures": self.failures}
        about |= asdict(self.about)
        arrays = {
            "ids": np.array(self.ids, dtype=np.str_),
            "labels": self.labels.numpy(),
            "scores": self.scores.numpy(),
            "classes": np.array(self.classes, dtype=np.str_),
            "about": np.array(json.dumps(about, ensure_ascii=False)),
        }
        write_atomically(path, lambda part: np.savez_compressed(part, **arrays))

    @classmethod
    def load(cls, path: str | Path) -> "Scores":
        """Reads what `save` wrote, now or in an earlier version.

        Raises:
            DataError: There is no such file, it is not a score file, or its scores are not
                probabilities.
        """
        path = Path(path).expanduser()
        if not path.exists():
            raise DataError(f"{path}: no such score file. `gta test RUN` writes it.")
        if not path.is_dir() and not zipfile.is_zipfile(path):
            raise DataError(
                f"{path} is not a score file written by `gta test`: it is not a .npz "
                f"file, or it is damaged"
            )
        try:
            check_archive(path)
            with np.load(path, allow_pickle=False) as file:
                about = json.loads(str(file["about"]))
                scores = cls(
                    ids=file["ids"].tolist(),
                    labels=torch.from_numpy(file["labels"]),
                    scores=torch.from_numpy(file["scores"]),
                    classes=file["classes"].tolist(),
                    protocol=about["protocol"],
                    failures=[(where, why) for where, why in about["failures"]],
                    model=about["model"],
                    about=_about(about),
                )
        except _UNREADABLE as error:
            raise DataError(f"{path} is not a score file written by `gta test`: {error}") from error
        reason = _fault(scores)
        if reason:
            raise DataError(f"{path} is not a usable score file: {reason}")
        return scores


def _about(stored: dict[str, Any]) -> About:
    """The details in a file; early files lack some."""
    values: dict[str, Any] = {"version": ""}
    values |= {each.name: stored[each.name] for each in fields(About) if each.name in stored}
    values["parts"] = tuple(values.get("parts", ()))
    return About(**values)


_UNREADABLE = (
    *(OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error),
    *(RecursionError, MemoryError, NotImplementedError),
)


def _fault(scores: Scores) -> str | None:
    """What is wrong with scores that came from a file, or None."""
    N, C = len(scores.ids), len(scores.classes)
    if tuple(scores.scores.shape) != (N, C) or tuple(scores.labels.shape) != (N,):
        return (
            f"{N} videos and {C} classes, but scores of shape {tuple(scores.scores.shape)} and "
            f"labels of shape {tuple(scores.labels.shape)}; expected ({N}, {C}) and ({N},)"
        )
    if N == 0 or C == 0:
        return f"it holds {N} videos of {C} classes"
    if not scores.scores.is_floating_point() or scores.labels.dtype != torch.int64:
        kinds = f"{scores.scores.dtype} and {scores.labels.dtype}".replace("torch.", "")
        return f"its scores and labels are {kinds}; expected float32 and int64"
    if len(set(scores.ids)) < N:
        (twice, _), *_ = Counter(scores.ids).most_common(1)
        return f"video {twice!r} is in it more than once"
    wild = (scores.labels < -1) | (scores.labels >= C)
    if wild.any():
        label, id = int(scores.labels[wild][0]), scores.ids[int(wild.nonzero()[0])]
        return f"the label of video {id!r} is {label}, and there are {C} classes"
    bad = ~scores.scores.isfinite().all(1)
    if bad.any():
        return (
            f"the scores of {int(bad.sum())} of {N} videos are NaN or infinite, first those of "
            f"{scores.ids[int(bad.nonzero()[0])]!r}. Test again with other weights."
        )
    sums = scores.scores.double().sum(1)
    off = ((sums - 1).abs() > TOLERANCE) | (scores.scores < 0).any(1)
    if off.any():
        first = int(off.nonzero()[0])
        return (
            f"the scores of {int(off.sum())} of {N} videos are not probabilities (each at least "
            f"0, their sum 1), first those of {scores.ids[first]!r}, with a sum of "
            f"{sums[first]:.3f}. Logits have to go through softmax first."
        )
    return None
