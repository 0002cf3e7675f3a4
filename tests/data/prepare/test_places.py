"""Each original has a copy of its own, whatever its name, and on whatever file system."""

import json
import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from PIL import Image

from gta.data.decode import read_frames
from gta.data.prepare import Options, journal, prepare, run
from gta.data.prepare.plan import make_plan, uncertain
from gta.data.records import Split, Video, VideoList
from gta.data.transforms.clip import resize_frames
from gta.data.videos import chosen_splits, load_videos
from gta.errors import DataError, UsageError

from .conftest import texture

ROOT = Path("/data/set")


def listed(*names: str) -> VideoList:
    return VideoList([Video(name, ROOT / name, 0) for name in names], ["a"])


def places(names: Sequence[str], form="video", before: dict | None = None) -> dict[str, str]:
    jobs = make_plan({"train": listed(*names)}, ROOT, Options(form=form), before or {})
    return {name: job.place for name, job in jobs.items()}


def test_a_copy_has_the_name_of_its_original():
    assert places(["a/1.webm", "a/b c é.x.MP4", "frames/7"]) == {
        "a/1.webm": "videos/a/1.mp4",
        "a/b c é.x.MP4": "videos/a/b c é.x.mp4",
        "frames/7": "videos/frames/7.mp4",
    }
    assert places(["a/1.webm", "frames/7"], "jpeg") == {
        "a/1.webm": "videos/a/1",
        "frames/7": "videos/frames/7",
    }


ALIKE = {
    "endings": ["clip.avi.mp4", "clip.mp4", "clip.avi", "clip.mp4.avi", "clip"],
    "case": ["a/Clip.mp4", "a/clip.mp4", "A/CLIP.mp4", "a/clip.MP4"],
    "forms of Unicode": [unicodedata.normalize(f, "é.mp4") for f in ("NFC", "NFD")] + ["É.mp4"],
    "characters": ["a:b.mp4", "a?b.mp4", "a_b.mp4", "a\\b.mp4", "a\tb.mp4", "a\udce9b.mp4"],
    "folders": ["x", "x.mp4", "x/y.mp4", "x/y", "x/y/z.mp4", "x/y.mp4/z.mp4", "x.mp4/z.mp4"],
    "subfolders": ["a/1.mp4", "b/1.mp4", "a_1.mp4", "1.mp4", "a/b/1.mp4", "a_b_1.mp4"],
    "dots": [".a.mp4", "_a.mp4", "..a.mp4", "a..mp4", "a.mp4", "...", "..mp4", "a /1.mp4", "a_/1"],
    "elsewhere": ["../b/1.mp4", "../../b/1.mp4", "__/b/1.mp4", "b/1.mp4", "../1.mp4"],
    "numbers": ["a.mp4", "a.avi", "a.mkv", "A.mp4", "a.mp4-2", "a.mp4-2.mp4", "a-2.mp4"],
    "long": [f"{'é' * 124}{i}.mp4" for i in range(12)],
}


def folded(place: str) -> str:
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", place).casefold())


@pytest.mark.parametrize("form", ["video", "jpeg"])
@pytest.mark.parametrize("kind", ALIKE)
@pytest.mark.parametrize("order", [1, -1])
def test_no_two_share_a_place_on_any_disk(kind: str, form: str, order: int):
    names = ALIKE[kind][::order]
    by_name = places(names, form)
    assert list(by_name) == names
    assert len({folded(place) for place in by_name.values()}) == len(names)
    for place in map(folded, by_name.values()):
        assert not any(folded(other).startswith(f"{place}/") for other in by_name.values())
    for place in by_name.values():
        start, *segments = place.split("/")
        assert start == "videos"
        for segment in segments:
            assert segment
            assert segment[0] != "."
            assert len(segment.encode()) < 250
            assert not set(segment) & set('\\:*?"<>|\t')


