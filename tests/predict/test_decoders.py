"""Processes that read videos: what dies or takes too long is said, and the rest goes on."""

import gc
import json
import time
from pathlib import Path

import pytest
import torch

from gta.data.videos import load_videos
from gta.errors import MachineError, UsageError
from gta.predict import Predictor, slots
from gta.predict.decoders import CRASHES, Closed, Decoders, too_long
from gta.predict.many import line
from gta.predict.reading import Reader, Seen

READER = """
import os, signal, threading, time
import torch
from gta.errors import VideoError
from gta.predict.reading import Seen

def read(path):
    if path == "slow":
        time.sleep(1000)
    if path == "deadly":
        os.kill(os.getpid(), 9)
    if path.startswith("once") and not os.path.exists(path[4:]):
        open(path[4:], "w").close()
        os.kill(os.getpid(), 9)
    if path == "damaged":
        raise VideoError(path, "is damaged")
    if path == "odd":
        raise KeyError("what")
    if path == "stops":  # in the middle of sending
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGSTOP)).start()
        return torch.zeros(2**30, dtype=torch.uint8), Seen()
    frames = torch.arange(24, dtype=torch.uint8).view(1, 2, 3, 4).permute(0, 3, 1, 2)
    return frames, Seen("1 of 2 bytes" if path == "half" else None)

class Numbered:
    def __call__(self, key):
        shape = (1, 2, 100, 100 + key % 2, 3)
        return torch.full(shape, key, dtype=torch.uint8).permute(0, 4, 1, 2, 3), Seen()

class NeverReads:
    def __reduce__(self):
        return os._exit, (3,)
"""


@pytest.fixture
def reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "odd_reader.py").write_text(READER)
    monkeypatch.syspath_prepend(str(tmp_path))  # the processes get the same
    import odd_reader  # pyright: ignore[reportMissingImports]

    return odd_reader


def test_each_video_has_an_answer(reading, tmp_path: Path):
    told = {
        "slow": "reading it took more than 2 s: damaged, made to be slow, or a slow disk",
        "deadly": CRASHES,
        "damaged": "is damaged",
        "odd": "cannot be decoded: KeyError: 'what'",
    }
    good = ["good", "half", f"once{tmp_path / 'flag'}"]
    pool = Decoders[int](reading.read, 2, limit=2)
    try:
        paths = ["slow", "good", "deadly", "half", "damaged", good[2], "odd"]
        for place, path in enumerate(paths):
            pool.ask(place, path)
        answers = {paths[answer.key]: answer for answer in (pool.answer() for _ in paths)}
    finally:
        pool.close()
    assert {path: answers[path].error for path in told} == told
    expected, _ = reading.read("good")
    for path in good:
        views = answers[path].views
        assert views is not None
        assert torch.equal(views, expected)
        assert views.stride() == expected.stride()
        assert answers[path].seen.cut_off == ("1 of 2 bytes" if path == "half" else None)


def test_one_that_stops_in_the_middle_of_sending_holds_nobody_up(reading):
    pool = Decoders[str](reading.read, 2, limit=3)
    try:
        pool.ask("first", "good")
        assert pool.answer().error is None
        began = time.monotonic()
        for path in ("stops", *["good"] * 50):
            pool.ask(path, path)
        for _ in range(50):
            answer = pool.answer()
            assert (answer.key, answer.error) == ("good", None)
        assert time.monotonic() - began < 3
        assert pool.answer().error == too_long(3)
        pool.ask("next", "good")
        assert pool.answer().error is None
    finally:
        pool.close()


@pytest.mark.parametrize("shared", [True, False])
def test_views_are_those_of_their_video_however_long_they_are_kept(
    reading, monkeypatch: pytest.MonkeyPatch, shared: bool
):
    if not shared:  # as on systems without such memory
        monkeypatch.setattr(slots, "_file", lambda: None)
    pool, kept = Decoders[int](reading.Numbered(), 2), dict[int, torch.Tensor]()
    try:
        for round_ in range(4):
            for key in range(20 * round_, 20 * round_ + 20):
                pool.ask(key, key)
            for _ in range(20):
                answer = pool.answer()
                assert answer.views is not None
                kept[answer.key] = answer.views
                assert answer.views.shape == (1, 3, 2, 100, 100 + answer.key % 2)
            for key in [key for key in kept if key % 3]:
                del kept[key]
            assert all((views == key).all() for key, views in kept.items())
        made = pool._slots._made
        assert 0 < made < 60 if shared else made == 0  # those of views that are gone are used again
    finally:
        pool.close()
    time.sleep(0.2)
    assert all((views == key).all() for key, views in kept.items())
    answer = None
    kept.clear()
    gc.collect()
    assert len(pool._slots._free) >= made - 2


def test_processes_that_cannot_begin(reading):
    pool = Decoders[int](reading.NeverReads(), 1)
    try:
        pool.ask(0, "good")
        with pytest.raises(MachineError, match=r"end as soon as they begin, .* --decoders 1"):
            pool.answer()
    finally:
        pool.close()


def test_one_who_waits_for_a_pool_that_is_closed_hears_of_it(reading):
    pool = Decoders[int](reading.read, 1)
    pool.close()
    with pytest.raises(Closed):
        pool.answer()


@pytest.mark.parametrize("protocol", ["3x2-full28", "1x1-center28+flip"])  # some classes have sides
def test_a_reader_reads_what_a_predictor_does(trained: Path, ordered: Path, protocol: str):
    predictor = Predictor(trained, protocol=protocol, device="cpu")
    path = str(load_videos("ssv2", ordered, "val").videos[0].path)
    run = predictor.run
    views, seen = Reader(predictor.protocol, run.recipe.clip, run.classes)(path)
    expected = predictor.views(path)
    assert torch.equal(views, expected)
    assert views.stride() == expected.stride()
    assert (seen.cut_off, seen.damage) == (None, 0)
    assert seen.spent.decode > 0


def test_a_line_of_many_videos_has_what_was_seen_of_its_video(trained: Path):
    predictor = Predictor(trained, device="cpu")
    scores = torch.tensor([0.1, 0.2, 0.4, 0.3])
    told = json.loads(line(predictor, scores, "a.mp4", Seen("1 of 2 bytes", 3), 1))
    assert (told["video"], told["cut_off"], told["damage"]) == ("a.mp4", "1 of 2 bytes", 3)
    assert [entry["class"] for entry in told["top"]] == [predictor.run.classes[2]]
    with pytest.raises(UsageError, match=r"the scores of a\.mp4 are not finite"):
        line(predictor, scores * torch.nan, "a.mp4", Seen(), 1)
