"""GTA's learned matrices as numbers that can be read.

Axes: K heads, T output frames, G groups, S input frames.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import nn

from gta.blocks import GlobalTemporalAttention
from gta.blocks.causal import CausalBranch
from gta.blocks.gta import Branch
from gta.figures.maps import blocks_of

Level = Literal["pixel", "region"]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The matrix of one level of one block."""

    name: str
    """Path of the block."""
    level: Level
    weights: np.ndarray
    """(K, T, G, S), as it is applied."""
    added: np.ndarray
    """(T, S): the weight of a channel of frame s in the same channel of frame t, the mean over all
    channels, through the whole branch with its projections and normalization. Unlike `mean`, it
    does not depend on the sign that a group happens to have inside."""
    causal: bool = False
    """Whether it depends on the lag t - s alone; T is then the frames that a frame is mixed with,
    itself included, and not those of a clip."""

    @property
    def mean(self) -> np.ndarray:
        """(T, S), over heads and groups, with its sign."""
        return self.weights.mean((0, 2))

    @property
    def strength(self) -> np.ndarray:
        """(T, S), root of the mean square over heads and groups."""
        return np.sqrt((self.weights**2).mean((0, 2)))

    def added_over(self, num_frames: int) -> np.ndarray:
        """`added` in a clip of L frames, (L, L); L is T, unless the matrix is causal."""
        if not self.causal:
            return self.added
        added = np.zeros((num_frames, num_frames), self.added.dtype)
        for lag, value in enumerate(self.added[-1, ::-1][:num_frames]):
            added += value * np.eye(num_frames, k=-lag, dtype=added.dtype)
        return added


def matrices(model: nn.Module) -> list[Matrix]:
    """The matrices of all GTA blocks of a network, in its order, pixel level first."""
    result = []
    for name, block in blocks_of(model).items():
        if not isinstance(block, GlobalTemporalAttention):
            continue
        levels: Mapping[Level, nn.Module | None] = {"pixel": block.pixel, "region": block.region}
        for level, branch in levels.items():
            if isinstance(branch, Branch | CausalBranch):
                weights = branch.matrix.detach().float().cpu().numpy()
                causal = isinstance(branch, CausalBranch)
                result.append(Matrix(name, level, weights, _added(branch), causal))
    return result


def _added(branch: Branch | CausalBranch) -> np.ndarray:
    """The trace over channels of norm o W_O o M o W_V, for each pair of frames, over C."""
    with torch.no_grad():
        weights = branch.matrix.double()  # (K, T, G, S)
        K, _, G, _ = weights.shape
        value = branch.value.weight.double()  # (D, C)
        norm = branch.norm
        assert norm.running_var is not None
        scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
        output = scale[:, None] * branch.output.weight.double()  # (C, D)
        if branch.heads is not None:
            output = output @ branch.heads.weight.double()  # (C, K * D/G)
        into = value.unflatten(0, (G, -1))  # (G, D/G, C)
        out = output.unflatten(1, (K, -1))  # (C, K, D/G)
        trace = torch.einsum("ckd,gdc->kg", out, into)
        return torch.einsum("ktgs,kg->ts", weights, trace).div(len(scale)).float().cpu().numpy()


def patterns(num_frames: int, *, causal: bool = False) -> dict[str, np.ndarray]:
    """Simple ways of mixing frames, (T, T) each, for comparison with a matrix."""
    eye, before = np.eye(num_frames), np.eye(num_frames, k=-1)
    mean = np.full((num_frames, num_frames), 1 / num_frames)
    return {
        "shift: takes the frame before": before,
        "difference: itself minus the frame before": eye - before,
        f"mean: all frames {'so far' if causal else 'alike'}": np.tril(mean) if causal else mean,
    }


def likeness(matrix: np.ndarray, *, causal: bool = False) -> dict[str, float]:
    """The cosine of the angle between a (T, T) matrix and each of the `patterns`, -1 to 1."""
    norm = np.linalg.norm(matrix)
    return {
        name.split(":")[0]: float((matrix * pattern).sum() / (norm * np.linalg.norm(pattern) or 1))
        if norm
        else 0.0
        for name, pattern in patterns(len(matrix), causal=causal).items()
    }


def by_lag(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lags s - t from -(T-1) to T-1, and the mean of the matrix over the cells of each."""
    T = len(matrix)
    lags = np.arange(1 - T, T)
    return lags, np.array([np.diagonal(matrix, lag).mean() for lag in lags])
