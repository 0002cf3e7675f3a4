"""GTA in a network of timm: the same logits when inserted, then a step of training.

python examples/blocks_in_timm.py [resnet18 layer3.1]
"""

import sys

import timm
import torch
from torch.nn.functional import cross_entropy

from gta.backbones import FrameWise
from gta.blocks import GlobalTemporalAttention, SpatialAttention


def main(name: str = "resnet18", at: str = "layer3.1", frames: int = 8, size: int = 64) -> float:
    """Returns the loss of a batch after one step of training."""
    network = timm.create_model(name, num_classes=10)  # pretrained=True where there is a network
    clips, labels = torch.randn(2, 3, frames, size, size), torch.tensor([3, 7])
    with torch.inference_mode():
        plain = network.eval()(clips.transpose(1, 2).flatten(0, 1)).unflatten(0, (2, -1)).mean(1)

    blocks = [SpatialAttention, GlobalTemporalAttention]
    model = FrameWise(network, num_frames=frames, blocks=blocks, at=[at])
    with torch.inference_mode():
        assert torch.allclose(model.eval()(clips), plain, atol=1e-4)  # nothing is changed yet

    optimizer = torch.optim.SGD(model.train().parameters(), lr=0.01)
    for step in range(2):
        loss = cross_entropy(model(clips), labels)
        print(f"step {step}: loss {loss.item():.3f}")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


if __name__ == "__main__":
    main(*sys.argv[1:])
