"""The causal form of Eq. 6-8, for streams: what a frame is mixed with are the T - 1 before it.

Axes: B batch, T frames of the window, L frames of a clip, P frames before it, K heads, G groups, S
frames summed over, D width; positions or regions stand at the dots.
"""

import torch
from torch import Tensor, nn

from gta.blocks.channel_groups import mix_groups
from gta.blocks.features import Projection, zero_norm


class Memory(nn.Module):
    """What a part of a network keeps of the frames before those that it is given.

    Outside of a stream nothing: a clip begins with its first frame. In a stream, between `begin`
    and `end`, the last `length` frames, of which those before the first are zeros.

    Args:
        length: Frames that are kept.
    """

    def __init__(self, length: int):
        super().__init__()
        self.length = length
        self.streams = False
        self.past: Tensor | None = None

    def begin(self, past: Tensor | None) -> None:
        """From here on frames follow those of `past` (B, length, N, D); None: they are the first.

        Raises:
            ValueError: The past is that of another part.
        """
        if past is not None and (past.ndim != 4 or past.shape[1] != self.length):
            raise ValueError(
                f"expected the state of {self.length} frames, (B, {self.length}, N, D), got "
                f"{tuple(past.shape)}: states are what the step before gave, or initial_state(...)"
            )
        self.streams, self.past = True, past

    def end(self) -> Tensor | None:
        """The frames that were kept, (B, length, N, D), for the next `begin`; None: none came."""
        past, self.past, self.streams = self.past, None, False
        return past

    def forward(self, x: Tensor) -> Tensor:
        """Frames (B, L, ..., D) with those before them: (B, P + L, ..., D); P = 0 of a clip."""
        if not self.streams or not self.length:
            return x
        if self.past is None:
            past = x.new_zeros(x.shape[0], self.length, *x.shape[2:])
        else:
            past = self.past.reshape(x.shape[0], self.length, *x.shape[2:])
        whole = torch.cat([past, x], dim=1)
        self.past = whole[:, -self.length :].flatten(2, -2)
        return whole


class LastFrames(nn.Module):
    """For each frame the T that end with it; those before a clip's first do not count.

    Args:
        num_frames: T.
    """

    def __init__(self, num_frames: int):
        super().__init__()
        self.num_frames = num_frames
        self.memory = Memory(num_frames - 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Of (B, L, N, D): the frames (B, L, N, D, T), and their weights (B, L, 1, 1, T).

        The weights of one frame are all the same and sum to 1, but those of frames that are not
        there are zero.
        """
        there = x.new_ones(*x.shape[:-1], 1)
        whole = self.memory(torch.cat([x, there], dim=-1))
        missing = self.num_frames - 1 + x.shape[1] - whole.shape[1]
        if missing:
            before = whole.new_zeros(whole.shape[0], missing, *whole.shape[2:])
            whole = torch.cat([before, whole], dim=1)
        parts = [whole[:, s : s + x.shape[1]] for s in range(self.num_frames)]
        windows = torch.stack(parts, dim=-1)
        there = windows[:, :, :1, -1:]
        return windows[..., :-1, :], there / there.sum(dim=-1, keepdim=True)


class MeanOfLast(nn.Module):
    """The mean of the last T frames: of (B, L, N, D), that at the last frame, (B, N, D).

    Args:
        num_frames: T.
    """

    def __init__(self, num_frames: int):
        super().__init__()
        self.last = LastFrames(num_frames)

    def forward(self, x: Tensor) -> Tensor:
        windows, weights = self.last(x)
        return (windows[:, -1] * weights[:, -1]).sum(dim=-1)


def lag_matrix(lags: Tensor, num_frames: int, num_seen: int) -> Tensor:
    """The matrix (K, L, G, S) of the last L = num_frames of S = num_seen frames.

    Block-Toeplitz: M[k, t, g, s] = lags[k, t - s, g], zero outside 0 <= t - s < T.

    Args:
        lags: (K, T, G).
        num_frames: L.
        num_seen: S.
    """
    now = torch.arange(num_seen - num_frames, num_seen, device=lags.device)
    lag = now[:, None] - torch.arange(num_seen, device=lags.device)  # (L, S)
    within = (lag >= 0) & (lag < lags.shape[1])
    matrix = lags[:, lag.clamp(0, lags.shape[1] - 1)]  # (K, L, S, G)
    return (matrix * within[..., None].to(lags.dtype)).transpose(2, 3)


class CausalBranch(nn.Module):
    """The branch of GTA whose matrix depends on the lag t - s alone; see `gta.Branch`.

    Clips may have any number of frames.
    """

    def __init__(self, channels: int, num_frames: int, width: int, groups: int, heads: int):
        super().__init__()
        self.value = Projection(channels, width)  # W_V
        self.lags = nn.Parameter(torch.empty(heads, num_frames, groups))  # K, T, G
        self.memory = Memory(num_frames - 1)
        concatenated = heads * width // groups
        self.heads = Projection(concatenated, width) if heads != groups else None
        self.output = Projection(width, channels)  # W_O
        self.norm = zero_norm(channels)
        nn.init.normal_(self.lags, std=(groups * num_frames) ** -0.5)  # keeps the variance of V

    @property
    def matrix(self) -> Tensor:
        """The matrix of a clip of T frames, (K, T, G, T)."""
        return lag_matrix(self.lags, self.lags.shape[1], self.lags.shape[1])

    def mix(self, value: Tensor) -> Tensor:
        """A, the values (B, L, ..., D) mixed with those before them."""
        seen = self.memory(value)
        matrix = lag_matrix(self.lags, value.shape[1], seen.shape[1])
        attended = mix_groups(matrix, seen)  # Eq. 6-8
        return attended if self.heads is None else self.heads(attended)
