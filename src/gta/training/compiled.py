"""A network compiled by torch, whose compiled code a later run finds on disk."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch._functorch import config

_SETTINGS = ("autograd_cache_allow_custom_autograd_functions", "recompute_views")
"""Of torch's own, and private: without one of them it compiles as well."""


def compiled(network: nn.Module) -> Callable[[Tensor], Tensor]:
    """The network, compiled when it is first called, for each shape anew.

    For a second size of frames in a process the compiler would make a network for any size, and
    fails at that (torch 2.14, channels last).

    Torch keeps on disk what it compiled. What its autograd traced it keeps of networks with
    autograd functions, such as the blocks', only if it is told so: without, the second start on an
    H200 took 36 s to its first step, with 18 (benchmarks/NOTES.md). The key is the traced code of
    the functions, so changed ones are traced again. The environment can say otherwise
    (TORCHINDUCTOR_AUTOGRAD_CACHE_ALLOW_CUSTOM_AUTOGRAD=0).

    Before a block, whose rows are a view of the feature, it would keep for the backward pass the
    view and, by itself, where the feature is 0; unless views are made again, which costs nothing.
    """
    for setting in _SETTINGS:
        if hasattr(config, setting):
            setattr(config, setting, True)
    return torch.compile(network, dynamic=False)
