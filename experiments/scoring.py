"""A run from end to end: training, top-1, and scores on other frames."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from experiments.clips import Clips, views
from experiments.logs import Say
from experiments.settings import Job, Settings
from experiments.training import KEYS, train
from gta.blocks.resample import resample
from gta.config import Clip
from gta.evaluation.evaluate import score_batches
from gta.evaluation.metrics import top_k_accuracy
from gta.ordered import CLASSES

_TEST_BATCH, _TEST_FRAMES = 200, 3200
"""Clips per batch, and most frames per batch: in bfloat16 no feature takes 2 GiB."""


def scores(
    model: nn.Module,
    clips: Clips,
    settings: Settings,
    change: Callable[[Tensor], Tensor] = lambda frames: frames,
) -> Tensor:
    """Probabilities (N, classes) of all clips on the CPU, from the `views` of each."""
    size = min(_TEST_BATCH, max(_TEST_FRAMES // settings.num_frames, 1))
    scored, _ = score_batches(
        model,
        views(clips, settings, size, change),
        Clip(num_frames=settings.num_frames),
        device=clips.frames.device,
    )
    return torch.stack([probabilities for _, probabilities in scored])


def figures(probabilities: Tensor, labels: Tensor) -> dict[str, Any]:
    """Top-1 and top-5; for each pair of classes the accuracy between the two; neutral classes."""
    labels = labels.cpu()
    pairs = {}
    for each in CLASSES:
        if each.is_reversed or each.partner == each.key:
            continue
        members = torch.tensor([KEYS.index(each.key), KEYS.index(each.partner)])
        of_pair = torch.isin(labels, members)
        right = members[probabilities[of_pair][:, members].argmax(1)] == labels[of_pair]
        pairs[each.key] = round(right.double().mean().item(), 4)
    neutral = torch.tensor([KEYS.index(each.key) for each in CLASSES if each.partner == each.key])
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
    """Frames in a random order for each clip, the same in every run."""
    generator = torch.Generator().manual_seed(len(frames))
    order = torch.rand(frames.shape, generator=generator).argsort(1).to(frames.device)
    return frames.gather(1, order)


def drop(frames: Tensor) -> Tensor:
    """Replaces two frames of each clip by their neighbours, as if a camera had dropped them."""
    generator = torch.Generator().manual_seed(len(frames))
    lost = torch.rand(frames.shape, generator=generator).argsort(1)[:, :2].to(frames.device)
    before = frames.gather(1, torch.where(lost == 0, 1, lost - 1))
    return frames.scatter(1, lost, before)


def middle(frames: Tensor) -> Tensor:
    """As many frames from the middle half of each clip: twice the frame rate."""
    return (frames[:, -1:] + 1) // 4 + frames // 2


CHANGES = {"shuffled": shuffle, "reversed": reverse, "dropped": drop, "middle": middle}
"""Changes of the frames of each test clip, by the name of the result."""


def with_frames(model: nn.Module, job: Job, num_frames: int) -> nn.Module:
    """The network for another number of frames, with resampled temporal parameters."""
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
        job: The run.
        train_clips: The training split.
        val_clips: The held-out split.
        longer: The first held-out clips with twice as many frames.
        say: Takes messages.
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
        scored = scores(other, clips, replace(settings, num_frames=frames))
        return {"frames": frames, "clips": len(scored), "top1": top1(scored)}

    scored = scores(model, val_clips, settings)
    available = val_clips.frames.shape[1]
    other = available if settings.num_frames < available else available // 2
    record = {
        **figures(scored, labels),
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
    return record, scored, model
