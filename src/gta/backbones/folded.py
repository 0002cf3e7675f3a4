"""Batch normalizations folded into the convolutions before them, for inference."""

import copy
from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

Convolution = nn.Conv2d | nn.Conv3d
BatchNorm = nn.BatchNorm2d | nn.BatchNorm3d


def fold_norms(model: nn.Module) -> nn.Module:
    """A copy of a network without the normalizations of its convolutions: the same outputs, faster.

    Folded are the pairs of which this is certain: `conv` and `bn`, `conv1` and `bn1`, ... of one
    module, neighbors in a `Sequential`, and in timm's networks a convolution and the normalization
    with activation beside it. Blocks keep theirs.

    Raises:
        ValueError: The model is in training mode, where normalization depends on the batch.
    """
    if model.training:
        raise ValueError("only a network in evaluation mode can be folded: call model.eval() first")
    model = copy.deepcopy(model)
    for parent in model.modules():
        for conv_name, norm_name in _pairs(parent):
            conv, norm = getattr(parent, conv_name), getattr(parent, norm_name)
            if norm._forward_hooks:  # it would be lost with the layer
                continue
            if isinstance(conv, Convolution) and isinstance(norm, BatchNorm):
                setattr(parent, conv_name, fuse_conv_bn_eval(conv, norm))
                # timm's layer is a normalization and the activation after it
                after = getattr(norm, "act", None)
                setattr(parent, norm_name, after if isinstance(after, nn.Module) else nn.Identity())
    return model


def _pairs(parent: nn.Module) -> list[tuple[str, str]]:
    """Names of children of which the second normalizes what the first gives."""
    names = [name for name, _ in parent.named_children()]
    if isinstance(parent, nn.Sequential):
        return list(pairwise(names))
    of_timm = [
        (conv, norm)
        for conv, norm in pairwise(names)
        if hasattr(getattr(parent, norm), "act") and isinstance(getattr(parent, norm), BatchNorm)
    ]
    if of_timm:
        return of_timm
    pairs = [(name, name.replace("conv", "bn", 1)) for name in names if name.startswith("conv")]
    return [(conv, norm) for conv, norm in pairs if norm in names]
