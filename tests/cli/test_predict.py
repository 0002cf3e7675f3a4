import json
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from .conftest import Run


def first_clip(root: Path) -> Path:
    return root / "20bn-something-something-v2/41.webm"


def test_table_and_json_agree(run: Run, trained: Path, ordered: Path):
    clip = first_clip(ordered)
    table = run("predict", trained, clip)
    assert table.code == 0
    assert str(clip) in table.out
    assert "last.safetensors, epoch 2 of 2, protocol 1x1-center32 (1 view" in table.out
    answer = run("predict", trained, clip, "--json", "--top", "2")
    told = json.loads(answer.out)
    assert told["protocol"] == "1x1-center32"
    (video,) = told["videos"]
    assert len(video["top"]) == 2
    for one in video["top"]:
        assert f"{one['score']:.1%}" in table.out
        assert one["class"] in table.out
    scores = [one["score"] for one in video["top"]]
    assert scores == sorted(scores, reverse=True)


def test_nothing_is_imported_that_takes_seconds(trained: Path, ordered: Path):
    code = (
        "import atexit, sys; from gta.cli.main import main; "
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr)); main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "predict", trained, first_clip(ordered)],
        capture_output=True,
        text=True,
        check=True,
    )
    slow = {"torchvision", "torch._dynamo", "sympy", "triton", "matplotlib", "gta.training.loop"}
    assert "torch" in done.stderr.split()
    assert not slow & set(done.stderr.split())


def test_the_best_weights_on_request(run: Run, trained: Path, ordered: Path):
    answer = run("predict", trained, first_clip(ordered), "--best")
    assert "best.safetensors, epoch" in answer.out


def test_more_views_give_other_scores(run: Run, trained: Path, ordered: Path):
    clip = first_clip(ordered)
    one, six = (
        json.loads(run("predict", trained, clip, "--json", "--protocol", name).out)
        for name in ("1x1-center32", "3x2-full28")
    )
    assert six["protocol"] == "3x2-full28"
    assert one["videos"][0]["top"] != six["videos"][0]["top"]


def mp4(path: Path, num_frames: int) -> Path:
    """H.264 in MP4."""
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 96, 54, "yuv420p"
        for _ in range(num_frames):
            picture = rng.integers(0, 255, (54, 96, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("num_frames", [1, 3, 90])
def test_a_video_of_any_length(run: Run, trained: Path, tmp_path: Path, num_frames: int):
    answer = run("predict", trained, mp4(tmp_path / "some.mp4", num_frames))
    assert answer.code == 0, answer.err
    assert "some.mp4" in answer.out


def test_a_folder_of_frames_and_a_folder_of_videos(run: Run, trained: Path, tmp_path: Path):
    frames = tmp_path / "frames"
    frames.mkdir()
    for i in range(5):
        Image.new("RGB", (40, 50), (40 * i, 90, 20)).save(frames / f"{i + 1:05d}.jpg")
    videos = tmp_path / "videos"
    videos.mkdir()
    for name in ("b.mp4", "a.mp4"):
        mp4(videos / name, 5)
    (videos / "notes.txt").write_text("not a video")
    answer = run("predict", trained, frames, videos, "--json")
    assert answer.code == 0
    names = [Path(video["video"]).name for video in json.loads(answer.out)["videos"]]
    assert names == ["frames", "a.mp4", "b.mp4"]


def test_what_is_passed_over_is_said(run: Run, trained: Path, tmp_path: Path):
    (tmp_path / "more").mkdir()
    for name in ("b.mp4", "a.mp4", "more/c.mp4"):
        mp4(tmp_path / name, 5)
    Image.new("RGB", (40, 50)).save(tmp_path / "cover.jpg")
    answer = run("predict", trained, tmp_path)
    assert answer.code == 0
    for name in ("a.mp4", "b.mp4", "more/c.mp4"):
        assert str(tmp_path / name) in answer.out
    assert f"passed over in {tmp_path}, strays beside videos: cover.jpg" in answer.out
    assert answer.out.endswith("; 3 videos\n")
    told = json.loads(run("predict", trained, tmp_path, "--json").out)
    assert [Path(video["video"]).name for video in told["videos"]] == ["a.mp4", "b.mp4", "c.mp4"]
    assert told["passed_over"] == [
        {"path": str(tmp_path), "reason": "strays beside videos: cover.jpg"}
    ]


def test_what_cannot_be_read_is_reported_and_the_rest_is_predicted(
    run: Run, trained: Path, ordered: Path, tmp_path: Path
):
    text = tmp_path / "text.mp4"
    text.write_text("this is a text file, whatever its name says\n" * 50)
    empty, folder = tmp_path / "empty.mp4", tmp_path / "folder"
    empty.touch()
    folder.mkdir()
    missing = tmp_path / "missing.mp4"
    bad = {
        text: "not a video that FFmpeg knows (is it a text file?)",
        empty: "is empty (0 bytes)",
        folder: "is a folder without pictures or videos",
        missing: "no such file",
    }
    answer = run("predict", trained, *bad, first_clip(ordered))
    assert answer.code == 3
    for path, reason in bad.items():
        assert f"gta: {path}: {reason}" in answer.err
    assert "41.webm" in answer.out
    assert answer.out.endswith("; 1 video; 4 could not be read\n")
    assert "Traceback" not in answer.err
    told = json.loads(run("predict", trained, *bad, first_clip(ordered), "--json").out)
    assert ["error" in video for video in told["videos"]] == [True] * 4 + [False]
