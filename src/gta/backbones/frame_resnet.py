"""ResNet over frames: R2D, and TSM when its residual branches shift along time.

He et al., CVPR 2016; the residual blocks have torchvision's parameter names.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from torch import Tensor, nn

from gta.backbones.clips import mean_of_windows, pool_windows, require_clips
from gta.backbones.inserted import STAGES, BlockFactory, any_frames, insert_blocks
from gta.backbones.stream import delay, initial_state, receptive_field, require_causal, step
from gta.backbones.temporal_shift import CausalShift, TemporalShift
from gta.blocks.causal import MeanOfLast
from gta.blocks.features import require_frames
from gta.blocks.options import require_positive


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


DEPTHS: dict[int, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, int, int, int]]] = {
    10: (BasicBlock, (1, 1, 1, 1)),
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
}
"""Residual block and number of blocks in res2 ... res5."""


class FrameResNet(nn.Module):
    """ResNet applied to each frame, with blocks inserted that see the whole clip.

    Maps clips (B, 3, T, H, W) to logits (B, num_classes): the mean over frames of per-frame
    logits. The trunk has torchvision's parameter names, and without blocks its outputs to the last
    bit; inserted blocks live in `inserted`. Only they, and the shift, carry anything from one
    frame to another: H and W are free, T too unless a block or the shift was made for `num_frames`.

    Checked against torchvision's ResNet, `TSN` of the TSM repository (mit-han-lab/
    temporal-shift-module) and `ResNet` of PySlowFast (facebookresearch/SlowFast, C2D).

    Args:
        depth: 10, 18, 34, 50 or 101. 10 has one basic block in each stage.
        num_classes: Number of logits.
        num_frames: T, frames of a clip, for the blocks and the shift.
        width: Channels of the stem and of res2's blocks, 64 in all published ResNets.
        tsm: Shift a part of the channels forward and another backward in time in the residual
            branches: in every block, in every second one of a stage where res4 has 23 blocks (depth
            101), as in the TSM repository ("blockres").
        shift_div: The parts that `tsm` shifts are 1/shift_div of the channels each, 1/8 in all
            published results. Weights do not show it.
        temporal_pool: Keep the larger of every two frames' features after res2, so that all later
            layers and blocks see T/2 frames, as in PySlowFast's C2D.
        dropout: Probability of dropping a feature before the classifier.
        window: Side of the classifier's pooling window in positions, for clips larger than those
            of training: PySlowFast's networks have 7 (224 pixels), and average the probabilities of
            all windows. None pools all positions at once.
        causal: No frame sees a later frame: the shift goes one way, and logits are the mean over
            the last `num_frames` frames of a clip, which may have any number. `step` then goes
            through a stream frame by frame.
        blocks: The blocks of one place, in the order in which they run.
        placement: Stage name to 0-based indices of the residual blocks after whose ReLU the blocks
            run. The paper's: {"res3": [1, 3], "res4": [1, 3, 5]}.

    Raises:
        ValueError: There is no such network; or, in `forward`, the clip has another T than a block
            or the shift was made for.
    """

    def __init__(
        self,
        depth: int,
        *,
        num_classes: int,
        num_frames: int,
        width: int = 64,
        tsm: bool = False,
        shift_div: int = 8,
        temporal_pool: bool = False,
        dropout: float = 0.5,
        window: int | None = None,
        causal: bool = False,
        blocks: Sequence[BlockFactory] = (),
        placement: Mapping[str, Sequence[int]] | None = None,
    ):
        super().__init__()
        if depth not in DEPTHS:
            raise ValueError(f"there is no ResNet of depth {depth}: depths are {list(DEPTHS)}")
        require_positive("num_classes", num_classes)
        require_positive("num_frames", num_frames)
        require_positive("width", width)
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be at least 0 and less than 1, got {dropout}")
        if tsm and width < shift_div:
            raise ValueError(
                f"tsm shifts 1/{shift_div} of the channels: width must be at least {shift_div}, "
                f"got {width}"
            )
        if temporal_pool and num_frames % 2:
            raise ValueError(f"temporal_pool takes pairs of frames: got num_frames={num_frames}")
        if causal and temporal_pool:
            raise ValueError("temporal_pool takes pairs of frames, and a stream has one at a time")
        if window is not None:
            require_positive("window", window)
        residual, lengths = DEPTHS[depth]
        shift_every = 2 if lengths[2] >= 23 else 1
        self.num_frames = num_frames
        self.temporal_pool = temporal_pool
        self.window = window
        self.causal = causal
        frames = dict.fromkeys(STAGES, num_frames // 2 if temporal_pool else num_frames)
        frames["res2"] = num_frames
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels = width
        stage_channels = {}
        for number, (stage, layer) in enumerate(STAGES.items()):
            stage_width = width * 2**number
            stack = nn.Sequential()
            for index in range(lengths[number]):
                stride = 2 if number > 0 and index == 0 else 1
                shift = None
                if tsm and index % shift_every == 0:
                    made = partial(TemporalShift, frames[stage])
                    shift = (CausalShift if causal else made)(fraction=shift_div)
                stack.append(residual(channels, stage_width, stride, shift))
                channels = stage_width * residual.expansion
            self.add_module(layer, stack)
            stage_channels[stage] = channels
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(channels, num_classes)
        self.reset_parameters()
        self.inserted = insert_blocks(
            blocks,
            placement or {},
            channels=stage_channels,
            lengths=dict(zip(STAGES, lengths, strict=True)),
            num_frames=frames,
        )
        if causal:
            require_causal(self.inserted)
        self.average = MeanOfLast(num_frames) if causal else None
        self.any_frames = causal or (not tsm and any_frames(self.inserted))

    def reset_parameters(self) -> None:
        """Draw the trunk's weights as torchvision does, and the classifier's as TSM does."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.normal_(self.fc.weight, std=0.001)
        nn.init.zeros_(self.fc.bias)

    def forward(self, clips: Tensor) -> Tensor:
        require_clips(clips)
        B, _, T, _, _ = clips.shape
        if not self.any_frames:
            require_frames(clips, self.num_frames)
        if self.temporal_pool and T % 2:
            raise ValueError(f"temporal_pool takes pairs of frames: got clips of {T}")
        for module in self.modules() if self.causal else ():
            if isinstance(module, CausalShift):
                module.clip_frames = T
        x = clips.transpose(1, 2).flatten(0, 1)  # (B*T, 3, H, W)
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage, layer in STAGES.items():
            for index, residual in enumerate(self.get_submodule(layer).children()):
                x = residual(x)
                key = f"{stage}_{index}"
                if key in self.inserted:
                    feature = x.unflatten(0, (B, T)).transpose(1, 2)  # (B, C, T, H, W)
                    x = self.inserted[key](feature).transpose(1, 2).flatten(0, 1)
            if self.temporal_pool and stage == "res2":
                x = x.unflatten(0, (-1, 2)).amax(dim=1)
                T = T // 2
        x = self.fc(self.dropout(pool_windows(x, self.window)))  # (B*T, windows, classes)
        x = x.unflatten(0, (B, T))
        x = x.mean(dim=1) if self.average is None else self.average(x)
        return mean_of_windows(x, training=self.training)

    step, initial_state = step, initial_state
    delay, receptive_field = property(delay), property(receptive_field)
