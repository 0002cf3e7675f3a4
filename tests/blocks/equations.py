"""The paper's equations as loops over indices in float64: slow, plain, and free of our own code.

Arrays are numpy. Features are (B, C, T, H, W); a vector is one position's channels; `weights` maps
the names of a block's projections to (weight (O, C), bias (O)) and its norms to `Norm`.
"""

from itertools import product
from math import cos, exp, sin, sqrt
from typing import NamedTuple

import numpy as np

Projection = tuple[np.ndarray, np.ndarray]


class Norm(NamedTuple):
    """A batch normalization: its affine parameters and what it knows of the training data."""

    weight: np.ndarray
    bias: np.ndarray
    mean: np.ndarray
    var: np.ndarray
    eps: float
    training: bool


def project(x: np.ndarray, projection: Projection) -> np.ndarray:
    """Eq. 1, X W: each position's vector times one matrix, plus the bias."""
    weight, bias = projection
    B, C, T, H, W = x.shape
    y = np.empty((B, len(weight), T, H, W))
    for b, o, t, h, w in np.ndindex(y.shape):
        y[b, o, t, h, w] = bias[o] + sum(weight[o, c] * x[b, c, t, h, w] for c in range(C))
    return y


def normalize(y: np.ndarray, norm: Norm) -> np.ndarray:
    out = np.empty_like(y)
    for c in range(y.shape[1]):
        values = [float(v) for v in y[:, c].ravel()]
        mean = sum(values) / len(values) if norm.training else norm.mean[c]
        spread = sum((v - mean) ** 2 for v in values) / len(values)
        var = spread if norm.training else norm.var[c]
        out[:, c] = (y[:, c] - mean) / sqrt(var + norm.eps) * norm.weight[c] + norm.bias[c]
    return out


