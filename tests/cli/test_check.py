"""`gta check`: table, JSON, exit code, and that nothing is changed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

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
        "note: 1 pair of classes is mirror images of each other; their clips are not mirrored "
        "(augment.flip=skip)" in answer.out
    )
    assert ["Moving something from left to right", "10", "3"] in rows
    assert "warning: 12 validation videos can be read: an accuracy of 50 %" in answer.out
    assert answer.out.endswith("0 errors, 1 warning, 1 note\n")
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
    assert "error: 1 video cannot be read. Training replaces it by another video" in shown.out
    assert "; --json or --out FILE has all" in shown.out
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


def test_all_faults_of_a_folder_in_one_go(run: Run, ordered: Path, tmp_path: Path):
    videos = sorted((ordered / "20bn-something-something-v2").iterdir())
    for index, video in enumerate(videos[:24]):
        place = tmp_path / ("first", "second")[index % 2] / f"v_A_g{index // 4}_c{index}.webm"
        place.parent.mkdir(exist_ok=True)
        place.symlink_to(video)
    for name in ("empty/notes.txt", "second/deep/1.mp4", "first/1.srt", "loose.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    folder = ("--model", "tiny_gta", "--data", "folder", "--root", tmp_path)
    answer = run("check", *folder)
    assert answer.code == 1
    for told in (
        "error: No video in 1 class folder of ",
        "  empty (holds 1 .txt)\n",
        "error: 1 folder inside class folders of ",
        "warning: 2 files in class folders without the ending of a video: 1 .txt and 1 .srt.",
        "warning: 1 video lies beside the class folders",
        "groups of clips of one recording are in both splits: scores would be too good; --set "
        "data.keep_groups=true keeps each in one split",
    ):
        assert told in answer.out
    assert "no training video" not in answer.out  # said already, by the empty folder
    answer = run("train", *folder, "--out", tmp_path.with_name(f"{tmp_path.name}-run"))
    assert answer.code == 3
    assert "No video in 1 class folder of " in answer.err
    assert "is no folder of frames" in answer.err
    for name in ("empty/notes.txt", "second/deep/1.mp4"):
        (tmp_path / name).unlink()
        (tmp_path / name).parent.rmdir()
    answer = run("check", *folder, "--set", "data.keep_groups=true", "--json")
    assert answer.code == 0
    kinds = [finding["kind"] for finding in json.loads(answer.out)["findings"]]
    assert "groups in both splits" not in kinds
    assert "other files" in kinds


def test_an_annotation_that_is_wrong_in_one_split(run: Run, ordered: Path, tmp_path: Path):
    videos = "20bn-something-something-v2"
    (tmp_path / videos).symlink_to(ordered / videos)
    shutil.copytree(ordered / "labels", tmp_path / "labels")
    (file,) = (tmp_path / "labels").glob("*validation.json")
    file.write_text("[{")
    answer = run("check", *RECIPE, "--root", tmp_path, "--json")
    assert answer.code == 1
    told = json.loads(answer.out)
    (error,) = [finding for finding in told["findings"] if finding["severity"] == "error"]
    assert error["kind"] == "no list"
    assert error["text"].startswith(f"The validation videos cannot be listed: {file} is not JSON: ")
    assert told["summary"]["train"]["videos"] == 40


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_thorough_check_is_stopped_at_once(tmp_path: Path, number: signal.Signals):
    """Also while one long video is decoded, which an executor of threads would finish first."""
    for name in ("a/1.y4m", "a/2.y4m", "b/1.y4m", "b/2.y4m"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        with (tmp_path / name).open("wb") as file:
            file.write(b"YUV4MPEG2 W16 H16 F25:1 C420\n")
            file.write((b"FRAME\n" + bytes(16 * 16 * 3 // 2)) * 200_000)
    command = ("check", "--model", "tiny_gta", "--data", "folder", "--root", tmp_path)
    begun = tmp_path / "begun"
    script = (
        "import sys, pathlib, gta.data.check.report as report\n"
        "look = report.inspect_video\n"
        "def inspect(*a, **k):\n"
        f"    pathlib.Path({str(begun)!r}).touch()\n"
        "    return look(*a, **k)\n"
        "report.inspect_video = inspect\n"
        "from gta.cli.main import main\n"
        f"sys.argv = ['gta', *{[str(part) for part in command]}, '--thorough']\n"
        "main()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True)
    while not begun.exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)  # all of it takes minutes
    assert process.returncode in ((130,) if number == signal.SIGINT else (143, -signal.SIGTERM))
    assert "Traceback" not in told
    if number == signal.SIGINT:
        assert told == "gta: stopped by Ctrl-C; nothing was changed\n"
