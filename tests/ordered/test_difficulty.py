"""Knobs of difficulty: what they change, and what stays true at any difficulty."""

import json

import numpy as np
import pytest

from gta.cli.main import app
from gta.errors import UsageError
from gta.ordered import (
    CLASSES,
    DIFFICULTIES,
    Difficulty,
    find_difficulty,
    render_array,
    render_clip,
    render_dataset,
)
from gta.ordered.classes import find_class
from gta.ordered.render import draw_clip
from gta.ordered.seeds import clip_seed

PAIRS = [(c.partner, c.key) for c in CLASSES if c.is_reversed]
HARD = DIFFICULTIES["hard"]


def way(key: str, seed: int, difficulty: Difficulty) -> np.ndarray:
    """Where the thing of a class is in each frame, from left to right, without the camera."""
    return draw_clip(find_class(key), 32, 1.0, seed, difficulty).things[-1].x


@pytest.mark.parametrize(("forward", "backward"), PAIRS)
def test_the_reversed_clip_is_exactly_the_partners_when_hard(forward, backward):
    clip = render_clip(forward, seed=3, difficulty=HARD)
    assert np.array_equal(clip[::-1], render_clip(backward, seed=3, difficulty=HARD))
    assert not np.array_equal(clip, render_clip(forward, seed=3))


def test_without_a_choice_clips_are_easy():
    assert np.array_equal(render_clip("up"), render_clip("up", difficulty=find_difficulty("easy")))


def test_an_event_goes_a_piece_of_its_way():
    full, piece = Difficulty(), Difficulty(reach=0.4)
    lengths = [[np.ptp(way("left_to_right", s, one)) for s in range(40)] for one in (full, piece)]
    assert np.mean(lengths[1]) == pytest.approx(0.4 * np.mean(lengths[0]), rel=0.1)
    starts = [way("left_to_right", seed, piece)[0] for seed in range(200)]
    ends = [way("left_to_right", seed, piece)[-1] for seed in range(200)]
    assert np.std(starts) > 0.1  # anywhere on it, and no nearer to its beginning than to its end
    assert np.mean(starts) == pytest.approx(-np.mean(ends), abs=0.04)


def test_an_event_can_wait_for_its_moment():
    def moving(seed: int) -> np.ndarray:
        clip = draw_clip(find_class("towards"), 64, 1.0, seed, Difficulty(stillness=0.45))
        return np.abs(np.diff(clip.things[-1].half_width)) > 1e-6

    moments = [np.flatnonzero(moving(seed)) for seed in range(200)]
    middles = [(one[0] + one[-1]) / 2 / 62 for one in moments]
    assert min(len(one) for one in moments) < 20
    assert np.mean(middles) == pytest.approx(0.5, abs=0.03)  # none favored over its mirror
    assert np.std(middles) > 0.05


def test_camera_distractors_and_noise():
    easy, hard = Difficulty(), Difficulty(camera=3.0, distractors=12, noise=2.0)
    for seed in range(5):
        one, other = (draw_clip(find_class("still"), 16, 1.0, seed, d) for d in (easy, hard))
        assert np.allclose(other.camera_x, 3 * one.camera_x)
        assert np.allclose(other.noise, 2 * one.noise)
    counts = [len(draw_clip(find_class("up"), 16, 1.0, s, hard).things) - 1 for s in range(100)]
    assert (min(counts), max(counts)) == (1, 12)


def test_impossible_knobs():
    with pytest.raises(UsageError, match=r"^reach=0 is not possible; use 0\.1 to 1\.$"):
        Difficulty(reach=0)
    with pytest.raises(UsageError, match=r"^distractors=13 is not possible; use 1 to 12\.$"):
        Difficulty(distractors=13)
    with pytest.raises(UsageError) as caught:
        find_difficulty("hrad")
    assert str(caught.value) == (
        "'hrad' is not a difficulty. Did you mean 'hard'? It is one of: easy, hard."
    )


SMALL = {"num_train": 4, "num_val": 2, "num_frames": 8, "height": 32, "width": 32, "workers": 1}


def test_a_folder_says_its_difficulty_and_older_ones_are_easy(tmp_path):
    root = render_dataset(tmp_path / "a", classes=["up", "down"], difficulty=HARD, **SMALL).root
    told = json.loads((root / "ordered.json").read_text())["options"]["difficulty"]
    assert Difficulty(**told) == HARD
    assert f"Difficulty: {HARD}." in (root / "README.txt").read_text()
    with pytest.raises(UsageError, match="was rendered with difficulty="):
        render_dataset(root, classes=["up", "down"], **SMALL)
    easy = render_dataset(tmp_path / "b", classes=["up", "down"], **SMALL).root
    about = json.loads((easy / "ordered.json").read_text())
    del about["options"]["difficulty"]
    (easy / "ordered.json").write_text(json.dumps(about))
    assert render_dataset(easy, classes=["up", "down"], **SMALL).num_rendered == 0


def test_the_command(tmp_path):
    words = ["render", str(tmp_path / "a"), "--train", "2", "--val", "2", "--classes", "up,down"]
    shape = ["--frames", "8", "--height", "32", "--width", "32"]
    with pytest.raises(SystemExit) as ended:
        app([*words, *shape, "--difficulty", "hard", "--noise", "3"])
    assert not ended.value.code
    told = json.loads((tmp_path / "a/ordered.json").read_text())["options"]["difficulty"]
    assert told["noise"] == 3
    assert told["reach"] == HARD.reach


@pytest.mark.parametrize("workers", [1, 2])
def test_an_array_holds_the_clips_of_the_data_set(tmp_path, workers):
    path = tmp_path / "val.npy"
    shape = {"num_frames": 8, "height": 32, "width": 40}
    frames, labels = render_array(
        path, 40, split="val", seed=5, difficulty=HARD, workers=workers, **shape
    )
    names = sorted(CLASSES, key=lambda c: c.name)
    assert frames.shape == (40, 8, 32, 40, 3)
    assert labels.tolist() == [i % len(names) for i in range(40)]
    for i in (0, 23, 39):
        clip = render_clip(names[labels[i]].key, seed=clip_seed(5, 1, i), difficulty=HARD, **shape)
        assert np.array_equal(frames[i], clip)
    changed = path.stat().st_mtime_ns
    render_array(path, 40, split="val", seed=5, difficulty=HARD, **shape)
    assert path.stat().st_mtime_ns == changed
    assert [one.name for one in tmp_path.iterdir()] == ["val.npy"]