def max_pool(x: np.ndarray) -> np.ndarray:
    """1x2x2, stride 2; a last odd row or column is dropped, but a single row or column is kept."""
    B, C, T, H, W = x.shape
    h, w = min(2, H), min(2, W)
    y = np.empty((B, C, T, H // h, W // w))
    for b, c, t, i, j in np.ndindex(y.shape):
        y[b, c, t, i, j] = max(
            x[b, c, t, h * i + di, w * j + dj] for di, dj in product(range(h), range(w))
        )
    return y


def softmax(scores: list[float]) -> list[float]:
    total = sum(exp(s) for s in scores)
    return [exp(s) / total for s in scores]


def attend(query, keys, values, *, normalizer: str = "softmax", scale: bool = True) -> np.ndarray:
    """Eq. 2 and 3 for one query: the weights of all keys, then the weighted sum of the values.

    "dot_product" is PySlowFast's: no root of the width, the number of keys in the softmax's place.
    """
    width = len(query)
    scores = [sum(query[c] * key[c] for c in range(width)) for key in keys]
    if normalizer == "softmax":
        row = softmax([s / sqrt(width) if scale else s for s in scores])
    else:
        row = [s / len(keys) for s in scores]
    return sum((m * value for m, value in zip(row, values, strict=True)), np.zeros(len(values[0])))


def sets_of_positions(x: np.ndarray, along: str) -> list[list[tuple[int, int, int]]]:
    """The positions that see each other: all (joint), a frame's (space), a pixel's (time)."""
    T, H, W = x.shape[2:]
    if along == "joint":
        return [list(product(range(T), range(H), range(W)))]
    if along == "space":
        return [[(t, h, w) for h in range(H) for w in range(W)] for t in range(T)]
    return [[(t, h, w) for t in range(T)] for h in range(H) for w in range(W)]


def non_local(
    x: np.ndarray,
    weights: dict,
    *,
    along: str,
    pool: str | None = None,
    normalizer: str = "softmax",
    scale: bool = True,
) -> np.ndarray:
    """Eq. 1-4 over all positions together, within each frame, or at each position in time."""
    pooled = max_pool(x) if pool == "before" else x
    query = project(x, weights["query"])
    key, value = project(pooled, weights["key"]), project(pooled, weights["value"])
    if pool == "after":
        key, value = max_pool(key), max_pool(value)
    attended = np.empty_like(query)
    queries_of = sets_of_positions(query, along)
    keys_of = sets_of_positions(key, along)
    for b in range(len(x)):
        for queries, keys in zip(queries_of, keys_of, strict=True):
            key_vectors = [key[b, :, t, h, w] for t, h, w in keys]
            value_vectors = [value[b, :, t, h, w] for t, h, w in keys]
            for t, h, w in queries:
                attended[b, :, t, h, w] = attend(
                    query[b, :, t, h, w],
                    key_vectors,
                    value_vectors,
                    normalizer=normalizer,
                    scale=scale,
                )
    return x + normalize(project(attended, weights["output"]), weights["norm"])  # Eq. 4


def mix(matrix: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Eq. 7 and 8 for one position or region: matrix (G, K, T, T), value (T, C) -> (T, K * C/G)."""
    G, K, T, _ = matrix.shape
    D = value.shape[1] // G
    out = np.zeros((T, K * D))
    for g in range(G):
        for k in range(K):  # head k's output takes the place of channel group k
            for t in range(T):
                for c in range(D):
                    for s in range(T):
                        out[t, k * D + c] += matrix[g, k, t, s] * value[s, g * D + c]
    return out


def tape_matrix(
    query: np.ndarray, key: np.ndarray, groups: int, *, scale: bool = True
) -> np.ndarray:
    """M[g, k, t, s] of one position's Q and K (T, C), positions already added."""
    T, width = query.shape
    D = width // groups
    root = sqrt(D) if scale else 1
    matrix = np.empty((groups, groups, T, T))
    for g, k, t in product(range(groups), range(groups), range(T)):
        scores = [
            sum(query[t, k * D + c] * key[s, g * D + c] for c in range(D)) / root for s in range(T)
        ]
        matrix[g, k, t] = softmax(scores)
    return matrix


def with_positions(x: np.ndarray, position: np.ndarray) -> np.ndarray:
    """A vector (T, C) added for each frame."""
    y = x.copy()
    for b, c, t, h, w in np.ndindex(x.shape):
        y[b, c, t, h, w] += position[t, c]
    return y


def tape(
    x: np.ndarray,
    weights: dict,
    position: np.ndarray,
    groups: int,
    *,
    scale: bool = True,
    add_to: str = "qk",
) -> np.ndarray:
    """Section B of the appendix: attention in time with a vector added for each frame (T, C)."""
    seen = with_positions(x, position) if add_to == "input" else x
    query, key, value = (project(seen, weights[name]) for name in ("query", "key", "value"))
    if add_to == "qkv":
        value = with_positions(value, position)
    if add_to != "input":
        query, key = with_positions(query, position), with_positions(key, position)
    attended = np.empty_like(value)
    B, _, _, H, W = x.shape
    for b, h, w in np.ndindex(B, H, W):
        matrix = tape_matrix(query[b, :, :, h, w].T, key[b, :, :, h, w].T, groups, scale=scale)
        attended[b, :, :, h, w] = mix(matrix, value[b, :, :, h, w].T).T
    return x + normalize(project(attended, weights["output"]), weights["norm"])


def sinusoid(num_frames: int, width: int) -> np.ndarray:
    """The positions of "Attention Is All You Need", section 3.5."""
    table = np.empty((num_frames, width))
    for t, c in np.ndindex(table.shape):
        angle = t / 10000 ** (2 * (c // 2) / width)
        table[t, c] = sin(angle) if c % 2 == 0 else cos(angle)
    return table


def pixel_gta(x: np.ndarray, weights: dict, matrix: np.ndarray) -> np.ndarray:
    """Eq. 6-8 at every position, then the first underbraced term of Eq. 5."""
    value = project(x, weights["value"])
    B, _, T, H, W = x.shape
    attended = np.empty((B, num_mixed(matrix, value), T, H, W))
    for b, h, w in np.ndindex(B, H, W):
        attended[b, :, :, h, w] = mix(matrix, value[b, :, :, h, w].T).T
    return added(attended, weights)


def num_mixed(matrix: np.ndarray, value: np.ndarray) -> int:
    """Channels of MH_G: heads times those of a group."""
    G, K = matrix.shape[:2]
    return K * value.shape[1] // G


def added(attended: np.ndarray, weights: dict) -> np.ndarray:
    """A W_O, normalized; where heads are not as many as groups, their own layer comes first."""
    if "heads" in weights:
        attended = project(attended, weights["heads"])
    return normalize(project(attended, weights["output"]), weights["norm"])


def assign(x: np.ndarray, how: Projection | np.ndarray, assignment: str) -> np.ndarray:
    """W_R, (B, R, T, H, W): a 1x1 convolution, normalized over regions, over positions or not.

    Or the learned matrix (T, R, H, W), which is the same for all samples.
    """
    if isinstance(how, np.ndarray):
        logits = np.stack([np.moveaxis(how, 0, 1) for _ in x])
    else:
        logits = project(x, how)
    B, R, T, H, W = logits.shape
    out = logits.copy()
    for b, t in np.ndindex(B, T):
        if assignment == "softmax_regions":
            for h, w in np.ndindex(H, W):
                out[b, :, t, h, w] = softmax(list(logits[b, :, t, h, w]))
        if assignment == "softmax_positions":
            for r in range(R):
                out[b, r, t] = np.reshape(softmax(list(logits[b, r, t].ravel())), (H, W))
    return out


def region_gta(x: np.ndarray, weights: dict, matrix: np.ndarray, assignment: str) -> np.ndarray:
    """The second term of Eq. 5: to the regions, Eq. 6-8 in each, back by the transpose."""
    to_regions = assign(x, weights["assign"], assignment)
    value = project(x, weights["value"])
    B, C, T, H, W = value.shape
    attended = np.zeros((B, num_mixed(matrix, value), T, H, W))
    share = 1 if assignment == "softmax_positions" else H * W  # ours: a mean over positions
    for b in range(B):
        for r in range(to_regions.shape[1]):
            region = np.zeros((T, C))
            for t, h, w in np.ndindex(T, H, W):
                region[t] += to_regions[b, r, t, h, w] * value[b, :, t, h, w] / share
            mixed = mix(matrix, region)
            for t, h, w in np.ndindex(T, H, W):
                attended[b, :, t, h, w] += to_regions[b, r, t, h, w] * mixed[t]
    return added(attended, weights)
