"""Training on the features of a frozen trunk, which are computed once."""

import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from gta.backbones import TrunkNetwork
from gta.config import Recipe
from gta.data.batch import Batch
from gta.data.loader import EpochOrder
from gta.features import FeatureFiles, FrozenVideos, Trunk
from gta.progress import Report
from gta.protocols import parse_protocol
from gta.training.batches import training_clips
from gta.training.processes import Processes
from gta.training.splits import Splits


class FeatureBatches:
    """The `Source` of features: in each epoch a clip of each video, drawn at random.

    The clip is a random kept view. Test views show different frames of the same segments, so if a
    test view is drawn, each of its frames is drawn from a random test view.

    Args:
        frozen: The training videos.
        recipe: The settings.
        processes: This process among all that train.
    """

    def __init__(self, frozen: FrozenVideos, recipe: Recipe, processes: Processes):
        self.frozen, self.seed = frozen, recipe.train.seed
        self.places = sorted(frozen.features)
        clips = parse_protocol(recipe.test.protocol).num_clips
        self.num_clips = clips if recipe.clip.sampling == "segments" else 1
        self.order = EpochOrder(
            len(self.places),
            batch_size=recipe.train.batch_size,
            seed=self.seed,
            rank=processes.rank,
            world_size=processes.world_size,
            repeats=recipe.augment.repeats,
            whole=True,  # videos are few
        )

    @property
    def num_batches(self) -> int:
        """Batches of a whole epoch."""
        return self.order.num_batches

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from `start` on."""
        self.order.epoch, self.order.start_batch = number, start
        failures = self.frozen.failures if start == 0 else []
        for keys in self.order:
            chosen = [self._drawn(key) for key in keys]
            clips, labels = zip(*chosen, strict=True)
            indices = torch.tensor([self.places[key[1]] for key in keys])
            features = torch.stack(clips)
            if features.is_floating_point():  # pixels are normalized later
                features = features.float()
            yield Batch(features, torch.tensor(labels), indices, failures)
            failures = []

    def close(self) -> None:
        """Does nothing: no process reads features."""

    def _drawn(self, key: tuple[int, ...]) -> tuple[Tensor, int]:
        video, num_test = self.frozen.features[self.places[key[1]]], self.frozen.num_test
        rng = np.random.default_rng([self.seed, *key, 1])
        view = int(rng.integers(len(video.views)))
        features, label = video.views[view], video.labels[view]
        if view < num_test and self.num_clips > 1:
            per_clip = num_test // self.num_clips
            of_clips = video.views[view % per_clip : num_test : per_clip]
            chosen = rng.integers(self.num_clips, size=features.shape[1]).tolist()
            frames = [of_clips[clip][:, frame] for frame, clip in enumerate(chosen)]
            features = torch.stack(frames, dim=1)
        return features, label


def frozen_features(
    model: TrunkNetwork,
    splits: Splits,
    recipe: Recipe,
    processes: Processes,
    *,
    threads: int,
    report: Report,
) -> tuple[FrozenVideos, FrozenVideos]:
    """Features of the training and the validation videos; reports the number of views.

    Several processes share the work, and read each other's part from the disk.

    Raises:
        UsageError: They need more room than `data.features_gb` allows.
    """
    data, views = recipe.data, recipe.augment.views
    files = FeatureFiles(data.features_dir, data.features_gb, report.say)
    trunk = Trunk(model, recipe, files, processes.device, threads)
    drawn = training_clips(splits.train, recipe, None)
    num_test = trunk.num_test_views(splits.train)
    count = len(splits.train) * (views - 1) + (len(splits.train) + len(splits.val)) * num_test
    files.require_room(trunk.bytes_of(count))
    total = len(splits.train) + len(splits.val)

    def both(first: int, step: int) -> tuple[FrozenVideos, FrozenVideos]:
        done = len(splits.train)

        def of_val(n: int, note: str) -> None:
            advance(done + n, note)

        with report.track("features", total) as advance:
            train = trunk.all(splits.train, drawn=drawn, first=first, step=step, advance=advance)
            val = trunk.all(splits.val, first=first, step=step, advance=of_val)
        return train, val

    began = time.monotonic()
    if processes.world_size > 1:
        both(processes.rank, processes.world_size)
        processes.gather(None)  # all parts are on the disk
    train, val = both(0, 1)
    if processes.is_main:
        files.keep_limit()
    beside = f" and of {len(val.features)} validation videos" if len(splits.val) else ""
    report.say(
        f"frozen trunk up to {model.after}: features of {len(train.features)} training videos in "
        f"{num_test + views - 1} views each{beside}, "
        f"{time.monotonic() - began:.1f} s, kept in {files.folder}"
    )
    return train, val
