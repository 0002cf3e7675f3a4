"""From a scene to pixels: every frame of a clip at once, edges smoothed, in plain NumPy."""

import numpy as np

from gta.data.ordered.appearance import MARKS, edge_distance
from gta.data.ordered.background import render_background
from gta.data.ordered.classes import OrderedClass, find_class
from gta.data.ordered.difficulty import EASY, Difficulty
from gta.data.ordered.programs import PROGRAMS
from gta.data.ordered.scene import Scene, Thing, draw_scene
from gta.errors import UsageError

MIN_FRAMES = 8
MIN_SIZE = 32
_SHADOW = 0.05  # reach of the shadow round a thing, in short sides


def check_shape(num_frames: int, height: int, width: int) -> None:
    """Raises UsageError for clips in which the events could not be seen."""
    if num_frames < MIN_FRAMES:
        raise UsageError(
            f"num_frames={num_frames} is too few to show an event; use {MIN_FRAMES} or more."
        )
    if min(height, width) < MIN_SIZE or max(height, width) > 3 * min(height, width):
        raise UsageError(
            f"Frames of {height}x{width} pixels (height x width) are not possible; use at least "
            f"{MIN_SIZE} pixels a side, one side at most 3 times the other."
        )


def _paint(frames: np.ndarray, thing: Thing, scene: Scene, unit: int) -> None:
    """Lays one thing over `frames`, float32 (T, 3, H, W) in 0..255, in place."""
    height, width = frames.shape[2:]
    x = (thing.x + scene.camera_x) * unit + width / 2  # in pixels
    y = (thing.y + scene.camera_y) * unit + height / 2
    half_width, half_height = thing.half_width * unit, thing.half_height * unit
    # One window for all frames, as wide as the largest needs: no outline reaches beyond this.
    reach = int(np.ceil(0.9 * np.hypot(half_width, half_height).max() + _SHADOW * unit))
    side = 2 * reach + 1
    left, top = np.floor(x).astype(int) - reach, np.floor(y).astype(int) - reach
    offsets = np.arange(side) + 0.5
    dx = (offsets + (left - x)[:, None]).astype(np.float32)[:, None, :]
    dy = (offsets + (top - y)[:, None]).astype(np.float32)[:, :, None]
    paint, keep = _sprite(thing, dx, dy, half_width, half_height, unit)
    for frame, add, part, at_x, at_y in zip(frames, paint, keep, left, top, strict=True):
        rows = slice(max(at_y, 0), min(at_y + side, height))
        columns = slice(max(at_x, 0), min(at_x + side, width))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            continue  # out of sight
        seen_rows = slice(rows.start - at_y, rows.stop - at_y)
        seen_columns = slice(columns.start - at_x, columns.stop - at_x)
        seen = frame[:, rows, columns]
        seen *= part[seen_rows, seen_columns]
        seen += add[:, seen_rows, seen_columns]


def _sprite(
    thing: Thing,
    dx: np.ndarray,
    dy: np.ndarray,
    half_width: np.ndarray,
    half_height: np.ndarray,
    unit: int,
) -> tuple[np.ndarray, np.ndarray]:
    """What a thing adds, (T, 3, h, w) in 0..255, and what it leaves of what is behind, (T, h, w).

    Everything is in pixels: `dx` (T, 1, w) and `dy` (T, h, 1) from the thing's centre.
    """

    def column(track: np.ndarray) -> np.ndarray:
        return track.astype(np.float32)[:, None, None]

    cos, sin = np.cos(thing.angle), np.sin(thing.angle)
    u = dx * column(cos / half_width) + dy * column(sin / half_width)
    v = dy * column(cos / half_height) - dx * column(sin / half_height)
    width, height = column(half_width), column(half_height)
    distance = edge_distance(thing.look.outline, u, v, width, height)
    inside = np.clip(0.5 - distance, 0.0, 1.0)  # half a pixel to either side of the edge
    shadow = np.clip(1.0 - distance * np.float32(1 / (_SHADOW * unit)), 0.0, 1.0)
    shadow *= 0.45 * shadow
    if thing.opacity is not None:
        opacity = column(thing.opacity)
        inside *= opacity
        shadow *= opacity
    keep = (1.0 - inside) * (1.0 - shadow)
    rim = np.clip(distance * np.float32(1 / max(1.3, 0.02 * unit)) + 1.0, 0.0, 1.0)
    inside *= 1.0 - 0.5 * rim
    inside *= 1.02 - (0.1 * dx + 0.2 * dy) / height  # lit from above
    color = (255 * thing.look.color).astype(np.float32)[:, None, None]
    if thing.look.mark == "none":
        return inside[:, None] * color, keep
    mark = np.clip(MARKS[thing.look.mark](u, v) * height + 0.5, 0.0, 1.0)
    mark *= inside
    step = (255 * thing.look.mark_color).astype(np.float32)[:, None, None] - color
    return inside[:, None] * color + mark[:, None] * step, keep


def render_scene(
    scene: Scene, height: int, width: int, noise_rng: np.random.Generator
) -> np.ndarray:
    """The frames of a scene, uint8 (T, H, W, 3)."""
    unit = min(height, width)
    velocity_x, velocity_y = scene.background.velocity
    moment = np.linspace(-0.5, 0.5, len(scene.light))
    frames = render_background(
        scene.background,
        (scene.camera_x + velocity_x * moment) * unit,
        (scene.camera_y + velocity_y * moment) * unit,
        height,
        width,
    )
    for thing in scene.things:
        _paint(frames, thing, scene, unit)
    slope_x, slope_y = scene.light_slope
    across = slope_x * (np.arange(width) + 0.5 - width / 2) / unit
    down = slope_y * (np.arange(height) + 0.5 - height / 2) / unit
    light = scene.light[:, None, None] * (1.0 + across + down[:, None])
    frames *= light.astype(np.float32)[:, None]
    grain = np.frombuffer(noise_rng.bytes(light.size), np.uint8).astype(np.float32)
    grain *= np.float32(scene.noise / 127.5)
    grain += np.float32(0.5 - scene.noise)  # half a level: the cast below rounds down
    frames += grain.reshape(light.shape)[:, None]
    np.clip(frames, 0.0, 255.0, out=frames)
    return np.ascontiguousarray(frames.astype(np.uint8).transpose(0, 2, 3, 1))


def draw_clip(
    ordered_class: OrderedClass,
    num_frames: int,
    aspect: float,
    seed: int,
    difficulty: Difficulty = EASY,
) -> Scene:
    """The scene of one clip, in the order of time of the class's program."""
    # Both members of a pair draw the same numbers: that is what makes them mirror images.
    program, rng = PROGRAMS[ordered_class.program], np.random.default_rng([seed, 0])
    return draw_scene(program, rng, num_frames, aspect, difficulty)


def render_scene_of(
    ordered_class: OrderedClass, scene: Scene, height: int, width: int, seed: int
) -> np.ndarray:
    """The frames of `draw_clip`'s scene in the class's own order, uint8 (T, H, W, 3)."""
    frames = render_scene(scene, height, width, np.random.default_rng([seed, 1]))
    return np.ascontiguousarray(frames[::-1]) if ordered_class.is_reversed else frames


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
        class_name: Key or name of one of `CLASSES`.
        num_frames: T, at least 8.
        height: Of the frames in pixels, at least 32.
        width: Of the frames in pixels, at least 32.
        seed: Not negative; decides everything that is random.
        difficulty: The knobs.

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
