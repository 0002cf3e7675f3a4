from dataclasses import replace

import numpy as np
import pytest

from gta.errors import UsageError
from gta.ordered import CLASSES, render_clip
from gta.ordered.appearance import COLORS, MARKS, OUTLINES, Look
from gta.ordered.background import PATTERNS, draw_background, render_background
from gta.ordered.classes import find_class
from gta.ordered.programs import PROGRAMS
from gta.ordered.render import draw_clip, render_scene
from gta.ordered.scene import Scene, Thing

KEYS = [c.key for c in CLASSES]
PAIRS = [(c.partner, c.key) for c in CLASSES if c.is_reversed]


def scene_of(key: str, seed: int, num_frames: int = 16, aspect: float = 1.0) -> Scene:
    return draw_clip(find_class(key), num_frames, aspect, seed)


@pytest.mark.parametrize("key", KEYS)
def test_a_clip_is_uint8_rgb_frames(key):
    clip = render_clip(key, num_frames=9, height=48, width=64, seed=3)
    assert clip.shape == (9, 48, 64, 3)
    assert clip.dtype == np.uint8
    assert clip.flags.c_contiguous
    assert clip.std() > 10  # something is there


@pytest.mark.parametrize(("forward", "backward"), PAIRS)
@pytest.mark.parametrize("seed", [0, 7])
def test_the_reversed_clip_is_exactly_the_partners(forward, backward, seed):
    clip = render_clip(forward, seed=seed)
    partner = render_clip(backward, seed=seed)
    assert np.array_equal(clip[::-1], partner)
    assert not np.array_equal(clip, partner)
    assert sorted(frame.tobytes() for frame in clip) == sorted(f.tobytes() for f in partner)


def test_the_seed_decides_everything():
    assert np.array_equal(render_clip("cover", seed=5), render_clip("cover", seed=5))
    assert not np.array_equal(render_clip("cover", seed=5), render_clip("cover", seed=6))


def test_name_and_key_give_the_same_clip():
    assert np.array_equal(render_clip("up", seed=1), render_clip("Moving something up", seed=1))


def test_the_scene_does_not_depend_on_the_frame_size():
    small = render_clip("open", height=64, width=64, seed=2).astype(float)
    large = render_clip("open", height=128, width=128, seed=2).astype(float)
    reduced = large.reshape(16, 64, 2, 64, 2, 3).mean((2, 4))
    assert np.abs(small - reduced).mean() < 6  # the sensor noise and the sharper edges


def moved(track: np.ndarray) -> float:
    return float(track[-1] - track[0])


@pytest.mark.parametrize("seed", range(20))
def test_the_programs_move_the_way_their_names_say(seed):
    def last(key):
        return scene_of(key, seed).things[-1]

    assert moved(last("left_to_right").x) > 0.3
    assert moved(last("up").y) < -0.3
    assert moved(last("clockwise").angle) > np.radians(120)
    assert moved(np.log(last("towards").half_width)) > np.log(2)
    opacity = last("appear").opacity
    assert opacity is not None
    assert (opacity[0], opacity[-1]) == (0, 1)
    speed = np.hypot(np.diff(last("faster").x), np.diff(last("faster").y))
    assert speed[-4:].mean() > 2 * speed[:4].mean()

    one, other = scene_of("closer", seed).things[-2:]
    gap = np.hypot(one.x - other.x, one.y - other.y)
    assert gap[0] > 1.8 * gap[-1]

    thing, cover = scene_of("cover", seed).things[-2:]
    gap = np.hypot(thing.x - cover.x, thing.y - cover.y)
    assert gap[0] > 0.4
    assert gap[-1] < 0.05
    assert cover.half_width[0] * 0.88 > 1.2 * thing.half_width[0]

    lid = last("open")
    box = scene_of("open", seed).things[-4]
    away = np.hypot(lid.x - box.x, lid.y - box.y) / box.half_width
    assert away[0] == pytest.approx(0.5)  # on the box
    assert away[-1] > 1.3  # beside it


@pytest.mark.parametrize("seed", range(10))
def test_neutral_classes_return_to_where_they_were(seed):
    still = scene_of("still", seed).things[-1]
    assert max(np.ptp(still.x), np.ptp(still.y), np.ptp(still.angle)) < 0.1
    for key, track in (("shake_sideways", "x"), ("shake_up_down", "y")):
        values = getattr(scene_of(key, seed).things[-1], track)
        assert np.ptp(values) > 0.15
        assert (np.diff(np.sign(np.diff(values))) != 0).sum() >= 2  # there and back
    turned = scene_of("turn_back_and_forth", seed).things[-1].angle
    assert (np.diff(np.sign(np.diff(turned))) != 0).sum() >= 2


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_event_stays_in_sight(program):
    for seed in range(30):
        scene = scene_of(program, seed, aspect=4 / 3)
        thing = scene.things[-1]
        x, y = thing.x + scene.camera_x, thing.y + scene.camera_y
        assert np.abs(x).max() < 4 / 3 / 2 + 0.1
        assert np.abs(y).max() < 0.5 + 0.1


