"""`gta predict --list`: the same answers as of single videos, once each, and what is refused."""

import csv
import json
from pathlib import Path

import pytest

from gta.data.videos import load_videos
from gta.predict import Predictor
from gta.predict.many import Done
from gta.predict.merge import Counts

from .conftest import Run


@pytest.fixture(scope="module")
def listed(ordered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list with a video that is damaged and one that is not there."""
    folder = tmp_path_factory.mktemp("listed")
    clips = [str(video.path) for video in load_videos("ssv2", ordered, "val").videos[:5]]
    (folder / "damaged.mp4").write_bytes(b"no video")
    lines = [clips[0], "damaged.mp4", *clips[1:], "missing.mp4", clips[2]]
    (folder / "list.txt").write_text("\n".join(lines))
    return folder / "list.txt"


def test_answers_are_those_of_single_videos(
    run: Run, trained: Path, listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    command = ["predict", trained, "--list", listed, "--work", "work"]  # beside the list
    given = [*command, "--shard", "3", "--top", "2", "--device", "cpu", "--out", "all.jsonl"]
    first = run(*given, "--decoders", "2")
    assert first.code == 3, first.err
    assert "protocol 1x1-center32 (1 view, probabilities); 7 videos in all.jsonl" in first.out
    assert "; 2 could not be read; 7 by this process" in first.out
    names = listed.read_text().split("\n")[:-1]
    lines = [json.loads(line) for line in Path("all.jsonl").read_text().splitlines()]
    assert [line["video"] for line in lines] == names
    assert lines[1]["error"].startswith("not a video that FFmpeg")
    assert lines[6] == {"video": "missing.mp4", "error": "no such file"}
    predictor = Predictor(trained, device="cpu")
    for line in (lines[0], *lines[2:6]):
        assert line == predictor(line["video"]).to_dict(2)

    again = run(*given, "--json")
    assert again.code == 3
    told = json.loads(again.out)
    assert (told["videos"], told["unreadable"], told["written_here"]) == (7, 2, 0)
    assert (told["protocol"], told["out"]) == ("1x1-center32", "all.jsonl")
    Path("work/shards/000001.jsonl").unlink()
    assert "; 3 by this process" in run(*command, "--top", "2", "--out", "all.csv").out
    with Path("all.csv").open(newline="") as opened:
        assert [row["video"] for row in csv.DictReader(opened)] == names

    refused = run(*command, "--top", "2", "--protocol", "3x2-full28")
    assert refused.code == 2
    assert "begun with another protocol (1x1-center32, now 3x2-full28). Give ano" in refused.err
    refused = run(*command, "--top", "2", "--frames", "8")
    assert "work was begun with another model. Give another --work" in refused.err


def test_what_does_not_go_together(run: Run, trained: Path, listed: Path, tmp_path: Path):
    for words, text in {
        ("--list", listed, "--shard", "3"): "--shard is for many videos in shards: add --list FILE "
        "--work FOLDER",
        ("--work", "w"): "--work FOLDER takes one list, got 0: give --list FILE once",
        ("--list", listed, "--work", "w", "--csv"): "--csv: does not apply to work in shards",
        ("a.mp4", "--list", listed, "--work", "w"): "give either videos, such as a.mp4, or --list",
    }.items():
        answer = run("predict", trained, *words)
        assert (answer.code, answer.out) == (2, "")
        assert text in answer.err
    out = tmp_path / "all.txt"
    answer = run("predict", trained, "--list", listed, "--work", tmp_path / "w", "--out", out)
    assert "give a .jsonl or a .csv file" in answer.err
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_options_reach_the_engine(
    run: Run, trained: Path, listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine
):
    told = {}

    def predict(predictor, work, **options):
        told.update(options, device_here=str(predictor.device), size=work.size)
        return Done(Counts(7, 0, 0), 0, 0, 1.0)

    place = "ray_engine.predict_on_ray" if engine == "ray" else "many.predict_work"
    monkeypatch.setattr(f"gta.predict.{place}", predict)
    given = ["--list", listed, "--root", listed.parent, "--work", tmp_path, "--shard", "2"]
    options = ["--engine", engine, "--decoders", "3", "--networks", "4", "--limit", "7"]
    answer = run("predict", trained, *given, *options, "--device", "cpu")
    assert answer.code == 0, answer.err
    del told["report"]
    expected = {"decoders": 3, "limit": 7.0, "device_here": "cpu", "size": 2}
    assert told == expected | ({"networks": 4, "device": "cpu"} if engine == "ray" else {})
