"""Training. A step is recorded once as a CUDA graph where there is a GPU."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from experiments.clips import Clips, draw, gather
from experiments.logs import Say
from experiments.settings import Job, Settings
from gta.config import Train
from gta.data.transforms.clip import normalize
from gta.ordered import CLASSES
from gta.training.captured import captured
from gta.training.optimizer import make_optimizer
from gta.training.schedule import learning_rate

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
KEYS = [c.key for c in sorted(CLASSES, key=lambda c: c.name)]
"""Of the labels."""
_CURVE = 20  # points of the loss that are kept


Batch = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From the number of a step, int64 () on the device, to clips uint8 (B, 3, F, H, W) and labels."""


def train(
    job: Job, clips: Clips, say: Say, *, compiled: bool = False
) -> tuple[nn.Module, list[float]]:
    """The trained network, and its loss in so many parts of the run."""
    settings, device = job.settings, clips.frames.device
    torch.manual_seed(job.seed)
    model = job.network().to(device)
    initialise(model, settings.matrix_init)
    draws = draw(job.data, settings, job.seed, device)

    def batch(number: Tensor) -> tuple[Tensor, Tensor]:
        index, frames, top, left = draws.at(number)
        return gather(clips, index, frames, top, left, settings.crop), clips.labels[index]

    return model, fit(model, batch, settings, device, say, compiled=compiled)


@torch.no_grad()
def initialise(model: nn.Module, how: str) -> None:
    """Starts GTA's matrices (K, T, G, S) another way."""
    if how not in ("normal", "small", "identity"):
        raise ValueError(f"matrix_init={how!r} is not possible; it is normal, small or identity")
    for name, matrix in model.named_parameters():
        if how == "normal" or name.rpartition(".")[2] != "matrix":
            continue
        if how == "small":
            matrix.mul_(0.1)
        else:
            size = matrix.shape[0] * matrix.shape[1]
            matrix.copy_(torch.eye(size).view_as(matrix))


def fit(
    model: nn.Module,
    batch: Batch,
    settings: Settings,
    device: torch.device,
    say: Say,
    *,
    compiled: bool = False,
) -> list[float]:
    """Trains the network in place; its loss in so many parts of the run, which are also said."""
    torch.compiler.reset()  # of the networks of earlier runs
    forward = torch.compile(model) if compiled else model
    optimizer = make_optimizer(model.train(), _train_settings(settings))
    rates = torch.tensor(
        [learning_rate(_train_settings(settings), step + 0.5) for step in range(settings.steps)],
        device=device,
    )
    for group in optimizer.param_groups:
        group["lr"] = torch.zeros((), device=device)
        group["capturable"] = device.type == "cuda"
    losses = torch.zeros(settings.steps, device=device)
    number = torch.zeros((), dtype=torch.int64, device=device)

    def step() -> None:  # depends on `number` on the device, and on nothing of Python's
        clips, labels = batch(number)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            logits = forward(normalize(clips, MEAN, STD))
        loss = F.cross_entropy(logits.float(), labels)
        for group in optimizer.param_groups:
            group["lr"].copy_(group["factor"] * rates.index_select(0, number[None])[0])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.index_copy_(0, number[None], loss.detach()[None])
        number.add_(1)

    advance = captured(step) if device.type == "cuda" else step
    part, curve = max(settings.steps // _CURVE, 1), list[float]()
    taken = int(number)
    for end in range(part, settings.steps + part, part):
        while taken < min(end, settings.steps):
            advance()
            taken += 1
        curve.append(round(float(losses[end - part : taken].mean()), 4))
        say(f"step {taken}: loss {curve[-1]}")
    return curve


def _train_settings(settings: Settings) -> Train:
    """The package's own settings, an "epoch" of which is a step."""
    return Train(
        epochs=settings.steps,
        optimizer="adamw",
        lr=settings.lr,
        schedule="cosine",
        warmup_epochs=settings.warmup * settings.steps,
        weight_decay=settings.weight_decay,
        matrix_weight_decay=settings.matrix_weight_decay,
        matrix_lr_mult=settings.matrix_lr,
    )
