"""From a scene to pixels with antialiasing, in plain NumPy.

A thing is drawn for all frames at once; the frames are then composed one by one, so that each stays
in the CPU's cache.
"""

import numpy as np

from gta.errors import UsageError
from gta.ordered.appearance import MARKS, edge_distance
from gta.ordered.background import render_background
from gta.ordered.classes import OrderedClass, find_class
from gta.ordered.difficulty import EASY, Difficulty
from gta.ordered.programs import PROGRAMS
from gta.ordered.scene import Scene, Thing, draw_scene

MIN_FRAMES = 8
MIN_SIZE = 32
_SHADOW = 0.05  # reach of the shadow round a thing, in short sides


def check_shape(num_frames: int, height: int, width: int) -> None:
    """Raises UsageError for clips in which the events could not be seen."""
    if num_frames < MIN_FRAMES:
        raise UsageError(
            f"Clips of {num_frames} frames are too short to show an event; "
            f"use {MIN_FRAMES} or more."
        )
    if min(height, width) < MIN_SIZE or max(height, width) > 3 * min(height, width):
        raise UsageError(
            f"Frames of {height}x{width} pixels (height x width) are not possible; use at least "
            f"{MIN_SIZE} pixels a side, one side at most 3 times the other."
        )


class _Sprite:
    """A thing in every frame: the added colors, and the share of the background that is kept."""

    def __init__(self, thing: Thing, scene: Scene, height: int, width: int):
        unit = min(height, width)
        x = (thing.x + scene.camera_x) * unit + width / 2  # in pixels
        y = (thing.y + scene.camera_y) * unit + height / 2
        half_width, half_height = thing.half_width * unit, thing.half_height * unit
        # One window for all frames, wide enough for the largest outline.
        reach = int(np.ceil(0.9 * np.hypot(half_width, half_height).max() + _SHADOW * unit))
        side = 2 * reach + 1
        left, top = np.floor(x).astype(int) - reach, np.floor(y).astype(int) - reach
        offsets = np.arange(side) + 0.5
        dx = (offsets + (left - x)[:, None]).astype(np.float32)[:, None, :]
        dy = (offsets + (top - y)[:, None]).astype(np.float32)[:, :, None]
        self.paint, self.keep = _draw(thing, dx, dy, half_width, half_height, unit)
        self.side, self.left, self.top = side, left.tolist(), top.tolist()

    def lay_over(self, frame: np.ndarray, moment: int) -> None:
        """Lays the thing over `frame`, float32 (3, H, W) in 0..255, in place."""
        height, width = frame.shape[1:]
        left, top = self.left[moment], self.top[moment]
        first_row, last_row = max(top, 0), min(top + self.side, height)
        first_column, last_column = max(left, 0), min(left + self.side, width)
        if first_row >= last_row or first_column >= last_column:
            return  # out of sight
        rows = slice(first_row - top, last_row - top)
        columns = slice(first_column - left, last_column - left)
        seen = frame[:, first_row:last_row, first_column:last_column]
        seen *= self.keep[moment, rows, columns]
        seen += self.paint[moment, :, rows, columns]


