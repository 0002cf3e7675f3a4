"""A frozen trunk's features of the views of videos: read from the disk, or computed and kept."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gta.backbones import TrunkNetwork
from gta.backbones.quick_trunk import features_in_parts, quick_trunk, with_same_weights
from gta.config import Recipe
from gta.data.ahead import ahead
from gta.data.dataset import TrainingClips
from gta.data.records import Video, VideoList
from gta.data.transforms.clip import normalize
from gta.devices import autocast, one_thread
from gta.errors import UsageError, VideoError
from gta.features.files import FeatureFiles, identity
from gta.features.videos import FrozenVideo, FrozenVideos
from gta.inference import protocol_views
from gta.protocols import Protocol, parse_protocol
from gta.tensor_files import digest

_AHEAD = 2
"""How many videos each decoding thread may be ahead of the trunk."""
_OTHER_DRAWS = {"views", "mixup", "cutmix", "repeats"}
"""Settings of `augment` on which a drawn view does not depend."""


class Trunk:
    """Computes the features of videos, or reads them from the disk.

    Args:
        model: A network with a frozen trunk.
        recipe: Its settings decide which views there are.
        files: Where features are kept.
        device: Where to compute.
        threads: Number of threads that decode, and on a CPU compute as well.
        protocol: Test views in place of those of the recipe.
    """

    def __init__(
        self,
        model: TrunkNetwork,
        recipe: Recipe,
        files: FeatureFiles,
        device: torch.device,
        threads: int,
        protocol: Protocol | None = None,
    ):
        with one_thread(device.type == "cpu"):  # its trials are small
            self.model = quick_trunk(model)
        self.recipe, self.files = recipe, files
        self.device, self.threads = device, max(threads, 1)
        about = {"network": model.after, "pool": str(model.pool)}
        self.weights = digest(model.trunk_state(), about)
        self.shape = (model.channels, recipe.clip.num_frames, model.pool, model.pool)
        self.protocol = protocol or parse_protocol(recipe.test.protocol)

    def num_test_views(self, videos: VideoList) -> int:
        """Test views of each of those videos; classes with a direction have no mirror images."""
        return protocol_views(videos, self.protocol, self.recipe.clip).shape[0]

    def bytes_of(self, views: int) -> int:
        """Bytes that the features of so many views take."""
        return 2 * views * int(np.prod(self.shape))

    def all(
        self,
        videos: VideoList,
        *,
        drawn: TrainingClips | None = None,
        first: int = 0,
        step: int = 1,
        advance: Callable[[int, str], None],
    ) -> FrozenVideos:
        """The features of every `step`-th video from `first` on; unreadable videos are failures.

        Args:
            videos: The videos.
            drawn: Draws the views of training beside those of testing.
            first: Place of the first video.
            step: Places from one video to the next.
            advance: Called with the number of finished videos.
        """
        frozen = FrozenVideos(videos, self.num_test_views(videos))
        each = self.each(videos, range(first, len(videos), step), drawn=drawn)
        for done, (index, video) in enumerate(each, start=1):
            if isinstance(video, VideoError):
                frozen.failures.append((video.path, video.reason))
            else:
                frozen.features[index] = video
            advance(done, "")
        return frozen

    def each(
        self,
        videos: VideoList,
        wanted: range,
        *,
        drawn: TrainingClips | None = None,
        keep_every: int = 1,
    ) -> Iterator[tuple[int, FrozenVideo | VideoError]]:
        """The place and the features of each of the wanted videos, or why it cannot be read.

        Args:
            videos: The videos.
            wanted: Their places.
            drawn: Draws the views of training beside those of testing.
            keep_every: Only every so many-th frame of a video is kept: see `ViewClips`.
        """
        reader = _Reader(self, videos, drawn, keep_every)
        cores = torch.get_num_threads() if self.device.type == "cpu" else 1
        if min(self.threads, cores) == 1:
            work, threads = reader, self.threads
        else:  # a core that does all of a video waits for no other
            threads = min(self.threads, cores)
            work = _InThreads(self, reader, cores // threads)
        try:
            for index, done in ahead(work, wanted, threads=threads, most=_AHEAD * threads + 1):
                if isinstance(done, UsageError) and not isinstance(done, VideoError):
                    raise done
                yield index, self._features(done) if isinstance(done, list) else done
        finally:
            # what a thread has set is what threads begin with that start later
            torch.set_num_threads(torch.get_num_threads())

    def _features(self, read: "list[_View]", model: TrunkNetwork | None = None) -> FrozenVideo:
        views, labels = list[Tensor](), list[int]()
        for view in read:
            features = view.kept
            if features is None:
                assert view.clips is not None
                clips = normalize(
                    view.clips.to(self.device), self.recipe.clip.mean, self.recipe.clip.std
                )
                with torch.inference_mode(), autocast(self.device, self.recipe.train.amp):
                    features = features_in_parts(model or self.model, clips).to(torch.float16).cpu()
                self.files.write(view.path, features)
            views += [view_features.clone() for view_features in features]
            labels += [view.label] * len(features)
        return FrozenVideo(views, labels)


class _InThreads:
    """Reads a video and computes its features, in a thread that has a network of its own.

    Args:
        trunk: What computes.
        reader: What reads.
        cores: How many of them a thread has for its network.
    """

    def __init__(self, trunk: Trunk, reader: "_Reader", cores: int):
        self.trunk, self.reader, self.cores = trunk, reader, cores
        self.own = threading.local()

    def __call__(self, index: int) -> FrozenVideo:
        if not hasattr(self.own, "model"):
            torch.set_num_threads(self.cores)
            self.own.model = with_same_weights(self.trunk.model)
        return self.trunk._features(self.reader(index), self.own.model)


@dataclass(slots=True)
class _View:
    path: Any
    label: int
    kept: Tensor | None
    """Features (V, C, T, h, w) from the disk; None: they are computed from `clips`."""
    clips: Tensor | None = None
    """uint8 (V, 3, T, H, W), from which features are computed."""


class _Reader:
    """Finds the views of a video, in a thread: as features if they are kept, else as pixels."""

    def __init__(
        self, trunk: Trunk, videos: VideoList, drawn: TrainingClips | None, keep_every: int
    ):
        self.trunk, self.videos, self.drawn = trunk, videos, drawn
        recipe = trunk.recipe
        self.views = protocol_views(videos, trunk.protocol, recipe.clip, keep_every=keep_every)
        self.num_views = recipe.augment.views if drawn is not None else 1
        # a test view depends on neither size nor resize of training
        clip = recipe.clip.model_dump(mode="json", exclude={"size", "resize"})
        self.of_test = {"views": trunk.protocol.name, "clip": clip}
        if keep_every > 1:
            self.of_test["keep_every"] = keep_every
        augment = recipe.augment.model_dump(mode="json", exclude=_OTHER_DRAWS)
        self.of_training = {"augment": augment, "clip": recipe.clip.model_dump(mode="json")}

    def __call__(self, index: int) -> list[_View]:
        video = self.videos.videos[index]
        try:
            known = identity(video.path)
        except OSError as error:
            raise VideoError(str(video.path), error.strerror or str(error)) from error
        of_test = self._of_test(video, index, known)
        return [of_test, *(self._drawn(video, known, n) for n in range(1, self.num_views))]

    def _of_test(self, video: Video, index: int, known: list[Any]) -> _View:
        read, label = partial(self.views.read, video, index), _label(video)
        return self._view(self.of_test, known, label, self.views.shape[0], read)

    def _drawn(self, video: Video, known: list[Any], number: int) -> _View:
        assert self.drawn is not None
        drawn = self.drawn
        seed = int(hashlib.sha256(json.dumps(known).encode()).hexdigest()[:15], 16)
        rng = np.random.default_rng([seed, number])
        mirrored, label = drawn.mirrored(video, rng.random() < 0.5)
        about = self.of_training | {"view": number, "mirrored": mirrored}
        read = partial(drawn.drawn, video, rng, mirrored=mirrored)
        return self._view(about, known, label, 1, lambda: read()[None])

    def _view(
        self,
        about: dict[str, Any],
        known: list[Any],
        label: int,
        count: int,
        read: Callable[[], Tensor],
    ) -> _View:
        files, trunk = self.trunk.files, self.trunk
        path = files.path({"trunk": trunk.weights, "video": known} | about)
        kept = files.read(path, (count, *trunk.shape))
        return _View(path, label, kept, read() if kept is None else None)


def _label(video: Video) -> int:
    return -1 if video.label is None else video.label
