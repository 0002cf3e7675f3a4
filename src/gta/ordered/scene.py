"""The things of a clip and their places over time, independent of the frame size."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from gta.ordered.appearance import Look, draw_look
from gta.ordered.background import Background, draw_background
from gta.ordered.difficulty import EASY, Difficulty


@dataclass(slots=True)
class Thing:
    """One thing over time. Every track is (T,); lengths are in short sides of the frame.

    Positions are from the frame's center, x to the right and y down; the angle is in radians,
    growing clockwise as seen.
    """

    look: Look
    x: np.ndarray
    y: np.ndarray
    half_width: np.ndarray
    half_height: np.ndarray
    """Equal to the half width, except for a stretched square."""
    angle: np.ndarray
    opacity: np.ndarray | None = None
    """In [0, 1]; None: opaque."""


@dataclass(slots=True)
class Stage:
    """The context of a program: times, space, and the random generator."""

    rng: np.random.Generator
    time: np.ndarray
    """(T,) from 0 at the first frame to 1 at the last."""
    half_x: float
    """Half the frame's width in short sides."""
    half_y: float
    background: Background
    difficulty: Difficulty = EASY
    event: tuple[float, float] | None = None
    """Begin and end of a program's event, in units of `time`."""

    def progress(self) -> np.ndarray:
        """(T,) rising: random start, end and easing, symmetric in time."""
        return self.piece(self._eased())

    def piece(self, way: np.ndarray) -> np.ndarray:
        """A random piece of a way from 0 to 1, as long as the difficulty allows."""
        reach = self.difficulty.reach
        return way if reach == 1 else (1.0 - reach) * self.rng.random() + reach * way

    def _eased(self) -> np.ndarray:
        start, rest = self.rng.uniform(0.0, self.difficulty.stillness, 2)
        self.event = (float(start), float(1.0 - rest))
        part = np.clip((self.time - start) / (1.0 - rest - start), 0.0, 1.0)
        ease = self.rng.integers(4)
        if ease == 0:
            return part
        if ease == 1:
            return part * part * (3 - 2 * part)
        return part**1.5 if ease == 2 else 1 - (1 - part) ** 1.5

    def swing(self, cycles: float) -> np.ndarray:
        """(T,) a sine of random phase in [-1, 1]."""
        return np.sin(2 * np.pi * (cycles * self.time + self.rng.random()))

    def steady(self, value: float) -> np.ndarray:
        """(T,) with a constant value."""
        return np.full(len(self.time), value)

    def thing(
        self,
        radius: float,
        x: float = 0.0,
        y: float = 0.0,
        *,
        outline: str | None = None,
        unlike: Thing | None = None,
    ) -> Thing:
        """A random thing at rest, except for the tremor of the hand that holds it."""
        rng = self.rng
        size = self.steady(radius)
        return Thing(
            look=draw_look(
                rng, self.background.color, outline=outline, unlike=unlike and unlike.look
            ),
            x=x + 0.006 * self.swing(rng.uniform(0.5, 2.0)),
            y=y + 0.006 * self.swing(rng.uniform(0.5, 2.0)),
            half_width=size,
            half_height=size,
            angle=rng.uniform(-0.6, 0.6) + 0.04 * self.swing(rng.uniform(0.5, 1.5)),
        )

    def distractor(self) -> Thing:
        """A small dull thing that drifts anywhere."""
        rng = self.rng
        thing = self.thing(
            rng.uniform(0.035, 0.06),
            rng.uniform(-self.half_x, self.half_x),
            rng.uniform(-self.half_y, self.half_y),
        )
        velocity_x, velocity_y, turn = rng.uniform(-1, 1, 3) * (0.2, 0.2, 1.0)
        thing.x += velocity_x * (self.time - 0.5)
        thing.y += velocity_y * (self.time - 0.5)
        thing.angle += rng.uniform(0, 2 * np.pi) + turn * (self.time - 0.5)
        look, surface = thing.look, self.background.color
        thing.look = replace(
            look,
            color=look.color + 0.45 * (surface - look.color),
            mark_color=look.mark_color + 0.6 * (surface - look.mark_color),
        )
        return thing


Program = Callable[[Stage], tuple[list[Thing], list[str]]]
"""An event: returns the things from back to front, and the texts of the class's placeholders."""


@dataclass(slots=True)
class Scene:
    """A clip without a size in pixels."""

    background: Background
    things: list[Thing]
    """From back to front."""
    named: list[str]
    """Texts of the placeholders in the class's name, in order."""
    camera_x: np.ndarray
    """(T,) in short sides: how far everything is moved to the right."""
    camera_y: np.ndarray
    light: np.ndarray
    """(T,) factor on all colors, about 1."""
    light_slope: np.ndarray
    """(x, y): how much brighter it is per short side to the right and down."""
    noise: float
    """Amplitude of the sensor noise, in grey levels."""
    event: tuple[float, float] | None = None
    """Begin and end of the event in the program's time, 0 to 1; None: no event, or no end."""


def draw_scene(
    program: Program,
    rng: np.random.Generator,
    num_frames: int,
    aspect: float,
    difficulty: Difficulty = EASY,
) -> Scene:
    """A random scene in which `program` happens.

    Args:
        program: The event.
        rng: The random generator.
        num_frames: T.
        aspect: Width over height of the frame.
        difficulty: How hard the clip is.
    """
    stage = Stage(
        rng=rng,
        time=np.linspace(0.0, 1.0, num_frames),
        half_x=max(aspect, 1.0) / 2,
        half_y=max(1 / aspect, 1.0) / 2,
        background=draw_background(rng),
        difficulty=difficulty,
    )
    camera = difficulty.camera
    sway = [0.015 * camera * stage.swing(rng.uniform(0.3, 1.0)) for _ in range(2)]
    drift = camera * rng.uniform(-0.06, 0.06, 2)
    light = 1.0 + rng.uniform(-0.08, 0.08) + 0.04 * stage.swing(rng.uniform(0.3, 1.5))
    light_slope = rng.uniform(-0.15, 0.15, 2)
    noise = difficulty.noise * rng.uniform(2.0, 7.0)
    distractors = [stage.distractor() for _ in range(rng.integers(1, difficulty.distractors + 1))]
    things, named = program(stage)
    return Scene(
        background=stage.background,
        things=[*distractors, *things],
        named=named,
        camera_x=sway[0] + drift[0] * (stage.time - 0.5),
        camera_y=sway[1] + drift[1] * (stage.time - 0.5),
        light=light,
        light_slope=light_slope,
        noise=noise,
        event=stage.event,
    )
