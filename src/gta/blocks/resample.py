"""A block's parameters for another number of frames, and W_R for another number of positions.

Frames are taken as samples of one stretch of time, each at the center of its T-th part: the same
stretch seen in T' frames has its samples elsewhere, and the parameters are read off between theirs.
"""

import torch
from torch import Tensor


def interpolation(old: int, new: int, device: torch.device | None = None) -> Tensor:
    """Weights (new, old) that interpolate linearly between samples at the centers of equal parts.

    Each row sums to 1. With fewer samples than before the triangle is as wide as the new parts
    are apart, so that no old sample is passed over.
    """
    scale = old / new
    center = (torch.arange(new, dtype=torch.float64, device=device) + 0.5) * scale - 0.5
    distance = (torch.arange(old, device=device) - center[:, None]).abs()
    weight = (1 - distance / max(scale, 1)).clamp(min=0)
    return weight / weight.sum(dim=1, keepdim=True)


def resample_matrix(matrix: Tensor, num_frames: int) -> Tensor:
    """The temporal matrix (K, T, G, S) of GTA for T' = num_frames: (K, T', G, T').

    Rows are interpolated. Columns are too, and then scaled so that each old frame's weight is
    divided among the new frames: the response to a constant input is the interpolated old response.
    Where T' is a multiple of T the scale is T/T'. T' = T gives the matrix itself.

    A smooth matrix acts on a smooth input nearly as before: where both are half a period of a
    cosine over the clip, from 8 frames to 16, to within 3 % of the largest value.
    """
    T = matrix.shape[1]
    if num_frames == T:
        return matrix
    rows = interpolation(T, num_frames)
    columns = rows / rows.sum(dim=0)
    out = torch.einsum("ut,ktgs,vs->kugv", rows, matrix.double(), columns)
    return out.to(matrix.dtype)


def resample_lags(lags: Tensor, num_frames: int) -> Tensor:
    """The weights of lags (K, T, G) of causal GTA for T' = num_frames: (K, T', G).

    Each old lag's weight is divided among the new lags: the response to a constant input stays.
    """
    T = lags.shape[1]
    if num_frames == T:
        return lags
    rows = interpolation(T, num_frames)
    columns = rows / rows.sum(dim=0)
    return torch.einsum("ut,ktg->kug", columns, lags.double()).to(lags.dtype)


def resample_position(position: Tensor, num_frames: int) -> Tensor:
    """The positional embedding (T, D) of TAPE for T' = num_frames: interpolated, (T', D)."""
    if num_frames == len(position):
        return position
    return (interpolation(len(position), num_frames) @ position.double()).to(position.dtype)


def resize_grid(weight: Tensor, height: int, width: int) -> Tensor:
    """Numbers of a grid of positions (..., H, W) for another grid, interpolated: (..., H', W')."""
    if weight.shape[-2:] == (height, width):
        return weight
    rows, columns = (
        interpolation(old, new, weight.device).to(weight)  # made there: also within a CUDA graph
        for old, new in zip(weight.shape[-2:], (height, width), strict=True)
    )
    return rows @ weight @ columns.mT


def resample_regions(weight: Tensor, num_frames: int) -> Tensor:
    """A learned W_R (T, R, H, W) of GTA for T' = num_frames: interpolated, (T', R, H, W)."""
    if num_frames == len(weight):
        return weight
    rows = interpolation(len(weight), num_frames)
    return torch.einsum("ut,trhw->urhw", rows, weight.double()).to(weight.dtype)


def resample(name: str, tensor: Tensor, shape: torch.Size) -> Tensor:
    """A parameter or buffer of a block for the number of frames of `shape`, where it has any.

    Anything else, and what differs in more than the number of frames, is given back as it is.

    Args:
        name: Of the tensor in a state dictionary.
        tensor: For the old number of frames.
        shape: Of the tensor that is to hold it.
    """
    kind = name.rpartition(".")[2]
    if kind == "matrix" and tensor.ndim == len(shape) == 4 and tensor.shape[::2] == shape[::2]:
        return resample_matrix(tensor, shape[1])
    if kind == "lags" and tensor.ndim == len(shape) == 3 and tensor.shape[::2] == shape[::2]:
        return resample_lags(tensor, shape[1])
    if kind == "position" and tensor.ndim == len(shape) == 2 and tensor.shape[1] == shape[1]:
        return resample_position(tensor, shape[0])
    is_grid = name.endswith("assign.weight") and tensor.ndim == len(shape) == 4
    if is_grid and tensor.shape[1] == shape[1]:
        return resize_grid(resample_regions(tensor, shape[0]), *shape[2:])
    return tensor
