"""A step as a reader would write it first, to compare with; and small networks to train."""

from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gta.config import Augment, Clip, DataSource, FrameResNetModel, Recipe, Test, Train
from gta.data.loader import Batch
from gta.data.transforms.clip import normalize
from gta.training.average import averaged_model
from gta.training.mixing import Mixing
from gta.training.optimizer import make_optimizer
from gta.training.processes import Processes
from gta.training.recipe_step import numbers
from gta.training.step import Step, _seed

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.3, 0.25)
CLASSES = 4


class Small(nn.Module):
    """Convolution, batch normalisation, dropout, classifier, for clips (B, 3, T, H, W)."""

    def __init__(self, dropout: float = 0.3):
        super().__init__()
        self.conv = nn.Conv3d(3, 8, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm3d(8)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(8, CLASSES)

    def forward(self, clips: Tensor) -> Tensor:
        return self.fc(self.dropout(self.norm(self.conv(clips)).relu().mean((2, 3, 4))))


def batches(count: int, *sizes: int) -> list[Batch]:
    """Random clips; the sizes of batches come again and again."""
    draw = torch.Generator().manual_seed(5)
    made = []
    for number in range(count):
        size = sizes[number % len(sizes)]
        clips = torch.randint(256, (size, 4, 16, 16, 3), dtype=torch.uint8, generator=draw)
        labels = torch.randint(CLASSES, (size,), generator=draw)
        made.append(Batch(clips.movedim(-1, 1), labels, torch.arange(size), []))
    return made


def make(
    train: Train,
    device: str = "cpu",
    *,
    dropout: float = 0.3,
    mixing: Mixing | None = None,
    fused: bool | None = None,
    say: Callable[[str], None] = lambda text: None,
    model: nn.Module | None = None,
    rate: Callable[[float], float] = lambda moment: 0.05 / (1 + moment),
    epochs: int = 1,
) -> Step:
    """A step that trains a small network."""
    torch.manual_seed(0)
    model = (model or Small(dropout)).to(device).train()
    recipe = Recipe(
        model=FrameResNetModel(),
        clip=Clip(mean=MEAN, std=STD),
        augment=Augment(),
        train=train,
        test=Test(),
        data=DataSource(format="folder"),
    )
    told = replace(numbers(recipe, torch.device(device)), rate=rate, epochs=epochs, half=False)
    return Step(
        model,
        make_optimizer(model, train, fused=fused),
        told,
        Processes(torch.device(device)),
        mixing=mixing,
        averaged=averaged_model(model, train.ema),
        say=say,
    )


def plainly(step: Step, found: list[Batch]) -> list[Tensor]:
    """The totals of steps, one written after the other, on a CPU."""
    told, optimizer, model = step.numbers, step.optimizer, step.model
    totals = []
    for number, batch in enumerate(found):
        for group in optimizer.param_groups:
            group["lr"] = told.rate((number + 0.5) / len(found)) * group["factor"]
        torch.manual_seed(_seed(told.seed, number, 0))
        optimizer.zero_grad()
        total = []
        size = len(batch.labels)
        split = (
            batch.clips.tensor_split(told.accumulate),
            batch.labels.tensor_split(told.accumulate),
        )
        for clips, labels in zip(*split, strict=True):
            clips, targets = normalize(clips, MEAN, STD), labels
            if step.mixing is not None:
                clips, targets = step.mixing(clips, labels)
            logits = model(clips)
            loss = F.cross_entropy(logits, targets, label_smoothing=told.label_smoothing)
            share = len(labels) / size
            (loss * share if share < 1 else loss).backward()
            right = (logits.argmax(1) == labels).sum()
            total.append(
                torch.stack([loss.detach() * len(labels), right, torch.tensor(len(labels))])
            )
        if told.clip_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), told.clip_norm)
        optimizer.step()
        if step.averaged is not None:
            step.averaged.update_parameters(model)
        totals.append(torch.stack(total).sum(0) if len(total) > 1 else total[0])
    return totals


def states(step: Step) -> dict[str, Tensor]:
    """All that a step changes, copied to the CPU."""
    found = {f"model.{k}": v for k, v in step.model.state_dict().items()}
    if step.averaged is not None:
        found |= {f"averaged.{k}": v for k, v in step.averaged.state_dict().items()}
    for number, state in step.optimizer.state_dict()["state"].items():
        found |= {f"optimizer.{number}.{k}": v for k, v in state.items()}
    return {k: v.detach().cpu().clone() for k, v in found.items()}
