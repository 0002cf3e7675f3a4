"""A pathway of SlowFast: ResNet of (1 or 3) x 3 x 3 convolutions, with torchvision's names."""

from collections.abc import Sequence

from torch import Tensor, nn

from gta.backbones.inserted import STAGES

EXPANSION = 4
"""Output channels of a bottleneck over its width."""


def convolution(
    in_channels: int, channels: int, kernel: tuple[int, int, int], stride: tuple[int, int, int]
) -> nn.Conv3d:
    """A convolution without bias, padded so that stride 1 keeps the shape."""
    T, H, W = kernel
    padding = (T // 2, H // 2, W // 2)
    return nn.Conv3d(in_channels, channels, kernel, stride, padding, bias=False)


class Bottleneck(nn.Module):
    """Tx1x1, 1x3x3, 1x1x1 convolutions: (B, in_channels, T, H, W) to (B, 4*width, T, H/s, W/s).

    Args:
        in_channels: Of the input.
        width: Channels inside.
        stride: s, in the 1x3x3 convolution.
        temporal: T, temporal length of the first kernel, odd.
    """

    def __init__(self, in_channels: int, width: int, stride: int, temporal: int):
        super().__init__()
        channels, strides = width * EXPANSION, (1, stride, stride)
        self.conv1 = convolution(in_channels, width, (temporal, 1, 1), (1, 1, 1))
        self.bn1 = nn.BatchNorm3d(width)
        self.conv2 = convolution(width, width, (1, 3, 3), strides)
        self.bn2 = nn.BatchNorm3d(width)
        self.conv3 = convolution(width, channels, (1, 1, 1), (1, 1, 1))
        self.bn3 = nn.BatchNorm3d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or in_channels != channels:
            self.downsample = nn.Sequential(
                convolution(in_channels, channels, (1, 1, 1), strides), nn.BatchNorm3d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        x = self.bn3(self.conv3(x))
        return self.relu(x.add_(identity))


class Pathway(nn.Module):
    """The layers of a pathway; `SlowFast` runs them, since it joins the pathways in between.

    Args:
        width: Channels of the stem.
        stem_kernel: Temporal length of the stem's kernel.
        lengths: Residual blocks of res2 ... res5.
        temporal: How many blocks of each stage, from its first, have temporal kernels of length 3.
        joined: Channels that another pathway adds to the input of each stage.
    """

    def __init__(
        self,
        width: int,
        *,
        stem_kernel: int,
        lengths: tuple[int, int, int, int],
        temporal: tuple[int, int, int, int],
        joined: Sequence[int],
    ):
        super().__init__()
        self.conv1 = convolution(3, width, (stem_kernel, 7, 7), (1, 2, 2))
        self.bn1 = nn.BatchNorm3d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))
        channels = width
        for number, layer in enumerate(STAGES.values()):
            stack = nn.Sequential()
            channels += joined[number]
            for index in range(lengths[number]):
                stride = 2 if number > 0 and index == 0 else 1
                kernel = 3 if index < temporal[number] else 1
                stack.append(Bottleneck(channels, width * 2**number, stride, kernel))
                channels = width * 2**number * EXPANSION
            self.add_module(layer, stack)
        self.channels = channels
        """Of the output of res5."""

    def stem(self, x: Tensor) -> Tensor:
        """(B, 3, T, H, W) to (B, width, T, H/4, W/4)."""
        return self.maxpool(self.relu(self.bn1(self.conv1(x))))

    def stage(self, name: str) -> nn.Sequential:
        """The residual blocks of a stage, "res2" ... "res5"."""
        layer = self.get_submodule(STAGES[name])
        assert isinstance(layer, nn.Sequential)
        return layer
