"""One network on one task of real clips: trained and tested on each fold."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from experiments.joins import rejoin
from experiments.logs import Say
from experiments.real_batches import batches
from experiments.real_clips import HEIGHT, WIDTH, RealClips
from experiments.real_items import FOLDS, Items, each_fold, make_items
from experiments.results import Result
from experiments.settings import Job, Settings
from experiments.tables import DATA, SMALL, r2d18
from experiments.training import MEAN, STD, fit, initialise
from experiments.weights import Weights
from gta.config import Model
from gta.data.sampling.segments import segment_indices
from gta.data.transforms.clip import normalize
from gta.devices import autocast
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


@dataclass(frozen=True)
class RealJob:
    """One network on one task: all of its folds."""

    name: str
    """A key of `MODELS`."""
    task: str
    """The folder of clips."""
    held_out: str
    start: str
    seed: int
    arrow: bool = False
    """Whether each clip is also taken backwards, under the other label of two."""
    augment: str = "none"
    """Of the training clips; one of `experiments.real_batches.AUGMENTATIONS`."""
    settings: Settings = SETTINGS

    @property
    def model(self) -> Model:
        return MODELS[self.name]

    @property
    def num_clips(self) -> int:
        """How many are trained on in all folds, about."""
        folds = 1 if self.held_out == "split" else FOLDS
        return folds * self.settings.steps * self.settings.batch_size

    @property
    def pretraining(self) -> Job:
        """The run on `ordered` whose weights it starts from: of the same seed."""
        return Job(self.model, SMALL, DATA, self.seed)

    def identity(self) -> dict[str, Any]:
        """Everything that the outcome depends on."""
        found = {
            "model": self.model.model_dump(mode="json"),
            "settings": asdict(self.settings),
            **{"task": self.task, "arrow": self.arrow, "held_out": self.held_out},
            **{"start": self.start, "seed": self.seed},
        }
        if self.augment != "none":
            found["augment"] = self.augment
        if self.start == "ordered":
            found["pretraining"] = self.pretraining.identity()
        return found


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
        batch = batches(frames, training, job.settings, rng, job.augment)
        losses.append(fit(model, batch, job.settings, device, lambda _: None)[-1])
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
    """Of the labels and the answers of each fold."""
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
    """The network before its training; of weights of `ordered` all but the classifier."""
    settings = job.settings
    model = build(job.model, num_classes=num_classes, num_frames=settings.num_frames)
    model = rejoin(model, settings.join)
    initialise(model, settings.matrix_init)
    if weights is not None:
        own, given = model.state_dict(), weights.state
        fitting = {name: one for name, one in given.items() if one.shape == own[name].shape}
        left = sorted(set(own) - set(fitting))
        if len(left) != 2:  # weight and bias of the classifier
            raise ValueError(f"these have another shape in the weights of `ordered`: {left}")
        model.load_state_dict({**own, **fitting})
    return model


@torch.inference_mode()
def answer(model: torch.nn.Module, frames: Tensor, items: Items, settings: Settings) -> Tensor:
    """The class of each item, from the middle of each segment and of the picture."""
    model.eval()
    device = frames.device
    centre = torch.tensor(segment_indices(frames.shape[1], settings.num_frames))
    top, left = (HEIGHT - settings.crop) // 2, (WIDTH - settings.crop) // 2
    found = []
    for index, backwards in zip(items.clips.split(50), items.backwards.split(50), strict=True):
        when = torch.where(backwards[:, None], centre.flip(0), centre)
        clips = frames[index[:, None].to(device), when.to(device)]
        clips = clips[:, :, top : top + settings.crop, left : left + settings.crop]
        with autocast(device):
            logits = model(normalize(clips.permute(0, 4, 1, 2, 3), MEAN, STD))
        found.append(logits.float().argmax(1).cpu())
    return torch.cat(found)


def macro_f1(truth: Tensor, said: Tensor, num_classes: int) -> float:
    """The mean over the classes of 2 TP / (2 TP + FP + FN)."""
    found = []
    for label in range(num_classes):
        hits = ((truth == label) & (said == label)).sum()
        found.append(2 * hits / ((truth == label).sum() + (said == label).sum()).clamp(min=1))
    return torch.stack(found).double().mean().item()
