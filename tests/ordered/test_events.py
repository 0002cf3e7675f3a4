"""Outside of its event, what a clip is about stays where it is."""

import json
from pathlib import Path

import numpy as np
import pytest

from gta.errors import UsageError
from gta.ordered import Difficulty, event_frames, render_dataset
from gta.ordered.classes import find_class
from gta.ordered.render import draw_clip
from gta.ordered.state import DONE

STILL = Difficulty(stillness=0.4)


@pytest.mark.parametrize("seed", range(5))
def test_things_move_within_the_event_alone(seed: int):
    scene = draw_clip(find_class("left_to_right"), 41, 1.0, seed, STILL)
    assert scene.event is not None
    begin, end = scene.event
    x, time = scene.things[-1].x, np.linspace(0, 1, 41)
    tremor = 0.013
    assert np.ptp(x[time <= begin]) < tremor
    assert np.ptp(x[time >= end]) < tremor
    assert abs(x[-1] - x[0]) > 0.3


def test_events_of_rendered_clips(tmp_path: Path):
    render_dataset(
        tmp_path / "data",
        num_train=6,
        num_val=3,
        num_frames=21,
        height=32,
        width=32,
        classes=["up", "down", "still"],
        difficulty=STILL,
        workers=1,
    )
    # labels follow the alphabet of the names: still ("Holding"), down, up
    frames = {str(i): event_frames(tmp_path / "data", str(i)) for i in range(1, 10)}
    assert frames["1"] == frames["4"] == frames["7"] == []
    for name in ("2", "3", "8", "9"):
        assert 3 < len(frames[name]) <= 21
        assert frames[name] == list(range(frames[name][0], frames[name][-1] + 1))
    for name, message in (("10", "has the clips 1 to 9; got '10'"), ("a", "got 'a'")):
        with pytest.raises(UsageError, match=message):
            event_frames(tmp_path / "data", name)
    with pytest.raises(UsageError, match="is no complete folder of `gta render`"):
        event_frames(tmp_path, "1")


def test_a_folder_of_before_there_were_difficulties_is_an_easy_one(tmp_path: Path):
    render_dataset(
        tmp_path, num_train=2, num_val=2, num_frames=9, height=32, width=32, classes=["up", "down"]
    )
    frames = [event_frames(tmp_path, str(i)) for i in range(1, 5)]
    about = json.loads((tmp_path / DONE).read_text())
    del about["options"]["difficulty"]
    (tmp_path / DONE).write_text(json.dumps(about))
    assert [event_frames(tmp_path, str(i)) for i in range(1, 5)] == frames


def test_the_partner_has_the_mirrored_event():
    forward = draw_clip(find_class("up"), 21, 1.0, 3, STILL).event
    backward = draw_clip(find_class("down"), 21, 1.0, 3, STILL).event
    assert forward == backward  # in the program's time, which one of them is read against