def _draw(
    thing: Thing,
    dx: np.ndarray,
    dy: np.ndarray,
    half_width: np.ndarray,
    half_height: np.ndarray,
    unit: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The colors that a thing adds, (T, 3, h, w) in 0..255, and the kept background, (T, h, w).

    Everything is in pixels: `dx` (T, 1, w) and `dy` (T, h, 1) from the thing's center.
    """

    def column(track: np.ndarray) -> np.ndarray:
        return track.astype(np.float32)[:, None, None]

    cos, sin = np.cos(thing.angle), np.sin(thing.angle)
    u = dx * column(cos / half_width) + dy * column(sin / half_width)
    v = dy * column(cos / half_height) - dx * column(sin / half_height)
    width, height = column(half_width), column(half_height)
    distance = edge_distance(thing.look.outline, u, v, width, height)
    inside = _ramp(distance, -1.0, 0.5)  # half a pixel to either side of the edge
    shadow = _ramp(distance, -1 / (_SHADOW * unit), 1.0)
    shadow *= 0.45 * shadow
    if thing.opacity is not None:
        opacity = column(thing.opacity)
        inside *= opacity
        shadow *= opacity
    keep = 1.0 - inside
    keep *= np.subtract(1.0, shadow, out=shadow)
    rim = _ramp(distance, 1 / max(1.3, 0.02 * unit), 1.0)
    rim *= 0.5
    inside *= np.subtract(1.0, rim, out=rim)
    light = 0.1 * dx + 0.2 * dy
    light /= height
    inside *= np.subtract(1.02, light, out=light)  # lit from above
    color = (255 * thing.look.color).astype(np.float32)[:, None, None]
    paint = inside[:, None] * color
    if thing.look.mark != "none":
        mark = MARKS[thing.look.mark](u, v)
        mark *= height
        mark += 0.5
        np.clip(mark, 0.0, 1.0, out=mark)
        mark *= inside
        step = (255 * thing.look.mark_color).astype(np.float32)[:, None, None] - color
        paint += mark[:, None] * step
    return paint, keep


def _ramp(distance: np.ndarray, slope: float, start: float) -> np.ndarray:
    """`start + slope * distance`, cut off at 0 and 1."""
    ramp = distance * np.float32(slope)
    ramp += np.float32(start)
    return np.clip(ramp, 0.0, 1.0, out=ramp)


def render_scene(
    scene: Scene,
    height: int,
    width: int,
    noise_rng: np.random.Generator,
    *,
    backwards: bool = False,
) -> np.ndarray:
    """The frames of a scene, uint8 (T, H, W, 3), first to last or last to first."""
    unit = min(height, width)
    velocity_x, velocity_y = scene.background.velocity
    moment = np.linspace(-0.5, 0.5, len(scene.light))
    backgrounds = render_background(
        scene.background,
        (scene.camera_x + velocity_x * moment) * unit,
        (scene.camera_y + velocity_y * moment) * unit,
        height,
        width,
    )
    sprites = [_Sprite(thing, scene, height, width) for thing in scene.things]
    slope_x, slope_y = scene.light_slope
    across = slope_x * (np.arange(width) + 0.5 - width / 2) / unit
    down = slope_y * (np.arange(height) + 0.5 - height / 2) / unit
    slope = 1.0 + across + down[:, None]
    noise = np.frombuffer(noise_rng.bytes(len(moment) * height * width), np.uint8)
    gain, offset = np.float32(scene.noise / 127.5), np.float32(0.5 - scene.noise)
    frames = np.empty((len(moment), height, width, 3), np.uint8)
    written = frames[::-1] if backwards else frames
    for index, (frame, grain) in enumerate(
        zip(backgrounds, noise.reshape(-1, height, width), strict=True)
    ):
        for sprite in sprites:
            sprite.lay_over(frame, index)
        frame *= (scene.light[index] * slope).astype(np.float32)
        # half a level is in the offset: the cast below rounds down
        frame += grain.astype(np.float32) * gain + offset
        np.clip(frame, 0.0, 255.0, out=frame)
        levels = frame.astype(np.uint8)
        for channel in range(3):  # four times as fast as a transpose
            written[index, ..., channel] = levels[channel]
    return frames


def draw_clip(
    ordered_class: OrderedClass,
    num_frames: int,
    aspect: float,
    seed: int,
    difficulty: Difficulty = EASY,
) -> Scene:
    """The scene of a clip, in the time order of its program."""
    # Both members of a pair draw the same numbers: that is what makes them mirror images.
    program, rng = PROGRAMS[ordered_class.program], np.random.default_rng([seed, 0])
    return draw_scene(program, rng, num_frames, aspect, difficulty)


def render_scene_of(
    ordered_class: OrderedClass, scene: Scene, height: int, width: int, seed: int
) -> np.ndarray:
    """The frames of `draw_clip`'s scene in the class's own order, uint8 (T, H, W, 3)."""
    rng = np.random.default_rng([seed, 1])
    return render_scene(scene, height, width, rng, backwards=ordered_class.is_reversed)


def render_clip(
    class_name: str,
    *,
    num_frames: int = 16,
    height: int = 64,
    width: int = 64,
    seed: int = 0,
    difficulty: Difficulty = EASY,
) -> np.ndarray:
    """One clip of the built-in data set.

    The clip of a class's partner with the same seed is the same frames from last to first.

    Args:
        class_name: Key or name of a class of `CLASSES`.
        num_frames: T, at least 8.
        height: Of the frames in pixels, at least 32.
        width: Of the frames in pixels, at least 32.
        seed: Not negative; determines all random draws.
        difficulty: How hard the clip is.

    Returns:
        uint8 (T, H, W, 3), RGB.

    Raises:
        UsageError: An unknown class, a negative seed, or a shape that could not show an event.
    """
    check_shape(num_frames, height, width)
    if seed < 0:
        raise UsageError(f"seed={seed} is not possible; use 0 or more.")
    ordered_class = find_class(class_name)
    scene = draw_clip(ordered_class, num_frames, width / height, seed, difficulty)
    return render_scene_of(ordered_class, scene, height, width, seed)