def test_places_stay_when_the_list_changes():
    names = ["clip.mp4", "clip.avi"]
    first = make_plan({"train": listed(*names)}, ROOT, Options())
    before = {name: (job.place, job.key) for name, job in first.items()}
    now = places(["clip.mkv", *names[::-1]], before=before)
    assert {name: now[name] for name in names} == {
        name: place for name, (place, _) in before.items()
    }
    assert now["clip.mkv"] not in {place for place, _ in before.values()}


def test_which_copies_of_earlier_versions_are_in_doubt():
    sure = ["a/1.mp4", "b/1.avi", "c/frames", "d/1.x.mp4"]
    assert uncertain(sure) == set()
    doubted = ["clip.avi.mp4", "clip.mp4", "clip.avi", "E.mp4", "e.mp4", "../x.mp4"]
    assert uncertain([*sure, *doubted]) == set(doubted)


NAMES = ["clip.avi.mp4", "clip.mp4", "clip.avi", "clip"]


@pytest.fixture
def alike(tmp_path: Path, write_video) -> Path:
    """A list of videos whose names are much alike."""
    root = tmp_path / "root"
    for seed, name in enumerate(NAMES):
        images = texture(6, 32, 48, seed)
        path = root / "videos" / name
        if name == "clip":
            path.mkdir()
            for i, image in enumerate(images):
                Image.fromarray(image).save(path / f"{i}.png")
            continue
        codec = "mpeg4" if name.endswith(".avi") else "libx264"
        write_video(path, codec=codec, images=images, height=32, width=48)
    for split in ("train", "val"):
        lines = [f"{name} {i % 2}\n" for i, name in enumerate(NAMES)]
        (root / f"{split}.txt").write_text("".join(lines))
    return root


def shows_its_own(root: Path, out: Path) -> bool:
    """Whether each video of the copy is like the original of the same id, and like no other."""
    originals = load_videos("list", root, "train").videos
    copies = {video.id: video for video in load_videos("list", out, "train").videos}
    frames = {v.id: resize_frames(read_frames(v.path), (32, 48)).float() for v in originals}
    for id, video in copies.items():
        copy = read_frames(video.path).float()
        distance = {other: (copy - its).abs().mean().item() for other, its in frames.items()}
        if min(distance, key=distance.__getitem__) != id:
            return False
    return copies.keys() == frames.keys()


@pytest.mark.parametrize("options", [{}, {"form": "jpeg"}, {"shards": True}], ids=str)
def test_each_label_shows_its_own_video(alike, prepared, tmp_path, options):
    root = alike
    before = {p: p.read_bytes() for p in root.parent.rglob("*") if p.is_file()}
    summary = prepared(root, tmp_path / "out", format="list", **options)
    assert summary.written == len(NAMES)
    assert shows_its_own(root, tmp_path / "out")
    assert {p: p.read_bytes() for p in before} == before
    made = {p for p in root.parent.rglob("*") if p.is_file()} - set(before)
    assert all(path.is_relative_to(tmp_path / "out") for path in made)


@pytest.mark.parametrize("shards", [False, True], ids=["files", "shards"])
def test_a_name_that_is_not_utf8(tmp_path, write_video, shards):
    root, odd = tmp_path / "root", "caf\udce9.mp4"
    try:
        os.fsencode(root / odd)
        (tmp_path / odd).touch()
    except OSError:
        pytest.skip("this disk has no such names")
    write_video(root / "1.mp4", images=texture(6, 32, 48, 0), height=32, width=48)
    (root / "1.mp4").rename(root / odd)
    videos = VideoList([Video(odd, root / odd, 0)], ["a", odd])
    chosen = chosen_splits("ssv2", val_fraction=0.2, seed=0, fold=1, lists=None)
    splits: dict[Split, VideoList] = {"train": videos, "val": videos}
    options = Options(shards=shards)
    assert prepare(splits, root, tmp_path / "out", options, chosen=chosen).written == 1
    assert prepare(splits, root, tmp_path / "out", options, chosen=chosen).written == 0
    prepared = load_videos("ssv2", tmp_path / "out", "val")
    assert (prepared.classes, prepared.videos[0].id) == (["a", odd], odd)
    assert len(read_frames(prepared.videos[0].path)) == 6


