import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from gta.data.decode import read_frames
from gta.tensor_files import read_tensors

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
    assert answer.out.endswith("; 3 videos; 1 passed over\n")
    told = json.loads(run("predict", trained, tmp_path, "--json").out)
    assert [Path(video["video"]).name for video in told["videos"]] == ["a.mp4", "b.mp4", "c.mp4"]
    assert told["passed_over"] == [
        {"path": str(tmp_path), "reason": "strays beside videos: cover.jpg"}
    ]


def test_half_a_file_is_predicted_aloud(run: Run, trained: Path, ordered: Path, tmp_path: Path):
    half = tmp_path / "half.webm"
    whole = first_clip(ordered).read_bytes()
    half.write_bytes(whole[: len(whole) * 2 // 3])
    answer = run("predict", trained, half, first_clip(ordered))
    assert answer.code == 0
    told = f"{len(half.read_bytes()):,} of {len(whole):,} bytes"
    assert f"gta: {half} is cut off: {told}. This is what its beginning shows" in answer.err
    assert answer.out.endswith("; 2 videos; 1 cut off\n")
    rows = json.loads(run("predict", trained, half, first_clip(ordered), "--json").out)["videos"]
    assert [row.get("cut_off") for row in rows] == [told, None]


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


def test_csv_files_and_embeddings(run: Run, trained: Path, ordered: Path, tmp_path: Path):
    clips = [first_clip(ordered), first_clip(ordered).with_name("42.webm"), tmp_path / "no.mp4"]
    (tmp_path / "list.txt").write_text("".join(f"{clip}\n" for clip in clips))
    options = ("--list", tmp_path / "list.txt", "--top", 2, "--embeddings")
    answer = run("predict", trained, *options, tmp_path / "found.npz", "--csv")
    assert answer.code == 3
    rows = list(csv.DictReader(answer.out.splitlines()))
    assert list(rows[0]) == ["video", "rank", "class", "score", "cut_off", "error"]
    assert [(row["video"], row["rank"]) for row in rows] == [
        *((str(clip), rank) for clip in clips[:2] for rank in "12"),
        (str(clips[2]), ""),
    ]
    assert rows[-1]["error"] == "no such file"
    outs = [tmp_path / name for name in ("found.csv", "found.json")]
    more = [part for out in outs for part in ("--out", out)]
    answer = run("predict", trained, *options, tmp_path / "found.safetensors", *more)
    assert answer.code == 3
    assert f"written: {outs[0]}" in answer.out
    assert "videos/s; ms a clip: decode" in answer.out
    assert list(csv.DictReader(outs[0].read_text().splitlines())) == rows
    told = json.loads(outs[1].read_text())
    assert float(rows[0]["score"]) == pytest.approx(told["videos"][0]["top"][0]["score"])
    assert set(told["speed"]) == {"videos_per_second", "decode_ms", "transform_ms", "network_ms"}
    with np.load(tmp_path / "found.npz") as file:
        assert file["videos"].tolist() == [str(clip) for clip in clips[:2]]
        tensors, about = read_tensors(tmp_path / "found.safetensors")
        assert (tensors["embeddings"].numpy() == file["embeddings"]).all()
    assert json.loads(about["videos"]) == [str(clip) for clip in clips[:2]]


def test_a_pipe(run: Run, trained: Path, ordered: Path, monkeypatch: pytest.MonkeyPatch):
    clip = first_clip(ordered)
    expected = json.loads(run("predict", trained, clip, "--json").out)["videos"][0]["top"]
    frames = read_frames(clip).permute(0, 2, 3, 1).numpy()
    for content, options in (
        (clip.read_bytes(), []),
        (frames.tobytes() + b"more", ["--size", "32x32", "--fps", "12"]),
    ):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
        answer = run("predict", trained, "-", "--json", *options)
        (video,) = json.loads(answer.out)["videos"]
        assert (video["video"], video["top"]) == ("-", expected)
        assert ("cut_off" in video) == bool(options)


def test_the_file_of_a_pipe_names_the_pipe(
    run: Run, trained: Path, ordered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It named a file that was gone."""
    content = first_clip(ordered).read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    out = tmp_path / "t.json"
    run("predict", trained, "-", "--timeline", "--window", "0.5", "--out", out)
    told = json.loads(out.read_text())
    assert (told["video"], told["run"]) == ("-", str(trained))


def test_mistakes_before_the_work(run: Run, trained: Path, tmp_path: Path):
    for options, said in (
        ((), "which videos? Give files, folders, - for standard input, or --list FILE"),
        (("a.mp4", "--size", "3x4"), "--size is for raw frames in standard input"),
        (("a.mp4", "--json", "--csv"), "--json and --csv are two forms of the same"),
        (("a.mp4", "--out", "a.txt"), "a.txt: predictions are written as .csv or .json"),
        (("a.mp4", "--embeddings", "a.pt"), "a.pt: embeddings are written as .safetensors or"),
    ):
        answer = run("predict", trained, *options)
        assert answer.code == 2
        assert said in answer.err


def test_a_timeline_as_table_json_and_files(run: Run, trained: Path, tmp_path: Path):
    path = mp4(tmp_path / "long.mp4", 90)
    outs = [tmp_path / f"t.{ending}" for ending in ("srt", "json")]
    options = ("--timeline", "--window", "1", "--least", "0.5")
    written = [part for out in outs for part in ("--out", out)]
    answer = run("predict", trained, path, *options, *written, "--cut", tmp_path / "cut")
    assert answer.code == 0, answer.err
    assert "00:00:03.000, windows of 1 s, 0.25 s apart" in answer.out
    assert "ms a window: decode" in answer.out
    told = json.loads(run("predict", trained, path, *options, "--json").out)
    (video,) = told["videos"]
    assert video["segments"] == json.loads(outs[1].read_text())["segments"]
    assert (video["video"], told["protocol"]) == (str(path), "1x1-center32")
    assert outs[0].read_text().count("-->") == len(video["segments"])
    assert len(list((tmp_path / "cut").rglob("*.mp4"))) == len(video["segments"])
    rows = list(
        csv.DictReader(
            run("predict", trained, path, tmp_path / "no.mp4", *options, "--csv").out.splitlines()
        )
    )
    assert [row["label"] for row in rows[:-1]] == [one["label"] for one in video["segments"]]
    assert rows[-1]["error"] == "no such file"
    nothing = run("predict", trained, path, *options, "--threshold", "1", "--json").out
    assert json.loads(nothing)["videos"][0]["segments"] == []


@pytest.mark.parametrize(
    "options",
    [
        ("--out", "no/a.csv"),
        ("--embeddings", "no/a.npz"),
        ("--timeline", "--out", "no/a.json"),
        ("--list", "list.txt", "--work", "work", "--out", "no/a.csv"),
    ],
)
def test_a_place_that_is_not_there_is_told_before_the_work(run: Run, trained: Path, options):
    given = () if "--list" in options else ("no.mp4",)  # a video that is read would be said, too
    answer = run("predict", trained, *given, *options)
    assert (answer.code, answer.out) == (2, "")
    assert "there is no folder" in answer.err
    assert "make it first" in answer.err
    assert "no such file" not in answer.err


def test_mistakes_about_timelines(run: Run, trained: Path, tmp_path: Path):
    for options, said in (
        (("a.mp4", "--window", "3"), "are for timelines: add --timeline"),
        (("a.mp4", "--timeline", "--out", "a.txt"), "a timeline is written as one of .json, .csv"),
        (("a.mp4", "b.mp4", "--timeline", "--out", "a.srt"), "got 2 videos: give one video, or"),
        (("a.mp4", "--timeline", "--threads", "2"), "--threads is for many videos: a timeline"),
        (("a.mp4", "--timeline", "--embeddings", "a.npz"), "--embeddings are of whole videos"),
    ):
        answer = run("predict", trained, *options)
        assert answer.code == 2
        assert said in answer.err