def test_names_of_things_fill_the_placeholders():
    for ordered_class in CLASSES:
        named = draw_clip(ordered_class, 8, 1.0, 0).named
        assert len(named) == ordered_class.template.count("[something]")
        assert all(name.split()[0] in COLORS for name in named)


@pytest.mark.parametrize("name", ["camera", "light", "distractor", "progress"])
def test_random_tracks_favor_no_direction_of_time(name):
    """Averaged over clips, a track is equal to its mirror in time."""
    tracks = []
    for seed in range(800):
        scene = scene_of("appear", seed, num_frames=8)
        distractor, thing = scene.things[0], scene.things[-1]
        tracks.append(
            {
                "camera": scene.camera_x,
                "light": scene.light,
                "distractor": distractor.x,
                "progress": thing.opacity,
            }[name]
        )
    tracks = np.stack(tracks)
    mirror = 1 - tracks[:, ::-1] if name == "progress" else tracks[:, ::-1]
    difference = (tracks - mirror)[:, 1:4]  # the other half says the same again
    error = difference.std(0) / np.sqrt(len(tracks))
    assert np.all(np.abs(difference.mean(0)) < 4 * error)


def still_thing(outline: str, mark: str, angle: float) -> Scene:
    """One thing in the middle of a plain surface, without noise."""
    zeros, ones = np.zeros(2), np.ones(2)
    rng = np.random.default_rng(0)
    look = Look("black", outline, mark, np.zeros(3), np.ones(3))
    size = 0.3 * ones
    thing = Thing(look, zeros, zeros, size, size, angle * ones)
    return Scene(draw_background(rng), [thing], [], zeros, zeros, ones, zeros, 0.0)


@pytest.mark.parametrize("mark", [mark for mark in MARKS if mark != "none"])
def test_a_positive_angle_turns_clockwise(mark):
    def center_of_mark(angle):
        scene = still_thing("disc", mark, angle)
        frame = render_scene(scene, 64, 64, np.random.default_rng(0))[0, 20:44, 20:44]
        bright = frame.mean(-1) - 100.0
        bright[bright < 0] = 0
        y, x = np.mgrid[-11.5:12, -11.5:12]
        return (bright * x).sum() / bright.sum(), (bright * y).sum() / bright.sum()

    x, y = center_of_mark(0.0)
    assert abs(x) < 1
    assert y < -2  # at the top
    x, y = center_of_mark(np.pi / 2)
    assert abs(y) < 1
    assert x > 2  # at the right


@pytest.mark.parametrize("outline", OUTLINES)
def test_outlines_fit_their_window_and_have_smooth_edges(outline):
    angle = np.linspace(0, 2 * np.pi, 200)
    edge = 1.27 * np.cos(angle), 1.27 * np.sin(angle)
    assert OUTLINES[outline](*edge).min() > 0
    scene = still_thing(outline, "none", 0.3)
    frame = render_scene(scene, 128, 128, np.random.default_rng(0))[0].mean(-1)
    steps = np.abs(np.diff(frame, axis=1)).max()
    assert steps < 120  # no jagged edge: black to grey takes more than one pixel


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_background_moves_by_the_given_pixels(pattern):
    background = replace(draw_background(np.random.default_rng(0)), pattern=pattern)
    shift_x, shift_y = np.array([0.0, 3.0, -2.5]), np.array([0.0, 2.0, 1.5])
    still, moved, between = (
        frame.copy() for frame in render_background(background, shift_x, shift_y, 40, 48)
    )
    assert np.allclose(moved[:, 2:, 3:], still[:, :-2, :-3], atol=0.05)
    assert not np.allclose(between, still, atol=0.5)
    assert still.std() > 2  # textured


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"num_frames": 7}, "Clips of 7 frames are too short to show an event; use 8 or more"),
        ({"height": 31}, "Frames of 31x64 pixels .* at least 32 pixels a side"),
        ({"width": 16}, "Frames of 64x16 pixels"),
        ({"width": 256}, "one side at most 3 times the other"),
        ({"seed": -1}, "seed=-1 is not possible; use 0 or more"),
    ],
)
def test_impossible_clips(shape, message):
    with pytest.raises(UsageError, match=message):
        render_clip("up", **shape)


def test_an_unknown_class_is_refused():
    with pytest.raises(UsageError, match="Did you mean 'clockwise'"):
        render_clip("clokwise")
