"""Both ends of every network: the clips that it takes, and the logits that it gives."""

import math

from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d

from gta.blocks.features import require_axes

CHANNELS = 3


def require_clips(x: Tensor) -> None:
    """Raise unless x is a batch of RGB clips (B, 3, T, H, W) of floating point numbers.

    Raises:
        TypeError: It is no tensor, or one of integers.
        ValueError: Its axes are others, or in another order.
    """
    require_axes(
        x,
        CHANNELS,
        expected="(B, C, T, H, W)",
        way_out=lambda shape: f": {_way_out(shape)}",
        remedy=(
            "gta.data.transforms.clip.normalize makes the network's input of frames of 0 to 255"
        ),
    )


def _way_out(shape: tuple[int, ...]) -> str:
    axes = len(shape)
    if axes == 4 and shape[0] == CHANNELS:
        return "one clip is a batch of one, clip[None]"
    if axes == 4 and shape[1] == CHANNELS:
        return "frames (T, C, H, W) are the clip frames.transpose(0, 1)[None]"
    if axes == 4 and shape[3] == CHANNELS:
        return "frames (T, H, W, C) are the clip frames.permute(3, 0, 1, 2)[None]"
    if axes == 5 and shape[2] == CHANNELS:
        return f"channels second, {CHANNELS} of them; clips.transpose(1, 2) exchanges them with T"
    if axes == 5 and shape[4] == CHANNELS:
        return f"channels second, {CHANNELS} of them; clips.permute(0, 4, 1, 2, 3) puts them there"
    return f"channels second, {CHANNELS} of them (red, green, blue)"


def pool_windows(x: Tensor, window: int | None) -> Tensor:
    """Means over all positions, or over each window x window of them.

    Args:
        x: (N, C, H, W).
        window: Side of the window in positions; None, and a side longer than H or W, take all.

    Returns:
        (N, P, C) for P windows, one position apart.
    """
    if window is None:
        x = adaptive_avg_pool2d(x, 1)
    else:
        x = avg_pool2d(x, (min(window, x.shape[2]), min(window, x.shape[3])), stride=1)
    return x.flatten(2).transpose(1, 2)


def mean_of_windows(logits: Tensor, *, training: bool) -> Tensor:
    """Logits (B, P, K) of P windows to logits (B, K).

    In evaluation the mean is one of probabilities, as in PySlowFast's head: the result is its
    logarithm, so that a softmax gives those means. In training it is one of logits.
    """
    if logits.shape[1] == 1:
        return logits.squeeze(1)
    if training:
        return logits.mean(dim=1)
    return logits.float().log_softmax(dim=2).logsumexp(dim=1) - math.log(logits.shape[1])
