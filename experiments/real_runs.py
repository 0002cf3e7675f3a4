"""A network on a task of real clips: trained and tested on each fold."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from experiments.joins import rejoin
from experiments.logs import Say
from experiments.real_batches import batches, views
from experiments.real_clips import HEIGHT, RealClips
from experiments.real_items import FOLDS, Items, each_fold, make_items
from experiments.results import Result
from experiments.runs import Weights
from experiments.settings import Job, Settings
from experiments.tables import DATA, SMALL, r2d18
from experiments.training import fit, initialise
from gta.config import Clip, Model, Recipe
from gta.evaluation.evaluate import score_batches
from gta.models import GTA, NL, PE, SA, TA, build

MODELS: dict[str, Model] = {
    "no attention": r2d18(),
    "NL": r2d18(NL),
    "DNL": r2d18(SA, TA),
    "TAPE": r2d18(SA, PE),
    "GTA": r2d18(SA, GTA),
    "TSM": r2d18(tsm=True),
    "TSM + GTA": r2d18(SA, GTA, tsm=True),
}
SETTINGS = Settings(steps=300, batch_size=32, num_frames=8)
STARTS = ("scratch", "ordered")
_AT_ONCE = 50
"""Items per batch in scoring."""


@dataclass(frozen=True)
class RealJob:
    """A network on a task, with all of its folds."""

    name: str
    """A key of `MODELS`."""
    task: str
    """The folder of clips."""
    held_out: str
    start: str
    seed: int
    arrow: bool = False
    """Whether each clip is also used reversed, under the other label of two."""
    augment: str = "none"
    """Augmentation of the training clips: a name of `real_batches.AUGMENTATIONS`."""
    settings: Settings = SETTINGS

    @property
    def model(self) -> Model:
        return MODELS[self.name]

    @property
    def num_clips(self) -> int:
        """The approximate number of clips trained on in all folds."""
        folds = 1 if self.held_out == "split" else FOLDS
        return folds * self.settings.steps * self.settings.batch_size

    @property
    def pretraining(self) -> Job:
        """The run on `ordered`, with the same seed, from whose weights it starts."""
        return Job(self.model, SMALL, DATA, self.seed)

    def recipe(self) -> Recipe:
        """The recipe of each fold for `gta train`, without mirroring and `augment`."""
        return self.settings.recipe(self.model, self.seed, side=HEIGHT)

    def identity(self) -> dict[str, Any]:
        """Everything on which the result depends."""
        identity = {
            "model": self.model.model_dump(mode="json"),
            "settings": asdict(self.settings),
            **{"task": self.task, "arrow": self.arrow, "held_out": self.held_out},
            **{"start": self.start, "seed": self.seed},
        }
        if self.augment != "none":
            identity["augment"] = self.augment
        if self.start == "ordered":
            identity["pretraining"] = self.pretraining.identity()
        return identity


def run_real(
    job: RealJob,
    clips: RealClips,
    weights: Weights | None,
    device: torch.device,
    say: Say = print,
) -> Result:
    """Trains a network for each fold; accuracy and macro F1 over all held-out items."""
    items = make_items(clips, arrow=job.arrow, held_out=job.held_out, seed=job.seed)
    frames, losses = clips.frames.to(device), list[float]()
    labels, answers = list[Tensor](), list[Tensor]()
    for fold, training, held_out in each_fold(items):
        torch.manual_seed(job.seed)
        model = start(job, len(clips.classes), weights).to(device)
        rng = np.random.default_rng([job.seed, fold, 2])
        source = batches(frames, training, job.settings, rng, job.augment)
        losses.append(fit(model, source, job.recipe(), device, lambda _: None)[-1])
        answers.append(answer(model, frames, held_out, job.settings))
        labels.append(held_out.labels)
        right = int((answers[-1] == labels[-1]).sum())
        say(f"fold {fold}: loss {losses[-1]}, {right} of {len(held_out.labels)} right")
    first = {} if weights is None else {"pretraining_top1": weights.top1}
    return {
        **real_figures(labels, answers, len(clips.classes)),
        **first,
        "epochs": round(job.settings.steps * job.settings.batch_size / len(training.labels), 2),
        "loss": losses,
    }


def real_figures(
    labels: Sequence[Tensor], answers: Sequence[Tensor], num_classes: int
) -> dict[str, Any]:
    """The metrics of the labels and the answers of each fold."""
    truth, said = torch.cat(list(labels)), torch.cat(list(answers))
    return {
        "top1": round((truth == said).double().mean().item(), 5),
        "macro_f1": round(macro_f1(truth, said, num_classes), 5),
        "items": len(truth),
        "by_fold": [
            round((a == b).double().mean().item(), 4) for a, b in zip(labels, answers, strict=True)
        ],
    }


def start(job: RealJob, num_classes: int, weights: Weights | None) -> torch.nn.Module:
    """The untrained network, or with weights of `ordered` except the classifier."""
    settings = job.settings
    model = build(job.model, num_classes=num_classes, num_frames=settings.num_frames)
    model = rejoin(model, settings.join)
    initialise(model, settings.matrix_init)
    if weights is not None:
        own, given = model.state_dict(), weights.state
        fitting = {
            name: tensor for name, tensor in given.items() if tensor.shape == own[name].shape
        }
        left = sorted(set(own) - set(fitting))
        if len(left) != 2:  # weight and bias of the classifier
            raise ValueError(f"these have another shape in the weights of `ordered`: {left}")
        model.load_state_dict({**own, **fitting})
    return model


def answer(model: torch.nn.Module, frames: Tensor, items: Items, settings: Settings) -> Tensor:
    """The class of each item."""
    clip, batches = Clip(num_frames=settings.num_frames), views(frames, items, settings, _AT_ONCE)
    scored, _ = score_batches(model, batches, clip, device=frames.device)
    return torch.stack([scores.argmax() for _, scores in scored])


def macro_f1(truth: Tensor, said: Tensor, num_classes: int) -> float:
    """The mean over the classes of 2 TP / (2 TP + FP + FN)."""
    f1 = []
    for label in range(num_classes):
        hits = ((truth == label) & (said == label)).sum()
        f1.append(2 * hits / ((truth == label).sum() + (said == label).sum()).clamp(min=1))
    return torch.stack(f1).double().mean().item()
