"""Processes that read videos: what dies or takes too long is said, and the rest goes on."""

import json
from pathlib import Path

import pytest
import torch

from gta.data.videos import load_videos
from gta.errors import MachineError, UsageError
from gta.predict import Predictor
from gta.predict.decoders import CRASHES, Closed, Decoders
from gta.predict.many import line
from gta.predict.reading import Reader, Seen

READER = """
import os, time
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
    frames = torch.arange(24, dtype=torch.uint8).view(1, 2, 3, 4).permute(0, 3, 1, 2)
    return frames, Seen("1 of 2 bytes" if path == "half" else None)

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
        answers = {paths[one.key]: one for one in (pool.answer() for _ in paths)}
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
