"""A pretrained 2D trunk over frames, and what reads a clip's features: the form for own videos."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gta.backbones.clips import require_clips
from gta.backbones.frame_wise import frame_size_of, modules_at, run_once
from gta.backbones.grid_means import grid_means
from gta.backbones.stream import delay, initial_state, receptive_field, step
from gta.blocks.options import require_positive

HeadFactory = Callable[[int, int], nn.Module]
"""Makes a head from (channels, num_frames), such as a partial `ClipHead`."""
PIXELS = 3
"""Channels of clips, by which they are told from features."""


class TrunkNetwork(nn.Module):
    """A 2D network over frames up to one of its modules, then a head that sees the whole clip.

    Maps clips (B, 3, T, H, W) to logits (B, num_classes); or features of the trunk, as `features`
    gives them, so that those of a frozen trunk need to be computed only once.

    The network's parameters are found under `network.` by their own names, the head's in
    `inserted.`. What the network has after the module is not used.

    Args:
        network: Maps (frames, 3, H, W) to anything; it is used itself, not a copy of it.
        head: Makes what maps features (B, C, T, pool, pool) to logits, from C and T.
        num_frames: T.
        after: Path of the module whose output, (frames, C, h, w), is the trunk's feature map.
        pool: Side of the grid to which it is averaged; the head then costs the same for any
            frame size.

    Raises:
        ValueError: There is no such module, it gives no feature map, or the parts do not fit.
    """

    def __init__(
        self,
        network: nn.Module,
        head: HeadFactory,
        *,
        num_frames: int,
        after: str,
        pool: int = 3,
    ):
        super().__init__()
        require_positive("pool", pool)
        modules = modules_at(network, [after])
        feature = run_once(network, modules, frame_size_of(network))[after]
        if not isinstance(feature, Tensor) or feature.ndim != 4:
            raise ValueError(f"module {after!r} returns no feature map (frames, C, h, w)")
        self.channels = feature.shape[1]
        if self.channels <= PIXELS:
            raise ValueError(f"module {after!r} returns {self.channels} channels: name a later one")
        self.network, self.after, self.pool = network, after, pool
        self.num_frames, self.frozen = num_frames, False
        self.unused = unused_after(network, after)
        for name in self.unused:
            network.get_submodule(name).requires_grad_(False)
        self.inserted = nn.ModuleDict({"head": head(self.channels, num_frames)})
        self.causal = getattr(self.inserted["head"], "causal", False) is True
        self.map: Tensor | None = None
        modules[after].register_forward_hook(self.keep_map)

    def freeze(self) -> None:
        """The trunk stays as it is: no gradients, and always the statistics of evaluation."""
        self.frozen = True
        self.network.requires_grad_(False)
        self.network.eval()

    def trunk_state(self) -> dict[str, Tensor]:
        """The tensors on which the features depend."""
        beside = tuple(f"{name}." for name in self.unused)
        state = self.network.state_dict()
        return {key: value for key, value in state.items() if not key.startswith(beside)}

    def keep_map(self, module: nn.Module, args: object, output: Tensor) -> None:
        """The forward hook of the trunk's last module."""
        self.map = output

    def train(self, mode: bool = True) -> "TrunkNetwork":
        """A frozen trunk stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.network.eval()
        return self

    def features(self, clips: Tensor) -> Tensor:
        """Of clips (B, 3, T, H, W): (B, C, T, pool, pool)."""
        require_clips(clips)
        self.network(clips.transpose(1, 2).flatten(0, 1))
        feature, self.map = self.map, None
        assert feature is not None
        pooled = grid_means(feature, self.pool)
        return pooled.unflatten(0, (clips.shape[0], -1)).transpose(1, 2)

    def forward(self, clips: Tensor) -> Tensor:
        if clips.ndim == 5 and clips.shape[1] == self.channels:
            return self.inserted["head"](clips)
        if self.frozen:
            with torch.no_grad():
                features = self.features(clips)
        else:
            features = self.features(clips)
        return self.inserted["head"](features)

    step, initial_state = step, initial_state
    delay, receptive_field = property(delay), property(receptive_field)


def unused_after(network: nn.Module, after: str) -> list[str]:
    """Modules with parameters of their own that a network has after another, in its order."""
    names = [name for name, _ in network.named_modules()]
    last = max(i for i, name in enumerate(names) if f"{name}.".startswith(f"{after}."))
    later = names[last + 1 :]
    return [n for n in later if [*network.get_submodule(n).parameters(recurse=False)]]
