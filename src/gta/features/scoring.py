"""The test views of videos as features, for scoring a run whose trunk is frozen."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn

from gta.backbones import TrunkNetwork
from gta.config import Recipe
from gta.data.batch import Batch
from gta.data.records import VideoList
from gta.data.sampling import Order, in_order
from gta.errors import VideoError
from gta.features.extractor import Trunk
from gta.features.files import FeatureFiles
from gta.features.videos import FrozenVideo, FrozenVideos
from gta.protocols import Protocol


def feature_batches(
    model: nn.Module,
    videos: VideoList,
    recipe: Recipe,
    protocol: Protocol,
    *,
    device: torch.device,
    threads: int,
    order: Order = "forward",
    keep_every: int = 1,
    rank: int = 0,
    world_size: int = 1,
    say: Callable[[str], None] = lambda line: None,
) -> Iterator[Batch] | None:
    """Features (B, V, C, T, h, w) of every `world_size`-th video's views, read or computed.

    The features of a frame do not depend on the order of frames, so a clip in another order needs
    no new features. Returns None without a frozen trunk, or without room for its features.

    Args:
        model: The network, on `device`.
        videos: The videos to score.
        recipe: The run's recipe; its `data` section says where features are kept.
        protocol: The views.
        device: Where to compute.
        threads: Number of threads that decode.
        order: The order of the frames of a clip: see `gta.data.dataset.ViewClips`.
        keep_every: Only every so many-th frame of a video is kept: see there.
        rank: Number of this process.
        world_size: Number of processes.
        say: Takes a line.
    """
    if not (recipe.train.freeze and isinstance(model, TrunkNetwork)):
        return None
    files = FeatureFiles(recipe.data.features_dir, recipe.data.features_gb, say)
    trunk = Trunk(model, recipe, files, device, threads, protocol)
    num_views = trunk.num_test_views(videos)
    if not files.has_room(trunk.bytes_of(num_views * len(videos))):
        return None
    size = max(1, recipe.test.batch_size // num_views)
    wanted = range(rank, len(videos), world_size)

    def batches() -> Iterator[Batch]:
        part = FrozenVideos(videos, num_views)
        for index, video in trunk.each(videos, wanted, keep_every=keep_every):
            if isinstance(video, VideoError):
                part.failures.append((video.path, video.reason))
            else:
                per_clip = num_views // protocol.num_clips
                part.features[index] = reordered(video, order, index, per_clip)
            if len(part.features) == size:
                yield from part.batches(size)
                part = FrozenVideos(videos, num_views)
        yield from part.batches(size)
        if rank == 0:
            files.keep_limit()

    return batches()


def reordered(frozen: FrozenVideo, order: Order, index: int, per_clip: int) -> FrozenVideo:
    """The features of a video's clips in another order, as `ViewClips` would draw it.

    Args:
        frozen: All views of the video.
        order: The order of the frames.
        index: The video's place, on which a drawn order depends.
        per_clip: Views of a clip, which show the same frames.
    """
    if order == "forward":
        return frozen
    rng, views = np.random.default_rng([index]), list(frozen.views)
    for start in range(0, len(views), per_clip):
        frames = in_order(range(views[start].shape[1]), order, rng)
        for place in range(start, start + per_clip):
            views[place] = views[place][:, frames]
    return FrozenVideo(views, frozen.labels)
