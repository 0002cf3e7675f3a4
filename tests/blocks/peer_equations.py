"""CGNL, GCNet's context block and GloRe as loops over indices, from their papers' equations.

As in `equations.py`: numpy, float64, features (B, C, T, H, W). Weights are plain arrays.
"""

from math import exp, factorial, sqrt

import numpy as np

from .equations import softmax


def positions(x: np.ndarray) -> list[tuple[int, ...]]:
    return list(np.ndindex(x.shape[2:]))


def linear(vector: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """One vector times one matrix (O, C)."""
    out = [sum(w * v for w, v in zip(row, vector, strict=True)) for row in weight]
    return np.array(out) + (0 if bias is None else bias)


def each_position(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """A 1x1 convolution."""
    y = np.empty((x.shape[0], len(weight), *x.shape[2:]))
    for b in range(len(x)):
        for p in positions(x):
            y[b][:, *p] = linear(x[b][:, *p], weight, bias)
    return y


def cgnl(
    x: np.ndarray,
    weights: dict[str, np.ndarray],
    *,
    groups: int,
    order: int | None = None,
    scale: bool = False,
) -> np.ndarray:
    """Every channel and position of a group attends to all of them, pair by pair.

    The kernel of a pair is q * k, or the Taylor series of exp(-gamma (q - k)^2) with unit q and k:
    exp(-2 gamma) * sum_i (2 gamma q k)^i / i!, gamma = 1e-4.
    """
    query, key, value = (each_position(x, weights[n]) for n in ("query", "key", "value"))
    attended = np.empty_like(query)
    gamma = 1e-4
    for b in range(len(x)):
        for members in np.split(np.arange(query.shape[1]), groups):
            pairs = [(c, *p) for c in members for p in positions(x)]
            for here in pairs:
                total = 0.0
                for there in pairs:
                    product = query[b][here] * key[b][there]
                    if order is not None:
                        series = (
                            (2 * gamma * product) ** i / factorial(i) for i in range(order + 1)
                        )
                        product = exp(-2 * gamma) * sum(series)
                    total += product * value[b][there]
                attended[b][here] = total / (sqrt(len(pairs)) if scale else 1)
    # The output projection of a group sees its own channels alone.
    out = np.empty_like(x)
    inner, outer = attended.shape[1] // groups, x.shape[1] // groups
    for g in range(groups):
        rows = slice(g * outer, (g + 1) * outer)
        part = each_position(attended[:, g * inner : (g + 1) * inner], weights["output"][rows])
        for b in range(len(x)):
            spread = part[b].var()
            out[b, rows] = (part[b] - part[b].mean()) / sqrt(spread + 1e-5)
    affine = (slice(None), None, None, None)
    return x + out * weights["norm.weight"][affine] + weights["norm.bias"][affine]


def transform(context: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    """Linear, layer normalization, ReLU, linear."""
    hidden = linear(context, weights["0.weight"], weights["0.bias"])
    hidden = (hidden - hidden.mean()) / sqrt(hidden.var() + 1e-5)
    hidden = np.maximum(hidden * weights["1.weight"] + weights["1.bias"], 0)
    return linear(hidden, weights["3.weight"], weights["3.bias"])


def global_context(
    x: np.ndarray,
    mask: tuple[np.ndarray, np.ndarray] | None,
    multiply: dict[str, np.ndarray] | None,
    add: dict[str, np.ndarray] | None,
) -> np.ndarray:
    """A weighted mean over all positions, which changes every position alike."""
    out = x.copy()
    for b in range(len(x)):
        where = positions(x)
        share = [1 / len(where)] * len(where)
        if mask is not None:
            share = softmax([float(linear(x[b][:, *p], *mask)[0]) for p in where])
        context = sum(m * x[b][:, *p] for m, p in zip(share, where, strict=True))
        for p in where:
            if multiply is not None:
                out[b][:, *p] *= 1 / (1 + np.exp(-transform(context, multiply)))
            if add is not None:
                out[b][:, *p] += transform(context, add)
    return out


def glore(x: np.ndarray, weights: dict[str, np.ndarray], *, normalize: bool) -> np.ndarray:
    """Positions to nodes, (I - A) V W on the nodes, and back; before the last normalization."""
    states = each_position(x, weights["reduce.weight"], weights["reduce.bias"])
    assigned = each_position(x, weights["project.weight"], weights["project.bias"])
    back = np.zeros_like(states)
    for b in range(len(x)):
        nodes = np.zeros((assigned.shape[1], states.shape[1]))  # (K, S)
        for k in range(len(nodes)):
            for p in positions(x):
                nodes[k] += assigned[b][k, *p] * states[b][:, *p]
        if normalize:
            nodes /= len(positions(x))
        mixed = np.stack(
            [
                linear(nodes[:, s], weights["mix_nodes.weight"], weights["mix_nodes.bias"])
                for s in range(states.shape[1])
            ],
            axis=1,
        )
        hidden = np.maximum(nodes + mixed, 0)
        hidden = np.stack([linear(node, weights["mix_states.weight"]) for node in hidden])
        for k in range(len(nodes)):
            for p in positions(x):
                back[b][:, *p] += assigned[b][k, *p] * hidden[k]
    return each_position(back, weights["extend.weight"])
