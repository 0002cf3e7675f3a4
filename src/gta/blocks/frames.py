"""What a network with a temporal axis in its parameters says about another number of frames."""

from torch import Tensor


def require_frames(x: Tensor, num_frames: int) -> None:
    """Raise `ValueError` unless x of shape (B, C, T, H, W) has T = num_frames."""
    if x.shape[2] != num_frames:
        raise ValueError(
            f"this model was built for {num_frames} frames, got {x.shape[2]}: give it "
            f"clips of {num_frames} frames, or build it with num_frames={x.shape[2]}"
        )
