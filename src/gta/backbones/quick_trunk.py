"""A frozen trunk for inference: the same features in less time."""

import copy

import torch
from torch import Tensor, nn

from gta.backbones.folded import fold_norms
from gta.backbones.trunk import TrunkNetwork

SIZES = (64, 75)
"""Height and width of the frames for which features have to stay: all even, and not."""
_PIXELS = 2**18
"""Pixels of frames that a CPU sees at a time. What a layer gives for more than these takes more
than 32 MiB in the networks used here, and the C library then asks the system for new memory, which
has to be cleared, in each layer of each batch: a third of the time."""


def quick_trunk(model: TrunkNetwork) -> TrunkNetwork:
    """A copy of a frozen network in evaluation mode, without work that changes no feature.

    Normalizations are folded into convolutions, padding is left to the convolutions, what comes
    after the trunk is removed, and weights are laid out as convolutions read them; each only where
    the features stay the same.
    """
    model = copy.deepcopy(model).eval()
    device = next(model.parameters()).device
    with torch.inference_mode():
        frames = [
            torch.linspace(-1, 1, 3 * S * S, device=device).view(1, 3, 1, S, S) for S in SIZES
        ]
        expected = [model.features(frame) for frame in frames]
        for change in (fold_norms, _without_rest, _without_padding, _in_rows):
            changed = change(model)
            if isinstance(changed, TrunkNetwork) and _gives(changed, frames, expected):
                model = changed
    return model


def with_same_weights(model: TrunkNetwork) -> TrunkNetwork:
    """A copy for another thread, with the same tensors: a network holds its map while it runs."""
    return copy.deepcopy(model, {id(t): t for t in (*model.parameters(), *model.buffers())})


def features_in_parts(model: TrunkNetwork, clips: Tensor) -> Tensor:
    """`model.features`, on a CPU of some frames at a time: (B, 3, T, H, W) to (B, C, T, h, w)."""
    T, H, W = clips.shape[2:]
    if clips.device.type != "cpu":
        return model.features(clips)
    frames = min(max(_PIXELS // (H * W), 1), T)
    parts = [[model.features(p) for p in clip.split(frames, dim=2)] for clip in clips.split(1)]
    return torch.cat([torch.cat(clip, dim=2) for clip in parts])


class EvenConvolution(nn.Module):
    """TensorFlow's "same" padding of a convolution of stride 2, without a padded copy of its input.

    Of even sizes it adds one position more behind than before, k - 2 together. A kernel with zeros
    before its first row and column gives the same with (k - 1) / 2 positions on each side, which
    the convolution itself passes over. Other sizes go through the convolution as it was.

    Args:
        convolution: With an odd kernel of k x k, stride 2 and no dilation.
    """

    def __init__(self, convolution: nn.Conv2d):
        super().__init__()
        self.any_size = convolution
        self.padding = convolution.kernel_size[0] // 2
        self.weight = nn.Parameter(
            nn.functional.pad(convolution.weight.detach(), (1, 0, 1, 0)), requires_grad=False
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, D, H/2, W/2), rounded up."""
        if x.shape[-2] % 2 or x.shape[-1] % 2:
            return self.any_size(x)
        conv = self.any_size
        return nn.functional.conv2d(x, self.weight, conv.bias, 2, self.padding, 1, conv.groups)


def _without_padding(model: TrunkNetwork) -> TrunkNetwork:
    model = copy.deepcopy(model)
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.Conv2d) and _pads_as_tensorflow(child):
                setattr(parent, name, EvenConvolution(child))
    return model


def _in_rows(model: TrunkNetwork) -> TrunkNetwork:
    model = copy.deepcopy(model)
    model.network.to(memory_format=torch.channels_last)
    return model


def _pads_as_tensorflow(conv: nn.Conv2d) -> bool:
    if type(conv).__name__ != "Conv2dSame" or conv.dilation != (1, 1) or conv.stride != (2, 2):
        return False  # the first is timm's
    rows, columns = conv.kernel_size
    return rows == columns and rows % 2 == 1 and rows > 1


def _without_rest(model: TrunkNetwork) -> TrunkNetwork:
    model = copy.deepcopy(model)
    for name in model.unused:
        model.network.set_submodule(name, nn.Identity())
    return model


def _gives(model: TrunkNetwork, frames: list[Tensor], expected: list[Tensor]) -> bool:
    try:
        seen = [model.features(frame) for frame in frames]
    except (RuntimeError, ValueError, TypeError, AttributeError):  # it needs what was removed
        return False
    pairs = zip(seen, expected, strict=True)
    return all(torch.allclose(a, b, rtol=1e-2, atol=1e-3) for a, b in pairs)
