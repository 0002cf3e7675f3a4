"""A model and a clip, from which all pictures of `gta show` are made."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from torch import Tensor, nn

from gta.config import Clip
from gta.errors import UsageError, nearest
from gta.figures.components import Components, components
from gta.figures.grad_cam import Evidence, grad_cam
from gta.figures.maps import Layer, Query, Seen, active_query, look
from gta.figures.matrices import Matrix, matrices
from gta.figures.palette import lit
from gta.figures.regions import has_regions
from gta.figures.swap import swapped


@dataclass(frozen=True)
class Subject:
    """A model, a clip, and the options of the pictures."""

    name: str
    """Name of the model, for headings."""
    model: nn.Module
    """In evaluation mode."""
    view: Tensor
    """uint8 (3, T, H, W)."""
    clip: Clip
    """How the model's input is made from it."""
    classes: Sequence[str]
    at: Query | None = None
    """None: the most active position."""
    place: str | None = None
    """The place whose blocks are shown, such as "inserted.res3_0"; None: the finest grid's."""
    asked: str | None = None
    """The class whose evidence is shown; None: the most probable."""
    layer: str | None = None
    """The module of Grad-CAM and components; None: see there."""
    truth: str | None = None
    """The clip's class, if known."""
    event: tuple[int, ...] = ()
    """The frames of the event that decides the class, if known."""

    @cached_property
    def seen(self) -> Seen:
        return look(self.model, self.view, self.clip)

    @cached_property
    def swapped(self) -> Seen:
        """The model's answer and maps with the projections of its halves exchanged."""
        with swapped(self.model):
            seen = look(self.model, self.view, self.clip)
            for layer in seen.of_kind("spatial", "temporal"):
                _ = layer.attention  # while they are exchanged
        return seen

    @cached_property
    def _lit(self) -> tuple[np.ndarray, float]:
        return lit(self.seen.frames)

    @property
    def frames(self) -> np.ndarray:
        """The clip as it is drawn, uint8 (T, H, W, 3); a dark clip is brightened."""
        return self._lit[0]

    @property
    def brightened(self) -> str:
        """A note for the captions if the frames were brightened."""
        return "" if self._lit[1] == 1 else f", {self._lit[1]:.1f} times brighter"

    @cached_property
    def ranked(self) -> list[tuple[str, float]]:
        """(class, probability) of this clip, the most probable first."""
        order: list[int] = np.argsort(-self.seen.probabilities, kind="stable").tolist()
        return [(self.classes[i], float(self.seen.probabilities[i])) for i in order]

    @property
    def answer(self) -> str:
        """The most probable classes in a line."""
        shown = [self.ranked[0], *(pair for pair in self.ranked[1:3] if pair[1] >= 0.005)]
        return " · ".join(f"{score:.0%} {name}" for name, score in shown)

    @cached_property
    def label(self) -> int:
        """The class whose evidence is shown.

        Raises:
            UsageError: There is no class of that name.
        """
        if self.asked is None:
            return int(self.seen.probabilities.argmax())
        names = list(self.classes)
        if self.asked not in names:
            raise UsageError(f"the model has no class {self.asked!r}.{nearest(self.asked, names)}")
        return names.index(self.asked)

    def of_place(self, seen: Seen) -> list[Layer]:
        """The layers of the place that is shown.

        Raises:
            UsageError: The network has no blocks at such a place.
        """
        places: dict[str, list[Layer]] = {}
        for layer in seen.layers:
            places.setdefault(layer.name.rpartition(".")[0] or layer.name, []).append(layer)
        if not places:
            return []
        if self.place is None:
            return max(places.values(), key=lambda layers: layers[0].grid[1] * layers[0].grid[2])
        for name, layers in places.items():
            if self.place in (name, name.removeprefix("inserted.")):
                return layers
        named = [name.removeprefix("inserted.") for name in places]
        raise UsageError(
            f"there are no blocks at {self.place!r}.{nearest(self.place, named)} There are blocks "
            f"at {', '.join(named)}"
        )

    @cached_property
    def layers(self) -> list[Layer]:
        return self.of_place(self.seen)

    @cached_property
    def query(self) -> Query:
        """The position whose attention is shown.

        Raises:
            UsageError: It is not in the clip.
        """
        T, height, width, _ = self.frames.shape
        if self.at is None:
            if self.layers:
                return active_query(self.layers[0])
            frame, i, j = self.peak
            return Query(j, i, frame)
        at = self.at
        if not (0 <= at.x < width and 0 <= at.y < height and 0 <= at.frame < T):
            raise UsageError(
                f"--at {at.x:g},{at.y:g},{at.frame} is not in the clip: x is 0 to "
                f"{width - 1}, y 0 to {height - 1}, the frame 0 to {T - 1}"
            )
        return at

    @cached_property
    def evidence(self) -> Evidence:
        return grad_cam(self.model, self.view, self.clip, self.label, layer=self.layer)

    @cached_property
    def components(self) -> Components:
        return components(self.model, self.view, self.clip, layer=self.layer)

    @cached_property
    def matrices(self) -> list[Matrix]:
        return matrices(self.model)

    @property
    def peak(self) -> tuple[int, float, float]:
        """Frame, y and x of the greatest evidence, in pixels of the clip."""
        evidence = self.evidence
        t, i, j = np.unravel_index(int(evidence.map.argmax()), evidence.map.shape)
        _, H, W = evidence.map.shape
        height, width = self.frames.shape[1:3]
        return evidence.frames[int(t)], (int(i) + 0.5) * height / H, (int(j) + 0.5) * width / W

    @property
    def region_layer(self) -> Layer | None:
        """The layer whose regions are shown: at the place, or else the first with regions."""
        return next(filter(has_regions, [*self.layers, *self.seen.layers]), None)


def on_clip(values: np.ndarray, frames: Sequence[int], num_frames: int) -> np.ndarray:
    """Values (F, ...) of a feature's frames; each frame of the clip gets the nearest."""
    nearest_frame = [
        int(np.argmin([abs(frame - t) for frame in frames])) for t in range(num_frames)
    ]
    return values[nearest_frame]


def spaced(values: np.ndarray, frames: Sequence[int], num_frames: int) -> np.ndarray:
    """Values (F,) of a feature's frames at their places among the clip's; NaN between."""
    out = np.full(num_frames, np.nan)
    out[list(frames)] = values
    return out
