"""The events: one program for each pair, one for each class without order.

A program moves its things by a progress that rises from 0 to 1; the partner's clips are the same
frames from last to first. Everything else has the same distribution in both directions
of time, so the frames of a clip, as a bag, do not show the direction.
"""

from dataclasses import replace

import numpy as np

from gta.ordered.scene import Program, Stage, Thing


def _main_thing(stage: Stage, spread_x: float = 0.35, spread_y: float = 0.35) -> Thing:
    """The thing of a single-thing event, somewhere about the center."""
    rng = stage.rng
    return stage.thing(
        rng.uniform(0.14, 0.18),
        rng.uniform(-spread_x, spread_x) * stage.half_x,
        rng.uniform(-spread_y, spread_y) * stage.half_y,
    )


def _path(stage: Stage, room: float) -> tuple[float, float]:
    """Start and end of a way across the frame, left to right or top to bottom."""
    start, end = stage.rng.uniform(0.45, 0.72, 2) * room
    return -start, end


def _left_to_right(stage: Stage) -> tuple[list[Thing], list[str]]:
    thing = _main_thing(stage, spread_x=0.0)
    start, end = _path(stage, stage.half_x)
    thing.x += start + (end - start) * stage.progress()
    return [thing], [str(thing.look)]


def _up(stage: Stage) -> tuple[list[Thing], list[str]]:
    thing = _main_thing(stage, spread_y=0.0)
    end, start = _path(stage, stage.half_y)
    thing.y += start + (end - start) * stage.progress()
    return [thing], [str(thing.look)]


def _clockwise(stage: Stage) -> tuple[list[Thing], list[str]]:
    thing = _main_thing(stage)
    thing.angle += np.radians(stage.rng.uniform(140, 240)) * (stage.progress() - 0.5)
    return [thing], [str(thing.look)]


def _towards(stage: Stage) -> tuple[list[Thing], list[str]]:
    thing = _main_thing(stage, 0.2, 0.2)
    small, large = stage.rng.uniform(0.06, 0.09), stage.rng.uniform(0.24, 0.32)
    # Even steps of the logarithm: the size in the picture is the inverse of the distance.
    thing.half_width = thing.half_height = small * (large / small) ** stage.progress()
    return [thing], [str(thing.look)]


def _closer(stage: Stage) -> tuple[list[Thing], list[str]]:
    rng = stage.rng
    left = stage.thing(rng.uniform(0.10, 0.13))
    right = stage.thing(rng.uniform(0.10, 0.13), unlike=left)
    axis = rng.uniform(0, 2 * np.pi)
    near = left.half_width[0] + right.half_width[0] + rng.uniform(0.0, 0.05)
    far = rng.uniform(0.66, 0.78)
    half_gap = (far + (near - far) * stage.progress()) / 2
    for thing, side in ((left, -1), (right, 1)):
        thing.x += side * half_gap * np.cos(axis)
        thing.y += side * half_gap * np.sin(axis)
    return [left, right], [str(left.look), str(right.look)]


def _cover(stage: Stage) -> tuple[list[Thing], list[str]]:
    rng = stage.rng
    axis, radius = rng.uniform(0, 2 * np.pi), rng.uniform(0.11, 0.14)
    away_x, away_y = np.cos(axis), np.sin(axis)
    at = rng.uniform(0.10, 0.18)
    thing = stage.thing(radius, -at * away_x, -at * away_y)
    outline, name = (("square", "card"), ("disc", "plate"))[rng.integers(2)]
    cover = stage.thing(radius * rng.uniform(1.4, 1.55), outline=outline, unlike=thing)
    cover.look = replace(cover.look, mark="none")
    way = rng.uniform(0.44, 0.54) * (1 - stage.progress())
    cover.x += (way - at) * away_x
    cover.y += (way - at) * away_y
    return [thing, cover], [str(thing.look), f"{cover.look.color_name} {name}"]


def _appear(stage: Stage) -> tuple[list[Thing], list[str]]:
    thing = _main_thing(stage)
    thing.opacity = stage.progress()
    return [thing], [str(thing.look)]


def _open(stage: Stage) -> tuple[list[Thing], list[str]]:
    """A box seen from above, its two lids swinging outwards about opposite edges."""
    rng = stage.rng
    half, turn = rng.uniform(0.15, 0.18), rng.uniform(0, 2 * np.pi)
    inside = stage.thing(half, *rng.uniform(-0.1, 0.1, 2), outline="square")
    inside.angle += turn
    lid_color = inside.look.color
    inside.look = replace(inside.look, mark="none", color=0.25 * lid_color)
    content = stage.thing(half * 0.55, unlike=inside)
    content.x, content.y = inside.x, inside.y
    swing = np.radians(rng.uniform(150, 170)) * stage.progress()
    lids = []
    for side in (-1, 1):
        # A lid of width `half` seen at an angle, from its hinge at the box's edge.
        offset = side * (half - half * np.cos(swing) / 2)
        lids.append(
            Thing(
                look=replace(inside.look, color=lid_color, mark="half"),
                x=inside.x + offset * np.cos(inside.angle),
                y=inside.y + offset * np.sin(inside.angle),
                half_width=np.maximum(np.abs(np.cos(swing)) * half / 2, 0.008) / 0.88,
                half_height=inside.half_height,
                angle=inside.angle,
            )
        )
    return [inside, content, *lids], [f"{inside.look.color_name} box"]


def _faster(stage: Stage) -> tuple[list[Thing], list[str]]:
    thing = _main_thing(stage, 0.0, 0.0)
    sign_x, sign_y = stage.rng.choice([-1.0, 1.0], 2)
    power = stage.rng.uniform(2.3, 3.2)
    start_x, end_x = _path(stage, stage.half_x)
    start_y, end_y = _path(stage, stage.half_y)
    progress = stage.piece(stage.time**power)
    stage.event = (0.0, 1.0)
    thing.x += sign_x * (start_x + (end_x - start_x) * progress)
    thing.y += sign_y * (start_y + (end_y - start_y) * progress)
    return [thing], [str(thing.look)]


def _still(stage: Stage) -> tuple[list[Thing], list[str]]:
    thing = _main_thing(stage)
    return [thing], [str(thing.look)]


def _shake_sideways(stage: Stage) -> tuple[list[Thing], list[str]]:
    thing = _main_thing(stage)
    thing.x += stage.rng.uniform(0.10, 0.16) * stage.swing(stage.rng.uniform(1.7, 2.7))
    return [thing], [str(thing.look)]


def _shake_up_down(stage: Stage) -> tuple[list[Thing], list[str]]:
    thing = _main_thing(stage)
    thing.y += stage.rng.uniform(0.10, 0.16) * stage.swing(stage.rng.uniform(1.7, 2.7))
    return [thing], [str(thing.look)]


def _turn_back_and_forth(stage: Stage) -> tuple[list[Thing], list[str]]:
    thing = _main_thing(stage)
    reach = np.radians(stage.rng.uniform(40, 70))
    thing.angle += reach * stage.swing(stage.rng.uniform(1.5, 2.5))
    return [thing], [str(thing.look)]


PROGRAMS: dict[str, Program] = {
    "left_to_right": _left_to_right,
    "up": _up,
    "clockwise": _clockwise,
    "towards": _towards,
    "closer": _closer,
    "cover": _cover,
    "appear": _appear,
    "open": _open,
    "faster": _faster,
    "still": _still,
    "shake_sideways": _shake_sideways,
    "shake_up_down": _shake_up_down,
    "turn_back_and_forth": _turn_back_and_forth,
}
