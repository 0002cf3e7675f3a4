"""Where the time of reading videos goes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor


@dataclass(slots=True)
class Spent:
    """Seconds by stage, each of the thread that did the work, and clips that were made in them."""

    decode: float = 0.0
    """Opening, seeking, decoding, colors."""
    transform: float = 0.0
    """Resizing and cropping."""
    network: float = 0.0
    clips: int = 0

    def add(self, other: "Spent") -> None:
        """Adds what another thread has spent."""
        self.decode += other.decode
        self.transform += other.transform
        self.network += other.network
        self.clips += other.clips

    def transforming(self, change: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        """The same change, whose time counts."""

        def changed(frames: Tensor) -> Tensor:
            began = time.perf_counter()
            result = change(frames)
            self.transform += time.perf_counter() - began
            return result

        return changed

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """What is done within is decoding, but for what counts as transforming."""
        began, before = time.perf_counter(), self.transform
        try:
            yield
        finally:
            self.decode += time.perf_counter() - began - (self.transform - before)

    def per_clip(self) -> dict[str, float]:
        """Milliseconds a clip: decode_ms, transform_ms, network_ms."""
        stages = {"decode": self.decode, "transform": self.transform, "network": self.network}
        return {f"{name}_ms": 1000 * s / max(self.clips, 1) for name, s in stages.items()}
