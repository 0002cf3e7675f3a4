"""The definition of a run: network, training settings, data and seed.

`recipe` is its recipe for `gta train`, whose step, loop and scores are used.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from torch import nn

from experiments.joins import rejoin
from gta.config import Augment, Clip, DataSource, Model, Recipe, Test, Train
from gta.models import build
from gta.ordered import CLASSES, DIFFICULTIES, Difficulty

_PARTS = 20


@dataclass(frozen=True)
class Data:
    """A rendering of `ordered`, held in memory."""

    num_train: int = 20_000
    num_val: int = 4_000
    num_frames: int = 16
    side: int = 128
    """Pixels."""
    seed: int = 0
    difficulty: Difficulty = field(default_factory=lambda: DIFFICULTIES["hard"])


@dataclass(frozen=True)
class Settings:
    """AdamW with a warm-up and half a cosine; random crops; one frame of each segment."""

    steps: int = 1_500
    batch_size: int = 64
    num_frames: int = 8
    crop: int = 112
    """Side of the crop in pixels, of `Data.side`."""
    lr: float = 5e-4
    warmup: float = 0.05
    """Warm-up, as a share of the steps."""
    weight_decay: float = 0.05
    matrix_weight_decay: float = 0.05
    matrix_lr: float = 1.0
    position_lr: float | None = None
    """Factor on the learning rate of TAPE's positions; None: as `matrix_lr`."""
    matrix_init: str = "normal"
    """Start of the matrices: "normal"; "small": a tenth of it; "identity"."""
    join: str = "zero"
    """How blocks join the network: see `experiments.joins`."""
    clip_norm: float = 5.0

    @property
    def part(self) -> int:
        """Steps of a part: a run has about twenty parts, and the loss of each is kept."""
        least = max(self.steps // _PARTS, 1)
        return next(size for size in range(least, self.steps + 1) if self.steps % size == 0)

    def recipe(self, model: Model, seed: int, *, side: int, compiled: bool = False) -> Recipe:
        """The recipe for a network on clips with short side `side`; its "epochs" are the parts."""
        parts = self.steps // self.part
        return Recipe(
            model=model,
            clip=Clip(num_frames=self.num_frames, size=self.crop, resize=None),
            augment=Augment(scale_jitter=(side, side), flip="off"),
            train=Train(
                epochs=parts,
                batch_size=self.batch_size,
                optimizer="adamw",
                lr=self.lr,
                schedule="cosine",
                warmup_epochs=self.warmup * parts,
                weight_decay=self.weight_decay,
                matrix_lr_mult=self.matrix_lr,
                position_lr_mult=self.position_lr,
                matrix_weight_decay=self.matrix_weight_decay,
                clip_norm=self.clip_norm,
                compile=compiled,
                seed=seed,
            ),
            test=Test(protocol=f"1x1-center{self.crop}@{side}"),
            data=DataSource(format="ssv2"),  # the format of `gta render`
        )


@dataclass(frozen=True)
class Job:
    """A training run, defined by its `identity`."""

    model: Model
    settings: Settings
    data: Data
    seed: int

    @property
    def num_clips(self) -> int:
        """The number of clips trained on, with repetitions."""
        return self.settings.steps * self.settings.batch_size

    def network(self, num_frames: int | None = None) -> nn.Module:
        """The untrained network, for `num_frames` frames or as many as in training."""
        frames = self.settings.num_frames if num_frames is None else num_frames
        return rejoin(
            build(self.model, num_classes=len(CLASSES), num_frames=frames), self.settings.join
        )

    def recipe(self, *, compiled: bool = False) -> Recipe:
        """The recipe for `gta train`; `join` and `matrix_init` are only of the experiments."""
        return self.settings.recipe(self.model, self.seed, side=self.data.side, compiled=compiled)

    def identity(self) -> dict[str, Any]:
        """Everything on which the result depends, as JSON values."""
        return {
            "model": self.model.model_dump(mode="json"),
            "settings": asdict(self.settings),
            "data": asdict(self.data),
            "seed": self.seed,
        }
