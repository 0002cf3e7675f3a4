"""`gta check`: table, JSON, exit code, and that nothing is changed."""

import json
from pathlib import Path

from .conftest import Run

RECIPE = ("--model", "tiny_gta", "--data", "ordered")


def contents(root: Path) -> dict[str, int]:
    return {str(p): p.stat().st_mtime_ns for p in root.rglob("*") if p.is_file()}


def test_a_good_set(run: Run, ordered: Path):
    before = contents(ordered)
    answer = run("check", *RECIPE, "--root", ordered)
    assert answer.code == 0, answer.err
    rows = [[c.strip() for c in line.split("│")[1:-1]] for line in answer.out.splitlines()]
    assert ["train", "40", "0", "8", "8", "8", "32x32 (40)"] in rows
    assert (
        "note: Classes that are mirror images: 1 pairs; their clips are not mirrored" in answer.out
    )
    assert "0 errors" in answer.out
    assert contents(ordered) == before


def test_a_broken_set_as_json(run: Run, ordered: Path, tmp_path: Path):
    videos = sorted((ordered / "20bn-something-something-v2").iterdir())
    for index, video in enumerate(videos[:24]):
        place = tmp_path / "videos" / ("first", "second")[index % 2] / video.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(video)
    (tmp_path / "videos/first/bad.mp4").write_text("no video")
    folder = ("--model", "tiny_gta", "--data", "folder", "--root", tmp_path / "videos")
    answer = run("check", *folder, "--json", "--out", tmp_path / "found.json")
    assert answer.code == 1
    told = json.loads(answer.out)
    assert told == json.loads((tmp_path / "found.json").read_text())
    assert not told["ok"]
    (error,) = [finding for finding in told["findings"] if finding["severity"] == "error"]
    assert error["kind"] == "unreadable"
    assert "bad.mp4: " in error["items"][0]
    shown = run("check", *folder)
    assert shown.code == 1
    assert "error: Videos that cannot be read: 1. Training puts others" in shown.out
    assert "1 error, " in shown.out


def test_mistakes(run: Run):
    answer = run("check", *RECIPE)
    assert (answer.code, "which videos? Give the folder" in answer.err) == (2, True)
    answer = run("check", *RECIPE, "--root", "nowhere")
    assert (answer.code, "does not exist" in answer.err) == (3, True)


def test_against_a_run(run: Run, ordered: Path, trained: Path, tmp_path: Path):
    answer = run("check", "--run", trained)
    assert answer.code == 0, answer.err
    assert "0 errors" in answer.out
    for video in sorted((ordered / "20bn-something-something-v2").iterdir())[:24]:
        place = tmp_path / ("first", "second")[int(video.stem) % 2] / video.name
        place.parent.mkdir(exist_ok=True)
        place.symlink_to(video)
    folder = ("--model", "tiny_gta", "--data", "folder", "--root", tmp_path)
    answer = run("check", *folder, "--run", trained)
    assert answer.code == 1
    assert "error: The model has other classes: it has 4 classes, the data 2. It" in answer.out
    assert "  only in the data: first" in answer.out


def test_missing_videos_of_kinetics(run: Run, ordered: Path, tmp_path: Path):
    videos = sorted((ordered / "20bn-something-something-v2").iterdir())
    for split, part in (("train", videos[:20]), ("val", videos[20:28])):
        lines = ["label,youtube_id,time_start,time_end,split"]
        for i, video in enumerate(part):
            lines.append(f"class {i % 2},id{split}{i:05d},0,10,{split}")
            if i > 2:
                place = tmp_path / split / f"id{split}{i:05d}_000000_000010.webm"
                place.parent.mkdir(exist_ok=True)
                place.symlink_to(video)
        (tmp_path / f"{split}.csv").write_text("\n".join(lines) + "\n")
    recipe = ("--model", "r2d50_gta", "--data", "k400", "--root", tmp_path)
    answer = run("check", *recipe)
    assert answer.code == 0, answer.err
    assert "warning: 3 of 20 training videos of the annotation are not there" in answer.out
    assert "  idtrain00000_000000_000010" in answer.out
    assert "warning: 3 of 8 validation videos" in answer.out
