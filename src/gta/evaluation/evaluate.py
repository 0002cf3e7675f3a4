"""Scores of a model for every video of a split."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from gta.config import Clip
from gta.data.batch import Batch
from gta.data.cache import FrameCache
from gta.data.loader import evaluation_loader
from gta.data.records import VideoList
from gta.data.sampling import Order
from gta.errors import DataError, UsageError
from gta.evaluation.scores import About, Scores, list_hash
from gta.inference import Scorer, protocol_views
from gta.protocols import Protocol, parse_protocol


def evaluate(
    model: nn.Module,
    videos: VideoList,
    protocol: Protocol | str,
    *,
    clip: Clip,
    device: torch.device | str,
    batch_size: int,
    workers: int = 0,
    amp: bool = True,
    rank: int = 0,
    world_size: int = 1,
    order: Order = "forward",
    keep_every: int = 1,
    cache: FrameCache | None = None,
    batches: Iterable[Batch] | None = None,
    progress: Callable[[int, int], None] | None = None,
    name: str = "",
    dataset: str = "",
    split: str = "",
) -> Scores:
    """Scores all videos; every process of a group must call it, and all get all scores.

    Args:
        model: Maps clips (B, 3, T, H, W) to logits (B, num_classes). Left in evaluation mode.
        videos: Each is scored once; an unreadable video is reported, and nothing replaces it.
        protocol: The views.
        clip: Frames of a view, and how they are normalized.
        device: Where `model` is.
        batch_size: Views in a batch on each process; at least the views of one video.
        workers: Loader processes.
        amp: bf16 autocast on a GPU.
        rank: Number of this process.
        world_size: Number of processes.
        order: The order of the frames of a clip: see `ViewClips`.
        keep_every: Only every so many-th frame of a video is kept: see there.
        cache: Frames in memory, resized as `protocol` resizes.
        batches: Replaces the views of this process's videos, such as by a frozen trunk's features.
        progress: Called with (videos done, videos in all) of this process.
        name: Name of the model, kept with the scores.
        dataset: The recipe's `data.format`, kept with the scores.
        split: The split of the videos, kept with the scores.

    Raises:
        DataError: No video could be read.
        UsageError: A score is not finite, as after a training that has diverged.
    """
    protocol = parse_protocol(protocol)
    device = torch.device(device)
    clips = protocol_views(videos, protocol, clip, order=order, keep_every=keep_every, cache=cache)
    loader = batches or evaluation_loader(
        clips,
        batch_size=max(1, batch_size // clips.shape[0]),
        rank=rank,
        world_size=world_size,
        workers=workers,
        pin_memory=device.type == "cuda",
    )
    total = len(range(rank, len(videos), world_size))
    scored, failures = score_batches(
        *(model, loader, clip),
        device=device,
        amp=amp,
        progress=None if progress is None else lambda done: progress(done, total),
    )
    if world_size > 1:
        parts: list[Any] = [None] * world_size
        dist.all_gather_object(parts, (scored, failures))
        scored = [pair for part in parts for pair in part[0]]
        failures = [pair for part in parts for pair in part[1]]
    if not scored:
        path, reason = failures[0]
        raise DataError(
            f"None of {len(videos)} videos could be read; the first is {path}: {reason}"
        )
    scored.sort(key=lambda pair: pair[0])
    not_finite = [index for index, scores in scored if not scores.isfinite().all()]
    if not_finite:
        raise UsageError(
            f"The scores of {len(not_finite)} of {len(scored)} videos are not finite, first those "
            f"of {videos.videos[not_finite[0]].id}: the weights are broken, as after a training "
            f"that has diverged. Test other weights, or train again with a lower train.lr."
        )
    chosen = [videos.videos[index] for index, _ in scored]
    return Scores(
        ids=[video.id for video in chosen],
        labels=torch.tensor([-1 if video.label is None else video.label for video in chosen]),
        scores=torch.stack([scores for _, scores in scored]),
        classes=videos.classes,
        protocol=protocol.name,
        failures=sorted(failures),
        model=name,
        about=About(
            dataset=dataset,
            split=split,
            list_hash=list_hash(videos.classes, [(v.id, v.label) for v in videos.videos]),
            num_frames=clip.num_frames,
            num_views=clips.shape[0],
        ),
    )


def score_batches(
    model: nn.Module,
    batches: Iterable[Batch],
    clip: Clip,
    *,
    device: torch.device,
    amp: bool = True,
    progress: Callable[[int], None] | None = None,
) -> tuple[list[tuple[int, Tensor]], list[tuple[str, str]]]:
    """The scores of videos, each the mean of the probabilities of its views.

    Args:
        model: Maps clips (B, 3, T, H, W) to logits (B, num_classes). Left in evaluation mode.
        batches: Views, uint8 (B, V, 3, T, H, W), read from files or from memory.
        clip: How they are normalized.
        device: Where `model` is.
        amp: bf16 autocast on a GPU.
        progress: Called with the number of finished videos.

    Returns:
        The index and the scores (num_classes,) of each video, on the CPU; and the (path, reason) of
        videos that could not be read.
    """
    score = Scorer(model.eval(), clip, torch.device(device), amp=amp)
    scored: list[tuple[int, Tensor]] = []
    failures: list[tuple[str, str]] = []
    for batch in batches:
        failures += batch.failures
        if len(batch.indices):
            scored += zip(batch.indices.tolist(), score(batch.clips).cpu(), strict=True)
        if progress is not None:
            progress(len(scored) + len(failures))
    return scored, failures
