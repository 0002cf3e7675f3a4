"""From features to logits where the pooling window may be smaller than the feature map."""

import math

from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d


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
