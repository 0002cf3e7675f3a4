"""A stream of frames: what a causal network says at each of them, in constant memory and time."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from gta.config import Recipe
from gta.data.decode import as_tensor
from gta.data.transforms.clip import ViewTransform, normalize
from gta.devices import autocast
from gta.errors import UsageError, VideoError
from gta.predict.prediction import ranked
from gta.protocols import Protocol as Views
from gta.runs import Run

WAIT = 1.0
"""Seconds until a device that went away is tried again."""


class Loaded(Protocol):
    """What of a `Predictor` is needed here."""

    run: Run
    model: Any
    device: torch.device
    amp: bool
    protocol: Views


class FrameByFrame:
    """A causal network with what it remembers: one frame in, probabilities out.

    The central crop of the protocol is seen, and every frame: of a network that was trained on
    every `clip.stride`-th frame, give it those.

    Args:
        predictor: Of `gta.load`.

    Raises:
        UsageError: Its network needs whole clips.
    """

    def __init__(self, predictor: Loaded):
        self.model, self.device, self.amp = predictor.model, predictor.device, predictor.amp
        self.recipe = predictor.run.recipe
        if not getattr(self.model, "causal", False):
            raise UsageError(
                f"{predictor.run.folder} needs whole clips, and a stream has none: train a network "
                f"for streams, such as --model lite0_gta_causal (model.causal; docs/streams.md)"
            )
        protocol = predictor.protocol
        self.transform = ViewTransform(size=protocol.size, resize=protocol.resize)
        self.state: dict[str, Tensor] | None = None

    def restart(self) -> None:
        """The next frame is the first."""
        self.state = None

    @torch.inference_mode()
    def __call__(self, frame: np.ndarray) -> Tensor:
        """Probabilities (num_classes,) after one more frame, RGB, uint8 (H, W, 3)."""
        pixels = as_tensor(np.array(frame))
        clip = normalize(
            self.transform(pixels)[None].to(self.device),
            self.recipe.clip.mean,
            self.recipe.clip.std,
        )
        with autocast(self.device, self.amp):
            logits, self.state = self.model.step(clip[:, :, 0], self.state)
        return logits[0].float().softmax(0).cpu()


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said after one frame of a stream."""

    frame: int
    """Its number in the stream, from 0, with those that were left out."""
    seconds: float
    """Since the stream began."""
    scores: list[tuple[str, float]]
    """(class, probability), the most probable first."""
    latency_ms: float
    """From when the frame came until this was said."""
    dropped: int
    """Frames until now that came too fast and were not seen."""
    restarts: int
    """How often the source went away and came back."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    number: int
    frame: np.ndarray
    at: float
    restarts: int


class Arrivals:
    """Frames of a source, read in a thread of its own, every `stride`-th of them.

    Args:
        source: Opens it, and again if it `returns`.
        stride: One frame of so many is taken.
        live: A frame that is not taken before the next comes is dropped and counted; otherwise
            the source waits.
        returns: The source is a device: when it ends or fails it is tried again, until `close`.
        wait: Seconds between two tries.
    """

    def __init__(
        self,
        source: Callable[[], Iterator[np.ndarray]],
        *,
        stride: int = 1,
        live: bool,
        returns: bool = False,
        wait: float = WAIT,
    ):
        self.source, self.stride, self.live = source, stride, live
        self.returns, self.wait = returns, wait
        self.dropped = self.restarts = self.number = 0
        self._slot: _Arrival | None = None
        self._ended, self._error = False, None
        self._closed = threading.Event()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """The thread ends with the frame that it waits for."""
        self._closed.set()
        with self._changed:
            self._changed.notify_all()

    def __iter__(self) -> Iterator[_Arrival]:
        while True:
            with self._changed:
                # in short waits, so that Ctrl-C is heard
                while self._slot is None and not self._ended:
                    self._changed.wait(0.2)
                taken, self._slot = self._slot, None
                self._changed.notify_all()
            if taken is None:
                if self._error is not None:
                    raise self._error
                return
            yield taken

    def _read(self) -> None:
        try:
            while not self._closed.is_set():
                before = self.number
                try:
                    for frame in self.source():
                        self._put(frame)
                        if self._closed.is_set():
                            return
                except VideoError:
                    if not self.returns or self.number == 0:  # it never was there
                        raise
                if not self.returns:
                    return
                if self.number > before:
                    self.restarts += 1
                self._closed.wait(self.wait)
        except BaseException as error:  # is raised where frames are taken
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _put(self, frame: np.ndarray) -> None:
        number, self.number = self.number, self.number + 1
        if number % self.stride:
            return
        arrival = _Arrival(number, frame, time.monotonic(), self.restarts)
        with self._changed:
            while self._slot is not None and not self.live and not self._closed.is_set():
                self._changed.wait(0.2)
            if self._slot is not None:
                self.dropped += 1
            self._slot = arrival
            self._changed.notify_all()


def watch(predictor: Loaded, arrivals: Arrivals) -> Iterator[Answer]:
    """What is said after each frame that arrives.

    After a source went away and came back the network begins anew.

    Args:
        predictor: Of `gta.load`, with a causal network.
        arrivals: The frames; closed at the end.

    Raises:
        UsageError: The network needs whole clips.
        VideoError: The source cannot be read.
    """
    try:
        model, restarts = FrameByFrame(predictor), 0
        classes, began = predictor.run.classes, None
        for arrival in arrivals:
            if arrival.restarts != restarts:
                model.restart()
                restarts = arrival.restarts
            began = arrival.at if began is None else began
            scores = ranked(model(arrival.frame), classes)
            latency = 1000 * (time.monotonic() - arrival.at)
            yield Answer(
                *(arrival.number, arrival.at - began, scores, latency),
                *(arrivals.dropped, restarts),
            )
    finally:
        arrivals.close()


def stride_of(recipe: Recipe) -> int:
    """One frame of so many of a stream is what clips of training have."""
    return recipe.clip.stride or 1
