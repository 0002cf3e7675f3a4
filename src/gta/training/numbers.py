"""The settings of a training step."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Numbers:
    """The settings of a step; `gta.training.recipe_step` takes them from a recipe."""

    rate: Callable[[float], float]
    """The learning rate at a moment: 2.5 is half-way through the third epoch."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    epochs: int = 1
    """Steps of the whole training."""
    seed: int = 0
    """Seed of the random draws for a batch: dropout, mixing."""
    accumulate: int = 1
    """Parts in which a process computes its share of a batch."""
    clip_norm: float | None = None
    """Largest norm of the gradient."""
    label_smoothing: float = 0.0
    half: bool = False
    """bf16 autocast."""
    decay: float = 0.0
    """Decay of the moving average."""
    compile: bool | None = False
    """torch.compile; None: if it pays (`gta.training.decision`)."""
    cuda_graphs: bool | None = False
    """Replay steps as CUDA graphs; None: if possible."""
    small: bool = False
    """Short steps of a CPU: to look whether a gradient is finite costs least."""
