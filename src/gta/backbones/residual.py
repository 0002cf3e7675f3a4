"""The two residual blocks of ResNet (He et al., CVPR 2016), with torchvision's parameter names."""

from torch import Tensor, nn


def shortcut(in_channels: int, channels: int, stride: int) -> nn.Module | None:
    """The projection on the shortcut where the shape changes."""
    if stride == 1 and in_channels == channels:
        return None
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
    )


class BasicBlock(nn.Module):
    """Two 3x3 convolutions: (B*T, in_channels, H, W) to (B*T, width, H/stride, W/stride).

    `shift` is applied to the input of the residual branch only.
    """

    expansion = 1

    def __init__(self, in_channels: int, width: int, stride: int, shift: nn.Module | None = None):
        super().__init__()
        self.shift = shift
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(in_channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        x = x if self.shift is None else self.shift(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x))
        return self.relu(x.add_(identity))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions: (B*T, in_channels, H, W) to (B*T, 4*width, H/stride, W/stride).

    The stride is in the 3x3 convolution (torchvision's "v1.5"). `shift` is applied to the input of
    the residual branch only.
    """

    expansion = 4

    def __init__(self, in_channels: int, width: int, stride: int, shift: nn.Module | None = None):
        super().__init__()
        self.shift = shift
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(in_channels, 4 * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        x = x if self.shift is None else self.shift(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        x = self.bn3(self.conv3(x))
        return self.relu(x.add_(identity))
