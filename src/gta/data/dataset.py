"""Clips for training and views for testing, one video at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from gta.data.cache import FrameCache
from gta.data.decode import Change, cut_off, frame_rate, read_frames
from gta.data.reading import Reading
from gta.data.records import Video, VideoList
from gta.data.sampling import Order, Sampling, in_order
from gta.data.spent import Spent
from gta.data.storage.sources import Unreadable
from gta.data.transforms.clip import (
    RandomCrop,
    TrainTransform,
    ViewTransform,
    resize_frames,
    stacked,
)
from gta.data.transforms.flips import flip_partners
from gta.errors import DataError, UsageError, VideoError

Flip = Literal["skip", "remap", "off"]
SEGMENTS = Sampling("segments")
_TRIES = 10


@dataclass(frozen=True, slots=True)
class Item:
    """One sample. `index` is that of the video asked for; label -1 means not known."""

    clip: Tensor | None
    """uint8; None: a view's video could not be read."""
    label: int
    index: int
    failures: tuple[tuple[str, str], ...]
    """(path, reason) of each video that could not be read."""
    cut_off: tuple[str, str] | None = None
    """(path, what of it is there) of a video whose file ends before its end."""


class TrainingClips(Dataset):
    """Random clips (C, T, size, size), each a function of (seed, epoch, index, repeat) alone.

    A video that cannot be read is skipped and recorded in the item; another video replaces it.

    Args:
        videos: Labeled videos.
        num_frames: T, of a clip.
        transform: Crops and flips.
        flip: Half of the clips are mirrored. "skip": but never those of a directional class;
            "remap": these too, and they get the label of the mirror image, if there is such a
            class; "off": none.
        seed: Of all draws, not negative.
        sampling: Which frames a clip shows.
        cache: Frames in memory, filled with the transform's `resize`.
    """

    def __init__(
        self,
        videos: VideoList,
        *,
        num_frames: int,
        transform: TrainTransform,
        flip: Flip,
        seed: int,
        sampling: Sampling = SEGMENTS,
        cache: FrameCache | None = None,
    ):
        if flip not in ("skip", "remap", "off"):
            raise UsageError(f"flip={flip!r} is not possible; it is 'skip', 'remap' or 'off'.")
        self.videos, self.num_frames, self.transform = videos.videos, num_frames, transform
        self.flip, self.seed, self.sampling = flip, seed, sampling
        self.partner = flip_partners(videos.classes).partner
        self.reading = Reading(0)
        """Is told what is read; a loader puts its own here."""
        self.frames = _Frames(cache, transform.resize)

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, key: tuple[int, ...]) -> Item:
        """The clip of (epoch, index), or of (epoch, index, repeat).

        Raises:
            DataError: Ten videos in a row could not be read.
        """
        index = key[1]
        rng = np.random.default_rng([self.seed, *key])
        chosen, failures = index, []
        for _ in range(_TRIES):
            video = self.videos[chosen]
            try:
                self.reading.begin(chosen, video.id, str(video.path))
                clip, label = self._clip(video, rng)
                return Item(clip, label, index, tuple(failures), self.frames.cut_off(video))
            except VideoError as error:
                failures.append((error.path, error.reason))
                chosen = int(rng.integers(len(self.videos)))
        path, reason = failures[0]
        raise DataError(
            f"{_TRIES} training videos in a row cannot be read; the first is {path}: {reason}. "
            f"Is the data folder complete, and are these the videos of its annotation?"
        )

    def _clip(self, video: Video, rng: np.random.Generator) -> tuple[Tensor, int]:
        mirrored, label = self.mirrored(video, rng.random() < 0.5)
        return self.drawn(video, rng, mirrored=mirrored), label

    def drawn(self, video: Video, rng: np.random.Generator, *, mirrored: bool) -> Tensor:
        """A clip (C, T, size, size) of a video, in the list or not.

        Raises:
            VideoError: It cannot be read.
        """
        fps = self.frames.rate(video, self.sampling)
        crop = RandomCrop(self.transform, rng)
        try:
            frames = self.frames.read(
                video, lambda n: self.sampling(n, self.num_frames, fps=fps, rng=rng), crop
            )
        except VideoError:
            crop.undo()
            raise
        return self.transform.finish(frames, rng, flip=mirrored)

    def mirrored(self, video: Video, heads: bool) -> tuple[bool, int]:
        """Whether the clip is mirrored, and its label then."""
        label = _label(video)
        if self.flip == "off" or not heads:
            return False, label
        if video.flippable:
            return True, label
        # a lone direction word has no partner but itself
        has_partner = label >= 0 and self.partner[label] != label
        return (
            (True, self.partner[label]) if self.flip == "remap" and has_partner else (False, label)
        )