def as_earlier(out: Path) -> None:
    """Makes a prepared folder what the earlier version left, which wrote down no places."""
    file = out / ".prepare" / "journal.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines() if line]
    for row in rows:
        del row["place"], row["key"]
    file.write_text("".join("\n" + json.dumps(row) for row in rows))


def test_what_an_earlier_version_began_is_not_mixed(alike, prepared, tmp_path, monkeypatch):
    root = alike
    out = tmp_path / "out"
    monkeypatch.setattr(run, "measure", lambda *_: None)
    prepared(root, out, format="list")
    as_earlier(out)
    (out / "prepared.json").unlink()
    for copy in (out / "videos").rglob("clip*.mp4"):  # equal in size, and another video
        copy.write_bytes(bytes(copy.stat().st_size))
    again = prepared(root, out, format="list")
    assert again.written >= 3
    assert shows_its_own(root, out)


def test_shards_of_an_earlier_version_that_may_be_mixed_are_refused(
    alike, prepared, tmp_path, monkeypatch
):
    root = alike
    out = tmp_path / "out"
    monkeypatch.setattr(run, "measure", lambda *_: None)
    prepared(root, out, format="list", shards=True)
    as_earlier(out)
    with pytest.raises(UsageError, match=r"begun by an earlier version, which may have put one"):
        prepared(root, out, format="list", shards=True)


def test_a_manifest_of_an_earlier_version_that_is_mixed_is_refused(copies, tmp_path):
    manifest = json.loads((copies["video"] / "prepared.json").read_text())
    del manifest["plan"]
    rows = manifest["splits"]["train"]["videos"]
    (tmp_path / "prepared.json").write_text(json.dumps(manifest))
    assert len(load_videos("ssv2", tmp_path, "train")) == len(rows)
    for row, id in zip(rows, ["clip.avi.mp4", "clip.mp4", "clip.avi"], strict=False):
        row[0] = id
    (tmp_path / "prepared.json").write_text(json.dumps(manifest))
    os.utime(tmp_path / "prepared.json", (1, 1))
    with pytest.raises(DataError, match=r"gave clip.avi.mp4 and clip.avi one copy: prepare the"):
        load_videos("ssv2", tmp_path, "train")


def test_a_copy_that_something_else_wrote_over_is_found(original, prepared, tmp_path, monkeypatch):
    real = journal.Journal.add

    def add(self, job, entry):
        real(self, job, entry)
        (tmp_path / "out" / "videos" / "20bn-something-something-v2" / "1.mp4").write_bytes(b"x")

    monkeypatch.setattr(journal.Journal, "add", add)
    with pytest.raises(UsageError) as caught:
        prepared(original, tmp_path / "out")
    assert "1 copies in " in str(caught.value)
    assert "1.mp4: does something else write there? The same command makes" in str(caught.value)
    monkeypatch.undo()
    assert prepared(original, tmp_path / "out").written == 1


def test_poor_copies_are_named(tmp_path, write_video, prepared):
    rng = torch.Generator().manual_seed(0)
    noise = torch.randint(0, 256, (6, 48, 64, 1), dtype=torch.uint8, generator=rng)
    for name, images in (("noise", noise.expand(-1, -1, -1, 3).numpy()), ("calm", None)):
        for i in range(2):
            write_video(tmp_path / "data" / name / f"{i}.mp4", images=images, height=48, width=64)
    summary = prepared(tmp_path / "data", tmp_path / "out", format="folder", quality=30)
    assert {Path(name).parts[0] for name in summary.poor} == {"noise"}
    assert summary.least_psnr == min(summary.poor.values()) < 28
