"""Gradients of several processes, averaged without a wrapper of the model.

`DistributedDataParallel` averages while the backward pass still runs, by hooks that do not work in
a CUDA graph; here the exchange follows the backward pass.
"""

from itertools import chain

import torch
import torch.distributed as dist
from torch import Tensor, nn

from gta.training import many

_BUCKET = 64 * 2**20
"""Bytes sent at a time."""


class Exchange:
    """Replaces the gradients of all processes by their mean, as `DistributedDataParallel` does.

    All processes start with the parameters and buffers of the first process.

    Args:
        model: The model, on the device of the process group.
        world_size: Number of processes.
    """

    def __init__(self, model: nn.Module, world_size: int):
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.world_size = world_size
        for tensor in chain(model.parameters(), model.buffers()):
            sent = tensor.detach().contiguous()
            dist.broadcast(sent, src=0)
            tensor.detach().copy_(sent)

    @torch.no_grad()
    def __call__(self) -> None:
        """Averages; every process calls it in every step."""
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        for bucket in buckets(gradients):
            joined = torch.cat([gradient.reshape(-1) for gradient in bucket]).div_(self.world_size)
            dist.all_reduce(joined)
            parts = joined.split([gradient.numel() for gradient in bucket])
            views = [part.view(g.shape) for part, g in zip(parts, bucket, strict=True)]
            many.copy(bucket, views)


def buckets(tensors: list[Tensor]) -> list[list[Tensor]]:
    """Tensors of one type that are sent together, in their order."""
    buckets: list[list[Tensor]] = []
    size = 0
    for tensor in tensors:
        if not buckets or size + tensor.nbytes > _BUCKET or buckets[-1][0].dtype != tensor.dtype:
            buckets.append([])
            size = 0
        buckets[-1].append(tensor)
        size += tensor.nbytes
    return buckets