class ViewClips(Dataset):
    """All views (V, C, T, size, size) of a video: `num_clips` in time x `num_crops` in space.

    View v is crop v % num_crops of clip v // num_crops; with `mirror` each is followed by its
    mirror image. A video that cannot be read gives an item
    without a clip; no other replaces it.

    Args:
        videos: The videos.
        num_frames: T, of a clip.
        transform: Crops.
        num_clips: Of a video.
        sampling: Which frames a clip shows.
        order: How the frames of each clip are put in order, to see whether a model minds.
        keep_every: Every so many-th frame of a video is there for sampling: 2 halves its rate.
        mirror: Each view is followed by its mirror image.
        cache: Frames in memory, filled with the transform's `resize`.
    """

    def __init__(
        self,
        videos: VideoList,
        *,
        num_frames: int,
        transform: ViewTransform,
        num_clips: int = 1,
        sampling: Sampling = SEGMENTS,
        order: Order = "forward",
        keep_every: int = 1,
        mirror: bool = False,
        cache: FrameCache | None = None,
    ):
        self.videos, self.num_frames, self.transform = videos.videos, num_frames, transform
        self.num_clips, self.sampling, self.mirror = num_clips, sampling, mirror
        self.order: Order = order
        self.keep_every = keep_every
        self.reading = Reading(0)
        """Is told what is read; a loader puts its own here."""
        self.frames = _Frames(cache, transform.resize)

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """(V, C, T, H, W) of an item's clip."""
        num_views = self.num_clips * self.transform.num_crops * (1 + self.mirror)
        return num_views, 3, self.num_frames, self.transform.size, self.transform.size

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, index: int) -> Item:
        video = self.videos[index]
        try:
            self.reading.begin(index, video.id, str(video.path))
            clip = self.read(video, index)
            return Item(clip, _label(video), index, (), self.frames.cut_off(video))
        except VideoError as error:
            return Item(None, _label(video), index, ((error.path, error.reason),))

    def read(self, video: Video, index: int = 0, *, spent: Spent | None = None) -> Tensor:
        """The views of a video, in the list or not: uint8 (V, C, T, size, size).

        Args:
            video: A file, a folder of frames, or a part of a shard.
            index: What an order of frames that is drawn at random depends on.
            spent: Is told how long it takes.

        Raises:
            VideoError: It cannot be read.
        """
        choose = partial(self._shown, video, index)
        resized = partial(resize_frames, resize=self.transform.resize)
        if spent is None:
            return self._cropped(self.frames.read(video, choose, resized))
        with spent.decoding():
            frames = self.frames.read(video, choose, spent.transforming(resized))
        return spent.transforming(self._cropped)(frames)

    def views_of(self, frames: Tensor, *, fps: float | None = None) -> Tensor:
        """The views of a video in memory, frames (T, 3, H, W): uint8 (V, C, T, size, size).

        Args:
            frames: All frames, uint8.
            fps: Their rate, for sampling that goes by time; None: 30, as of a video without a rate.

        Raises:
            UsageError: They are too narrow to be resized.
        """
        nowhere = Unreadable("frames in memory", "they are in no file")
        shown = self._shown(Video("", nowhere, None, fps=fps or 30.0), 0, len(frames))
        try:
            resized = [resize_frames(frames[i : i + 1], self.transform.resize) for i in shown]
        except ValueError as error:
            raise UsageError(str(error)) from error
        return self._cropped(torch.cat(resized))

    def _cropped(self, frames: Tensor) -> Tensor:
        views = [
            self.transform(clip, crop)
            for clip in frames.split(self.num_frames)
            for crop in range(self.transform.num_crops)
        ]
        if self.mirror:
            views = [turned for view in views for turned in (view, view.flip(-1))]
        return stacked(views)

    def _shown(self, video: Video, index: int, num_frames: int) -> list[int]:
        """The frames of all clips, one clip after the other."""
        step = self.keep_every
        n, fps = -(-num_frames // step), self.frames.rate(video, self.sampling)
        clips = [
            self.sampling(
                n, self.num_frames, fps=fps and fps / step, view=view, num_views=self.num_clips
            )
            for view in range(self.num_clips)
        ]
        rng = np.random.default_rng([index])
        return [step * i for clip in clips for i in in_order(clip, self.order, rng)]


class _Frames:
    """Frames from memory or from the file, made small one after the other."""

    def __init__(self, cache: FrameCache | None, resize):
        if cache is not None and cache.resize != resize:
            raise UsageError(
                f"the cache holds frames resized to {cache.resize}, but the transform resizes to "
                f"{resize}; fill the cache with resize={resize}"
            )
        self.cache = cache

    def rate(self, video: Video, sampling: Sampling) -> float | None:
        """Frames per second, where the sampling depends on them."""
        return (video.fps or frame_rate(video.path)) if sampling.by_time else None

    def cut_off(self, video: Video) -> tuple[str, str] | None:
        """Its path and what of its file is there, if the end of it is not."""
        if self.cache is not None and self.cache.num_frames(video):
            what = self.cache.cut_off.get(video.path)
        else:
            what = cut_off(video.path)
        return (str(video.path), what) if what else None

    def read(self, video: Video, choose: Callable[[int], Sequence[int]], change: Change) -> Tensor:
        """The frames that `choose` tells from their number, each changed: (T, 3, H, W)."""
        cached = self.cache.num_frames(video) if self.cache is not None else None
        if self.cache is not None and cached:
            frames = self.cache.read(video, choose(cached))
            if frames is not None:
                return change(frames)
        choice = choose(video.num_frames) if video.num_frames else choose
        return read_frames(video.path, choice, change=change)


def _label(video: Video) -> int:
    return -1 if video.label is None else video.label
