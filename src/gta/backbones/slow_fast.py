"""SlowFast (Feichtenhofer et al., ICCV 2019): two pathways at two frame rates."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from gta.backbones.clips import mean_of_windows, pool_windows, require_clips
from gta.backbones.inserted import STAGES, BlockFactory, any_frames, insert_blocks
from gta.backbones.pathway import EXPANSION, Bottleneck, Pathway, convolution
from gta.blocks.features import require_frames
from gta.blocks.options import require_positive

LENGTHS: dict[int, tuple[int, int, int, int]] = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
"""Residual blocks of res2 ... res5, by depth."""

FUSION_RATIO = 2
"""Channels that a lateral connection makes of each channel of the fast pathway."""


def slow_indices(num_frames: int, alpha: int) -> list[int]:
    """The T/alpha frames of the slow pathway: evenly spaced from the first to the last, truncated.

    PySlowFast's rule, in its float32 arithmetic: for 32 frames and alpha = 4 these are 0, 4, 8, 13,
    17, 22, 26, 31 and not every fourth.
    """
    spaced = torch.linspace(0, num_frames - 1, num_frames // alpha, device="cpu")
    return spaced.long().tolist()


# What `torch.compiler.assume_constant_result` does; it imports the compiler, which takes seconds.
slow_indices._dynamo_marked_constant = True  # pyright: ignore[reportFunctionMemberAccess]


class Lateral(nn.Module):
    """A time-strided convolution from the fast pathway's features to the slow pathway's rate.

    Maps (B, C, T, H, W) to (B, 2*C, T/alpha, H, W).
    """

    def __init__(self, channels: int, kernel: int, alpha: int):
        super().__init__()
        self.conv = convolution(channels, FUSION_RATIO * channels, (kernel, 1, 1), (alpha, 1, 1))
        self.bn = nn.BatchNorm3d(FUSION_RATIO * channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(x)))


class SlowFast(nn.Module):
    """SlowFast network, with blocks inserted into its slow pathway.

    Maps clips (B, 3, T, H, W) to logits (B, num_classes). The fast pathway sees all T frames in few
    channels, the slow pathway T/alpha of them, which are drawn here; after the stem and after
    res2 ... res4 a lateral connection adds the fast features to the input of the slow pathway. H
    and W are free, T too unless a block was made for `num_frames`.

    Checked against `SlowFast` of PySlowFast (facebookresearch/SlowFast) and `create_slowfast` of
    pytorchvideo.

    Args:
        depth: 50 or 101.
        num_classes: Number of logits.
        num_frames: T, frames of a clip: 64 for the "16x8" networks, 32 for "8x8".
        width: Channels of the slow stem, 64 in all published networks; a multiple of beta_inv.
        alpha: Frames of the fast pathway for each of the slow pathway.
        beta_inv: Width of the slow pathway over that of the fast pathway (the paper's 1/beta).
        fusion_kernel: Temporal length of the lateral convolutions, odd: 7, or 5 in older networks.
        temporal_blocks: How many of res4's blocks have temporal kernels in the (slow, fast)
            pathway; all, if None. The "R101-50-50" networks have (6, 6) of 23.
        dropout: Probability of dropping a feature before the classifier.
        window: Side of the classifier's pooling window in positions, for clips larger than those
            of training: PySlowFast's networks have 7 (224 pixels), and average the probabilities of
            all windows. None pools all positions at once.
        blocks: The blocks of one place, in the order in which they run.
        placement: Stage name to 0-based indices of the slow pathway's residual blocks after whose
            ReLU the blocks run: {"res3": [1, 3], "res4": [1, 3, 5]} or {"res4": [6, 13, 20]}.

    Raises:
        ValueError: There is no such network; or, in `forward`, the clip has another T than a block
            was made for, or a number that alpha does not divide.
    """

    def __init__(
        self,
        depth: int,
        *,
        num_classes: int,
        num_frames: int,
        width: int = 64,
        alpha: int = 4,
        beta_inv: int = 8,
        fusion_kernel: int = 7,
        temporal_blocks: tuple[int, int] | None = None,
        dropout: float = 0.5,
        window: int | None = None,
        blocks: Sequence[BlockFactory] = (),
        placement: Mapping[str, Sequence[int]] | None = None,
    ):
        super().__init__()
        if depth not in LENGTHS:
            raise ValueError(f"there is no SlowFast of depth {depth}: depths are {list(LENGTHS)}")
        require_positive("num_classes", num_classes)
        require_positive("alpha", alpha)
        require_positive("beta_inv", beta_inv)
        if width < 1 or width % beta_inv:
            raise ValueError(
                f"the fast pathway has 1/{beta_inv} of the channels: width must be a multiple of "
                f"{beta_inv}, got {width}"
            )
        if fusion_kernel < 1 or fusion_kernel % 2 == 0:
            raise ValueError(f"fusion_kernel must be odd, got {fusion_kernel}")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be at least 0 and less than 1, got {dropout}")
        if window is not None:
            require_positive("window", window)
        lengths = LENGTHS[depth]
        slow_temporal, fast_temporal = temporal_blocks or (lengths[2], lengths[2])
        if not (0 <= slow_temporal <= lengths[2] and 0 <= fast_temporal <= lengths[2]):
            raise ValueError(
                f"temporal_blocks counts some of res4's {lengths[2]} residual blocks in the (slow, "
                f"fast) pathway, got {temporal_blocks}"
            )
        fast_width = width // beta_inv
        fast_channels = (fast_width, *(fast_width * 2**n * EXPANSION for n in range(3)))
        self.num_frames = num_frames
        self.alpha = alpha
        self.window = window
        self.slow = Pathway(
            width,
            stem_kernel=1,
            lengths=lengths,
            temporal=(0, 0, slow_temporal, lengths[3]),
            joined=[FUSION_RATIO * channels for channels in fast_channels],
        )
        self.fast = Pathway(
            fast_width,
            stem_kernel=5,
            lengths=lengths,
            temporal=(lengths[0], lengths[1], fast_temporal, lengths[3]),
            joined=(0, 0, 0, 0),
        )
        self.lateral = nn.ModuleDict(
            {
                before: Lateral(channels, fusion_kernel, alpha)
                for before, channels in zip(
                    ("stem", "res2", "res3", "res4"), fast_channels, strict=True
                )
            }
        )
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(self.slow.channels + self.fast.channels, num_classes)
        self.reset_parameters()
        self.require_multiple(num_frames)
        self.inserted = insert_blocks(
            blocks,
            placement or {},
            channels={stage: width * 2**n * EXPANSION for n, stage in enumerate(STAGES)},
            lengths=dict(zip(STAGES, lengths, strict=True)),
            num_frames=dict.fromkeys(STAGES, num_frames // alpha),
        )
        self.any_frames = any_frames(self.inserted)

    def reset_parameters(self) -> None:
        """Draw the trunk's weights as PySlowFast does: each residual branch starts at zero."""
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, Bottleneck):
                nn.init.zeros_(module.bn3.weight)
        nn.init.normal_(self.fc.weight, std=0.01)
        nn.init.zeros_(self.fc.bias)

    def require_multiple(self, num_frames: int) -> None:
        """Raise `ValueError` unless alpha divides the number of frames."""
        if num_frames < 1 or num_frames % self.alpha:
            raise ValueError(
                f"the slow pathway sees every {self.alpha}-th frame: clips must have a multiple of "
                f"{self.alpha} frames, got {num_frames}"
            )

    def forward(self, clips: Tensor) -> Tensor:
        require_clips(clips)
        T = clips.shape[2]
        self.require_multiple(T)
        if not self.any_frames:
            require_frames(clips, self.num_frames)
        fast = self.fast.stem(clips)
        slow = torch.stack([clips[:, :, t] for t in slow_indices(T, self.alpha)], dim=2)
        slow = torch.cat([self.slow.stem(slow), self.lateral["stem"](fast)], dim=1)
        for stage in STAGES:
            for index, residual in enumerate(self.slow.stage(stage)):
                slow = residual(slow)
                key = f"{stage}_{index}"
                if key in self.inserted:
                    slow = self.inserted[key](slow)
            fast = self.fast.stage(stage)(fast)
            if stage in self.lateral:
                slow = torch.cat([slow, self.lateral[stage](fast)], dim=1)
        features = [pool_windows(x.mean(dim=2), self.window) for x in (slow, fast)]
        logits = self.fc(self.dropout(torch.cat(features, dim=2)))  # (B, windows, classes)
        return mean_of_windows(logits, training=self.training)
