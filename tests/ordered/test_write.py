import filecmp
import json
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from gta.errors import UsageError
from gta.ordered import render_clip, render_dataset
from gta.ordered import write as write_module
from gta.ordered.files import write_jpegs, write_webm

SMALL = {
    "num_train": 6,
    "num_val": 4,
    "num_frames": 8,
    "height": 32,
    "width": 48,
    "classes": ["up", "down", "cover"],
    "workers": 1,
}


def decode(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])


def files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_ssv2_is_laid_out_as_the_official_download(tmp_path):
    summary = render_dataset(tmp_path / "set", **SMALL)
    root = summary.root
    names = sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())
    clips = sorted(f"20bn-something-something-v2/{i}.webm" for i in range(1, 11))
    labels = ["labels/labels.json", "labels/train.json", "labels/validation.json"]
    assert names == [*clips, "README.txt", *labels, "ordered.json"]

    assert json.loads((root / "labels/labels.json").read_text()) == {
        "Covering something with something": "0",
        "Moving something down": "1",
        "Moving something up": "2",
    }
    train = json.loads((root / "labels/train.json").read_text())
    val = json.loads((root / "labels/validation.json").read_text())
    assert [row["id"] for row in train] == ["1", "2", "3", "4", "5", "6"]
    assert [row["id"] for row in val] == ["7", "8", "9", "10"]
    assert [row["template"] for row in train[:3]] == [
        "Covering [something] with [something]",
        "Moving [something] down",
        "Moving [something] up",
    ]
    thing, cover = train[0]["placeholders"]
    assert train[0]["label"] == f"covering {thing} with {cover}"

    with av.open(str(summary.videos / "1.webm")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name in ("vp9", "libvpx-vp9")
        assert stream.average_rate == 12
    assert decode(summary.videos / "1.webm").shape == (8, 32, 48, 3)


def test_ssv1_is_laid_out_as_the_official_download(tmp_path):
    summary = render_dataset(tmp_path / "set", layout="ssv1", **SMALL)
    root = summary.root
    prefix = "something-something-v1"
    assert (root / f"{prefix}-labels.csv").read_text().splitlines() == list(summary.classes)
    train = (root / f"{prefix}-train.csv").read_text().splitlines()
    assert train[:2] == ["1;Covering something with something", "2;Moving something down"]
    assert len(train) == 6
    val = (root / f"{prefix}-validation.csv").read_text().splitlines()
    assert val[0] == "7;Covering something with something"
    assert len(val) == 4
    frames = sorted(p.name for p in (root / "20bn-something-something-v1/10").iterdir())
    assert frames == [f"{number:05d}.jpg" for number in range(1, 9)]
    with Image.open(root / "20bn-something-something-v1/10/00001.jpg") as image:
        assert image.size == (48, 32)


def test_the_summary_and_the_readme_state_the_ceiling(tmp_path):
    summary = render_dataset(tmp_path / "set", **SMALL)
    assert summary.order_blind_ceiling == pytest.approx(2 / 3)
    assert (summary.num_train, summary.num_val, summary.num_rendered) == (6, 4, 10)
    assert summary.videos == summary.root / "20bn-something-something-v2"
    readme = (summary.root / "README.txt").read_text()
    assert "Order-blind ceiling: 66.7 % top-1" in readme
    assert "Moving something down  <->  Moving something up" in readme
    assert "32x48" in readme
    assert "seed 0" in readme
    facts = json.loads((summary.root / "ordered.json").read_text())
    assert facts["order_blind_ceiling"] == pytest.approx(2 / 3)
    assert facts["classes"][1] == {"name": "Moving something down", "key": "down", "partner": "up"}
    assert facts["options"]["num_frames"] == 8


def test_both_layouts_hold_the_same_clips_near_enough(tmp_path):
    webm = render_dataset(tmp_path / "v2", **SMALL).videos / "3.webm"
    jpegs = render_dataset(tmp_path / "v1", layout="ssv1", **SMALL).videos / "3"
    frames = np.stack([np.asarray(Image.open(path)) for path in sorted(jpegs.iterdir())])
    assert np.abs(decode(webm).astype(float) - frames).mean() < 8


@pytest.mark.parametrize("height", [64, 49])
def test_a_reversed_clip_is_its_partner_after_coding_too(tmp_path, height):
    clip = render_clip("appear", height=height, width=66, seed=4)
    write_webm(tmp_path / "forward.webm", clip, fps=12)
    write_webm(tmp_path / "backward.webm", clip[::-1], fps=12)
    forward, backward = decode(tmp_path / "forward.webm"), decode(tmp_path / "backward.webm")
    assert np.array_equal(forward[::-1], backward)
    assert np.abs(forward.astype(float) - clip).mean() < 8


def test_splits_and_clips_have_seeds_of_their_own(tmp_path):
    options = {**SMALL, "classes": ["up", "still"], "num_train": 4}
    train = render_dataset(tmp_path / "a", **options)
    clips = [path.read_bytes() for path in sorted(train.videos.iterdir())]
    assert len(set(clips)) == len(clips)
    other = render_dataset(tmp_path / "b", **options, seed=1)
    assert not set(clips) & {path.read_bytes() for path in other.videos.iterdir()}


def test_more_clips_leave_the_first_as_they_are(tmp_path):
    few = render_dataset(tmp_path / "few", **SMALL)
    many = render_dataset(tmp_path / "many", **{**SMALL, "num_train": 9})
    for index in range(1, 7):
        name = f"{index}.webm"
        assert filecmp.cmp(few.videos / name, many.videos / name, shallow=False)


@pytest.mark.parametrize("layout", ["ssv2", "ssv1"])
def test_the_files_do_not_depend_on_the_number_of_workers(tmp_path, layout, monkeypatch):
    monkeypatch.setattr(write_module, "_CHUNK", 3)
    one = render_dataset(tmp_path / "one", layout=layout, **SMALL)
    two = render_dataset(tmp_path / "two", layout=layout, **{**SMALL, "workers": 2})
    assert files(one.root) == files(two.root)


def test_progress_counts_every_clip(tmp_path, monkeypatch):
    monkeypatch.setattr(write_module, "_CHUNK", 4)
    seen = []
    render_dataset(tmp_path / "set", **SMALL, progress=lambda *counts: seen.append(counts))
    assert seen == [(4, 10), (8, 10), (10, 10)]


def test_a_finished_folder_is_left_as_it_is(tmp_path):
    first = render_dataset(tmp_path / "set", **SMALL)
    times = {path: path.stat().st_mtime_ns for path in first.root.rglob("*")}
    again = render_dataset(tmp_path / "set", **SMALL)
    assert again.num_rendered == 0
    assert again.classes == first.classes
    assert {path: path.stat().st_mtime_ns for path in first.root.rglob("*")} == times


@pytest.mark.parametrize("layout", ["ssv2", "ssv1"])
def test_an_interrupted_rendering_is_taken_up(tmp_path, layout, monkeypatch):
    whole = render_dataset(tmp_path / "whole", layout=layout, **SMALL)

    monkeypatch.setattr(write_module, "_CHUNK", 4)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_dataset(tmp_path / "set", layout=layout, **SMALL, progress=stop)
    assert not (tmp_path / "set/ordered.json").exists()
    # What a killed process may leave: one clip that is not complete.
    name = "5.webm" if layout == "ssv2" else "5"
    half = tmp_path / "set" / whole.videos.name / f".{name}.part"
    if layout == "ssv2":
        half.write_bytes(b"half")
    else:
        half.mkdir()
        (half / "00099.jpg").write_bytes(b"half")

    summary = render_dataset(tmp_path / "set", layout=layout, **SMALL)
    assert summary.num_rendered == 6
    assert files(summary.root) == files(whole.root)


def test_a_failed_write_leaves_no_clip(tmp_path, monkeypatch):
    clip = render_clip("up", seed=0)

    def full_disk(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_jpegs(tmp_path / "1", clip)
    assert not (tmp_path / "1").exists()


def test_other_options_for_the_same_folder_are_refused(tmp_path):
    render_dataset(tmp_path / "set", **SMALL)
    with pytest.raises(UsageError, match=r"rendered with seed=0, the options now give seed=2; ch"):
        render_dataset(tmp_path / "set", **SMALL, seed=2)
    with pytest.raises(UsageError, match="train=6, val=4, the options now give train=8, val=8"):
        render_dataset(tmp_path / "set", **{**SMALL, "num_train": 8, "num_val": 8})
    (tmp_path / "set/ordered.json").rename(tmp_path / "set/ordered.unfinished.json")
    with pytest.raises(
        UsageError, match="rendered with layout='ssv2', the options now give layout='ssv1'"
    ):
        render_dataset(tmp_path / "set", layout="ssv1", **SMALL)


def test_foreign_folders_and_files_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"not empty \(it holds 'notes.txt'\).*new or empty"):
        render_dataset(tmp_path, **SMALL)
    with pytest.raises(UsageError, match=r"notes.txt is a file; choose a folder"):
        render_dataset(tmp_path / "notes.txt", **SMALL)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "ordered.json").write_text("{")
    with pytest.raises(UsageError, match=r"ordered.json cannot be read .*delete the folder"):
        render_dataset(broken, **SMALL)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"layout": "ssv3"}, r"'ssv3' is not a layout\. Did you mean 'ssv\d'\?.*: ssv2, ssv1"),
        ({"classes": ["up", "dwon"]}, "'dwon' is not a class.*Did you mean 'down'"),
        ({"num_frames": 4}, "Clips of 4 frames are too short"),
        ({"height": 16}, "at least 32 pixels"),
        ({"num_train": 2}, "2 training clips cannot show 3 classes; use at least 3"),
        ({"num_val": 0}, "0 validation clips cannot show 3 classes"),
        ({"fps": 0}, "fps=0 is not possible; use 1 or more"),
        ({"seed": -1}, "seed=-1 is not possible; use 0 or more"),
        ({"workers": 0}, "workers=0 is not possible; use 1 or more"),
    ],
)
def test_impossible_options_touch_nothing(tmp_path, option, message):
    with pytest.raises(UsageError, match=message):
        render_dataset(tmp_path / "set", **{**SMALL, **option})
    assert not (tmp_path / "set").exists()


def test_a_script_without_a_main_guard_is_told_so(tmp_path):
    script = tmp_path / "script.py"
    options = {**SMALL, "workers": 2}
    script.write_text(
        "from pathlib import Path\n"
        "from gta.ordered import render_dataset\n"
        f"render_dataset(Path({str(tmp_path / 'set')!r}), **{options})\n"
    )
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert run.returncode != 0
    assert (
        'call render_dataset under `if __name__ == "__main__":`, or pass workers=1.' in run.stderr
    )
