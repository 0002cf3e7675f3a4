"""A protocol's views of frames, and their probabilities: once, for all who score or predict."""

import torch
from torch import Tensor, nn

from gta.config import Clip
from gta.data.cache import FrameCache
from gta.data.dataset import ViewClips
from gta.data.records import VideoList
from gta.data.sampling import Order, Sampling
from gta.data.transforms.clip import ViewTransform, normalize
from gta.data.transforms.flips import flip_partners
from gta.devices import autocast
from gta.protocols import Protocol


def protocol_views(
    videos: VideoList,
    protocol: Protocol,
    clip: Clip,
    *,
    order: Order = "forward",
    keep_every: int = 1,
    cache: FrameCache | None = None,
) -> ViewClips:
    """The views of videos that a protocol asks for, uint8 (V, C, T, H, W) each.

    Args:
        videos: To be read; may be empty where views of frames in memory are asked for.
        protocol: Which views.
        clip: Their frames.
        order: How the frames of a view are put in order, and
        keep_every: every which frame of a video is there: see `ViewClips`.
        cache: Frames in memory, resized as `protocol` resizes.
    """
    return ViewClips(
        videos,
        num_frames=clip.num_frames,
        transform=ViewTransform(size=protocol.size, resize=protocol.resize, places=protocol.places),
        num_clips=protocol.num_clips,
        sampling=Sampling(clip.sampling, clip.stride),
        order=order,
        keep_every=keep_every,
        mirror=protocol.flip and not flip_partners(videos.classes).any,
        cache=cache,
    )


def probabilities(
    model: nn.Module, views: Tensor, clip: Clip, device: torch.device, *, amp: bool
) -> Tensor:
    """What a model says about videos: probabilities (..., num_classes), the mean over views.

    Args:
        model: Maps clips (B, C, T, H, W) to logits (B, num_classes); in evaluation mode.
        views: uint8 (..., V, C, T, H, W), such as (V, C, T, H, W) of one video.
        clip: How pixels are normalized.
        device: Where `model` is.
        amp: bf16 on a GPU.
    """
    views = views.to(device, non_blocking=True)
    several = views.shape[:-4]
    with torch.inference_mode(), autocast(device, amp):
        logits = model(normalize(views.flatten(0, len(several) - 1), clip.mean, clip.std))
    return logits.float().softmax(-1).unflatten(0, several).mean(-2)
