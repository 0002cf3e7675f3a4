"""A protocol's views of frames, and their probabilities: once, for all who score or predict."""

import threading
import weakref
from collections.abc import Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as modules

from gta.config import Clip
from gta.cuda_graphs.captured import WARM_UP
from gta.cuda_graphs.replays import Replays
from gta.data.cache import FrameCache
from gta.data.dataset import ViewClips
from gta.data.records import VideoList
from gta.data.sampling import Order, Sampling
from gta.data.transforms.clip import ViewTransform, normalize
from gta.data.transforms.flips import flip_partners
from gta.devices import autocast
from gta.protocols import Protocol

_MOST_GRAPHS = 24
"""Shapes of views that are recorded."""
_OURS = "gta.backbones."
"""Where hooks are from whose work is all on tensors: a recording has it."""


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


class Scorer:
    """`probabilities` of a network; on a GPU, views of a shape that comes again are one launch.

    The first calls with views of a shape are eager; then the call is recorded as a CUDA graph, and
    replayed. A recording is dropped when the network has been changed: other tensors, layers or
    modes. A network with hooks is never replayed, for they would not be called.

    Args:
        model: As of `probabilities`; in evaluation mode.
        clip: How pixels are normalized.
        device: Where `model` is.
        amp: bf16 on a GPU.
        cuda_graphs: Whether anything is recorded.
    """

    def __init__(
        self,
        model: nn.Module,
        clip: Clip,
        device: torch.device,
        *,
        amp: bool,
        cuda_graphs: bool = True,
    ):
        self.model, self.clip, self.device, self.amp = model, clip, device, amp
        self.cuda_graphs = cuda_graphs
        self.replays: Replays | None = None
        if cuda_graphs and device.type == "cuda":
            # weak, so that the memory of graphs is free as soon as nobody has the scorer
            ours = weakref.WeakMethod(self._probabilities)
            self.replays = Replays(
                lambda views: ours()(views),  # pyright: ignore[reportOptionalCall]
                device,
                say=lambda text: None,
                most=_MOST_GRAPHS,
            )
        self._recorded: object = None
        self.lock = threading.RLock()

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, or what a process is sent, records anew."""
        made = partial(Scorer, amp=self.amp, cuda_graphs=self.cuda_graphs)
        return made, (self.model, self.clip, self.device)

    @property
    def calls_until_recorded(self) -> int:
        """Calls with views of a shape after which all others are replays."""
        return WARM_UP + 1 if self.records else 1

    @property
    def records(self) -> bool:
        """Whether views of a shape that comes again are replayed."""
        return self.replays is not None and self.replays.refused is None

    def __call__(self, views: Tensor) -> Tensor:
        """Probabilities (..., num_classes) of uint8 views (..., V, C, T, H, W).

        Calls from several threads take turns: networks hold on to features while they run.
        """
        with self.lock:
            replays = self.replays
            if replays is None or _has_hooks(self.model) or not _on_default_stream(self.device):
                return self._probabilities(views)
            # memory of inference mode could not be written outside of it
            with torch.cuda.device(self.device), torch.inference_mode(False):
                network = _network(self.model)
                if network != self._recorded:
                    replays.forget()
                    replays.refused, self._recorded = None, network
                return replays(views)

    def _probabilities(self, views: Tensor) -> Tensor:
        return probabilities(self.model, views, self.clip, self.device, amp=self.amp)


def _network(model: nn.Module) -> object:
    """What a recording holds: the layers, where their tensors are, how exactly they compute."""
    layers = [(id(m), m.training, id(m.__dict__.get("forward"))) for m in model.modules()]
    tensors = [_place(t) for each in (model.parameters(), model.buffers()) for t in each]
    exact = torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    return layers, tensors, exact


def _place(tensor: Tensor) -> int:
    """Where a tensor is; of one that is made of others, as quantized weights are, which it is."""
    try:
        return tensor.data_ptr()
    except RuntimeError:
        return id(tensor)


def _has_hooks(model: nn.Module) -> bool:
    """Whether hooks are to be called in each pass, other than those of networks of this package."""
    if modules._has_any_global_hook():
        return True
    every = (hook for m in model.modules() for hook in _hooks(m))
    return any(not str(getattr(hook, "__module__", "")).startswith(_OURS) for hook in every)


def _hooks(module: nn.Module) -> Iterable[object]:
    return (*module._forward_hooks.values(), *module._forward_pre_hooks.values())


def _on_default_stream(device: torch.device) -> bool:
    """Whether what a call begins is ordered with what other threads begin."""
    return torch.cuda.current_stream(device) == torch.cuda.default_stream(device)
