"""A run from end to end: training, top-1, and what other frames do to it."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from experiments.clips import Clips, centre_frames, gather
from experiments.logs import Say
from experiments.settings import Job, Settings
from experiments.training import KEYS, MEAN, STD, train
from gta.blocks.resample import resample
from gta.data.transforms.clip import normalize
from gta.devices import autocast
from gta.evaluation.metrics import top_k_accuracy
from gta.ordered import CLASSES

_TEST_BATCH, _TEST_FRAMES = 200, 3200
"""Clips, and at most so many frames, at once: in bfloat16 no feature takes 2 GiB."""


@torch.inference_mode()
def scores(
    model: nn.Module,
    clips: Clips,
    settings: Settings,
    frames: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Probabilities (N, classes) of all clips on the CPU, from centre crops.

    Args:
        model: The network.
        clips: The split.
        settings: Of the training.
        frames: Changes the indices of a batch's frames (B, F), such as their order.
    """
    model.eval()
    device, count = clips.frames.device, len(clips.frames)
    centre = torch.tensor(centre_frames(clips.frames.shape[1], settings.num_frames), device=device)
    corner = (clips.frames.shape[2] - settings.crop) // 2
    found, size = [], min(_TEST_BATCH, max(_TEST_FRAMES // settings.num_frames, 1))
    for start in range(0, count, size):
        index = torch.arange(start, min(start + size, count), device=device)
        taken = centre.expand(len(index), -1)
        taken = taken if frames is None else frames(taken)
        at = torch.full_like(index, corner)
        batch = normalize(gather(clips, index, taken, at, at, settings.crop), MEAN, STD)
        with autocast(device):
            logits = model(batch)
        found.append(logits.float().softmax(1).cpu())
    return torch.cat(found)


def figures(probabilities: Tensor, labels: Tensor) -> dict[str, Any]:
    """Top-1 and top-5, of each pair the share of its clips told from the partner's, and neutral."""
    labels = labels.cpu()
    pairs = {}
    for one in CLASSES:
        if one.is_reversed or one.partner == one.key:
            continue
        members = torch.tensor([KEYS.index(one.key), KEYS.index(one.partner)])
        of_pair = torch.isin(labels, members)
        right = members[probabilities[of_pair][:, members].argmax(1)] == labels[of_pair]
        pairs[one.key] = round(right.double().mean().item(), 4)
    neutral = torch.tensor([KEYS.index(one.key) for one in CLASSES if one.partner == one.key])
    is_neutral = torch.isin(labels, neutral)
    hits = probabilities.argmax(1) == labels
    return {
        "top1": round(top_k_accuracy(probabilities, labels, 1), 5),
        "top5": round(top_k_accuracy(probabilities, labels, 5), 5),
        "pairs": pairs,
        "neutral": round(hits[is_neutral].double().mean().item(), 4),
    }


def reverse(frames: Tensor) -> Tensor:
    """Frames from last to first."""
    return frames.flip(1)


def shuffle(frames: Tensor) -> Tensor:
    """Frames in an order of its own for each clip, the same in every run."""
    generator = torch.Generator().manual_seed(len(frames))
    order = torch.rand(frames.shape, generator=generator).argsort(1).to(frames.device)
    return frames.gather(1, order)


def drop(frames: Tensor) -> Tensor:
    """Two frames of each clip give way to their neighbours, as where a camera loses some."""
    generator = torch.Generator().manual_seed(len(frames))
    lost = torch.rand(frames.shape, generator=generator).argsort(1)[:, :2].to(frames.device)
    before = frames.gather(1, torch.where(lost == 0, 1, lost - 1))
    return frames.scatter(1, lost, before)


def middle(frames: Tensor) -> Tensor:
    """As many frames of the middle half of each clip: twice the frame rate."""
    return (frames[:, -1:] + 1) // 4 + frames // 2


CHANGES = {"shuffled": shuffle, "reversed": reverse, "dropped": drop, "middle": middle}
"""What is done to the frames of each test clip, by the name of the figure."""


def with_frames(model: nn.Module, job: Job, num_frames: int) -> nn.Module:
    """The network for another number of frames, its temporal parameters resampled."""
    other = job.network(num_frames)
    shapes = {name: value.shape for name, value in other.state_dict().items()}
    state = {
        name: resample(name, value.cpu(), shapes[name])
        for name, value in model.state_dict().items()
    }
    other.load_state_dict(state)
    return other.to(next(model.parameters()).device)


def run(
    job: Job,
    train_clips: Clips,
    val_clips: Clips,
    longer: Clips,
    say: Say = print,
    *,
    compiled: bool = False,
) -> tuple[dict[str, Any], Tensor, nn.Module]:
    """Trains and scores; the record, the probabilities of the held-out clips, and the network.

    Args:
        job: What is run.
        train_clips: The training split.
        val_clips: The held-out split.
        longer: The first of its clips with twice as many frames.
        say: Is told how it goes.
        compiled: Whether the training step is compiled.
    """
    began = time.perf_counter()
    model, curve = train(job, train_clips, say, compiled=compiled)
    seconds = time.perf_counter() - began
    settings, labels = job.settings, val_clips.labels.cpu()

    def top1(probabilities: Tensor) -> float:
        return round(top_k_accuracy(probabilities, labels[: len(probabilities)], 1), 5)

    def top1_with(frames: int, clips: Clips) -> dict[str, Any]:
        other = with_frames(model, job, frames)
        found = scores(other, clips, replace(settings, num_frames=frames))
        return {"frames": frames, "clips": len(found), "top1": top1(found)}

    found = scores(model, val_clips, settings)
    available = val_clips.frames.shape[1]
    other = available if settings.num_frames < available else available // 2
    record = {
        **figures(found, labels),
        **{
            name: top1(scores(model, val_clips, settings, change))
            for name, change in CHANGES.items()
        },
        "other_frames": top1_with(other, val_clips),
        "longer": top1_with(longer.frames.shape[1], longer),
        "compiled": compiled,
        "epochs": round(job.num_clips / job.data.num_train, 2),
        "loss": curve,
        "seconds": round(seconds, 1),
    }
    return record, found, model
