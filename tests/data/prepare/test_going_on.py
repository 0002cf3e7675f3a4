"""Interrupted, changed, full: what is there is never half, and the same command goes on."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest

from gta.data import prepare as package
from gta.data.decode import read_frames
from gta.data.formats.prepared import find_manifest
from gta.data.prepare import Options, copies, run, workers
from gta.data.storage.sources import Member
from gta.data.videos import load_videos
from gta.errors import DataError, UsageError, VideoError

from .conftest import FORMS, texture

BROKEN = "20bn-something-something-v2/3.webm"


def tree(root: Path) -> dict[str, tuple[int, int]]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(p.relative_to(root)): (p.stat().st_size, p.stat().st_mtime_ns) for p in files}


class Stop(Exception):
    pass


def stop_after(monkeypatch: pytest.MonkeyPatch, count: int) -> list[str]:
    """The names of what is copied, until the process "dies"."""
    names: list[str] = []
    real = workers.write_copy

    def copy(source, target, options):
        if len(names) == count:
            raise Stop
        names.append(source.name)
        return real(source, target, options)

    monkeypatch.setattr(
        workers,
        "_copy",
        lambda job, folder, options: workers.Entry(
            workers.stamp(job.source), copy(job.source, folder / job.place, options)
        ),
    )
    return names


@pytest.mark.parametrize("form", FORMS)
def test_it_goes_on_where_it_stopped(original, prepared, copies, tmp_path, monkeypatch, form):
    root, out = tmp_path / "root", tmp_path / "out"
    shutil.copytree(original, root)
    good = root / "20bn-something-something-v2"
    shutil.copy(good / "4.webm", good / "3.webm")
    options = FORMS[form] | {"shard_mb": 1}
    before = tree(root)
    monkeypatch.setattr(run, "measure", lambda *_: None)
    monkeypatch.setattr(run, "_trial", lambda *_: "")
    names = stop_after(monkeypatch, 5)
    with pytest.raises(Stop):
        prepared(root, out, **options)
    with pytest.raises(DataError, match="is prepared only in part"):
        load_videos("ssv2", out, "train")
    # what SIGKILL can leave: a cut-off line, a copy without a line, half of a copy
    with (out / ".prepare" / "journal.jsonl").open("a") as file:
        file.write('\n{"name": "20bn')
    (out / ".prepare" / "trial-1").mkdir()
    monkeypatch.undo()
    monkeypatch.setattr(run, "measure", lambda *_: None)
    again = stop_after(monkeypatch, 99)
    summary = prepared(root, out, **options)
    assert len(names) == 5
    assert len(again) == summary.written == 9
    assert not set(names) & set(again)
    assert not list((out / ".prepare").glob("trial-*"))
    whole = tmp_path / "whole"
    prepared(root, whole, **options)
    for split in ("train", "val", "test"):
        resumed, other = (load_videos("ssv2", place, split).videos for place in (out, whole))
        for a, b in zip(resumed, other, strict=True):
            assert (a.id, a.label, a.num_frames, a.fps) == (b.id, b.label, b.num_frames, b.fps)
            assert read_frames(a.path).equal(read_frames(b.path))
    assert tree(root) == before


def test_done_is_done(original, prepared, tmp_path, monkeypatch):
    out = tmp_path / "out"
    first = prepared(original, out, **FORMS["video"])
    before = tree(out)
    again = stop_after(monkeypatch, 99)
    with pytest.raises(VideoError):  # only the broken video is tried again
        prepared(original, out, **FORMS["video"])
    assert again == ["3.webm"]
    monkeypatch.undo()
    second = prepared(original, out, **FORMS["video"])
    assert second.written == 0
    assert (second.bytes, second.unreadable, second.gain) == (
        first.bytes,
        first.unreadable,
        first.gain,
    )
    now = tree(out)
    assert now.keys() == before.keys()
    changed = {name for name in now if now[name] != before[name]}
    assert changed - {".prepare/.lock"} == {".prepare/journal.jsonl"}


def test_an_original_that_changed_or_was_mended_is_copied_again(
    original, prepared, tmp_path, write_video
):
    root, out, shards = tmp_path / "root", tmp_path / "out", tmp_path / "shards"
    shutil.copytree(original, root)
    prepared(root, out, **FORMS["video"])
    prepared(root, shards, **FORMS["video shards"])
    file = root / BROKEN
    write_video(file, codec="libvpx-vp9", images=texture(6, 48, 71, 5), height=48, width=71)
    for place, form in ((out, "video"), (shards, "video shards")):
        summary = prepared(root, place, **FORMS[form])
        assert (summary.written, summary.unreadable) == (1, {})
        assert load_videos("ssv2", place, "train").videos[2].num_frames == 6
    write_video(file, codec="libvpx-vp9", images=texture(7, 48, 71, 5), height=48, width=71)
    assert prepared(root, out, **FORMS["video"]).written == 1
    assert load_videos("ssv2", out, "train").videos[2].num_frames == 7
    with pytest.raises(UsageError) as caught:
        prepared(root, shards, **FORMS["video shards"])
    assert str(caught.value) == (
        f"1 originals have changed since they were put into shards, such as {BROKEN}; shards are "
        f"written once. Prepare into a new folder."
    )


def test_a_copy_that_was_lost_or_cut_is_made_again(original, prepared, tmp_path):
    out = tmp_path / "out"
    prepared(original, out, **FORMS["jpeg"])
    folder = out / "videos" / "20bn-something-something-v2"
    (folder / "1" / "000002.jpg").unlink()
    shutil.rmtree(folder / "2")
    (folder / "5" / "000001.jpg").write_bytes(b"")
    assert prepared(original, out, **FORMS["jpeg"]).written == 3


def test_labels_that_changed_are_taken_over(original, prepared, tmp_path):
    root, out = tmp_path / "root", tmp_path / "out"
    shutil.copytree(original, root)
    prepared(root, out, **FORMS["video"])
    entries = json.loads((root / "train.json").read_text())
    entries[0]["template"] = "jumping"
    (root / "train.json").write_text(json.dumps(entries[:5]))
    assert prepared(root, out, **FORMS["video"]).written == 0
    videos = load_videos("ssv2", out, "train").videos
    assert [video.id for video in videos] == ["1", "2", "3", "4", "5"]
    assert videos[0].label == 2


def test_other_settings_are_refused(original, prepared, tmp_path):
    out = tmp_path / "out"
    prepared(original, out, **FORMS["video"])
    with pytest.raises(UsageError) as caught:
        prepared(original, out, **(FORMS["video"] | {"quality": 20, "resize": (32, 40)}))
    assert str(caught.value) == (
        f"{out} was begun with other settings: quality was 12, now 20; resize was 256, now "
        f"[32, 40]. Give another --out, or the same settings as before."
    )


def test_places_that_are_refused(original, prepared, tmp_path):
    for inside in (original, original / "20bn-something-something-v2" / "new"):
        with pytest.raises(UsageError, match=r"is( inside of)? the data set"):
            prepared(original, inside)
        assert not (inside / ".prepare").exists()
    (tmp_path / "link").symlink_to(original)
    with pytest.raises(UsageError, match=r"is( inside of)? the data set"):
        prepared(original, tmp_path / "link" / "x")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"mine holds other files; give a new folder"):
        prepared(original, tmp_path / "mine")
    with pytest.raises(UsageError, match=r"notes.txt is a file; give a folder"):
        prepared(original, tmp_path / "mine" / "notes.txt")


def test_one_at_a_time(original, prepared, tmp_path):
    from gta.data.prepare.journal import claimed

    with (
        claimed(tmp_path / "out", Options(**FORMS["video"]), {"format": "ssv2"}),
        pytest.raises(UsageError, match="out is being prepared by another process; wait for it"),
    ):
        prepared(original, tmp_path / "out", **FORMS["video"])


def test_a_full_disk_says_so_and_keeps_what_is_done(original, prepared, tmp_path, monkeypatch):
    real, count = copies._write_video, []

    def full(part, frames, fps, options):
        count.append(part)
        if len(count) > 4:
            part.write_bytes(b"half")
            raise OSError(28, "No space left on device")
        real(part, frames, fps, options)

    monkeypatch.setattr(run, "_trial", lambda *_: "")
    monkeypatch.setattr(copies, "_write_video", full)
    with pytest.raises(UsageError) as caught:
        prepared(original, tmp_path / "out", **FORMS["video"])
    assert str(caught.value).startswith(f"The disk of {tmp_path / 'out'} is full: 5 of 14 videos")
    assert str(caught.value).endswith("Make room and type the same command again.")
    assert not list((tmp_path / "out").rglob("*.part*"))
    monkeypatch.undo()
    assert prepared(original, tmp_path / "out", **FORMS["video"]).written == 9


def test_a_copy_that_is_not_like_the_original_is_not_kept(
    original, prepared, tmp_path, monkeypatch
):
    def wrong(part, frames, fps, options):
        frames = list(frames)
        real(part, iter([255 - frame for frame in frames]), fps, options)

    real = copies._write_video
    monkeypatch.setattr(copies, "_write_video", wrong)
    summary = prepared(original, tmp_path / "out", **FORMS["video"])
    assert summary.written == 0
    assert len(summary.unreadable) == 14
    reason = summary.unreadable["20bn-something-something-v2/1.webm"]
    assert reason.startswith("frame 1 of its copy is not like the original (PSNR ")
    monkeypatch.setattr(copies, "_write_video", lambda p, f, *o: real(p, iter(list(f)[:-1]), *o))
    reason = prepared(original, tmp_path / "short", **FORMS["video"]).unreadable
    assert "its copy is not good: it has 8 frames instead of 9" in reason.values()
    manifest = find_manifest(tmp_path / "short")
    assert manifest is not None
    assert manifest["gain"] is None


def test_the_package_is_what_the_verb_uses():
    assert package.prepare is run.prepare


def command(root: Path, out: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "gta", "prepare", "--data", "ordered", "--root", str(root)),
        *("--out", str(out), "--workers", "2", "--shards"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["killed", "Ctrl-C"])
def test_stopped_with_its_processes_and_typed_again(ordered, tmp_path, how):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    out, journal = tmp_path / "out", tmp_path / "out" / ".prepare" / "journal.jsonl"
    process = subprocess.Popen(
        command(ordered, out),
        env=environment,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not (journal.is_file() and "\n" in journal.read_text()):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    if how == signal.SIGKILL:
        process.kill()  # only the process that was typed: the others have to notice
    else:
        os.killpg(process.pid, how)
    told, _ = process.communicate(timeout=60)  # its processes had the pipe too: they are gone
    assert process.returncode == (-9 if how == signal.SIGKILL else 130), told
    line = f"gta: stopped by Ctrl-C; the same command goes on in {out}\n"
    assert told.count(line) == told.count("Ctrl-C") == (how == signal.SIGINT)
    done = journal.read_text().count('"problem": null}')
    again = subprocess.run(
        command(ordered, out), env=environment, capture_output=True, text=True, timeout=120
    )
    assert again.returncode == 0, again.stderr
    assert f"{52 - done} written now" in again.stdout or f"{51 - done} written" in again.stdout
    for split, count in (("train", 40), ("val", 12)):
        before, after = (load_videos("ssv2", place, split) for place in (ordered, out))
        assert len(after) == count
        for video, other in zip(before.videos, after.videos, strict=True):
            assert (video.id, video.label) == (other.id, other.label)
            assert len(read_frames(other.path)) == len(read_frames(video.path))
    assert not list(out.rglob("*.part*"))
    assert not (out / "videos").exists()


@pytest.mark.parametrize("form", ["video", "jpeg"])
def test_flipped_bits_in_shards_are_found(original, prepared, tmp_path, monkeypatch, form):
    monkeypatch.setattr(run, "measure", lambda *_: None)
    monkeypatch.setattr(run, "_trial", lambda *_: "")
    prepared(original, tmp_path, form=form, shards=True)
    videos = load_videos("ssv2", tmp_path, "train")
    members = [video.path for video in videos.videos if isinstance(video.path, Member)]
    assert not videos.notes
    assert len(members) == 7
    shard = Path(members[0].shard.location)
    whole, rng = shard.read_bytes(), np.random.default_rng(0)
    for member in members:
        read_frames(member)
        for _ in range(30):
            damaged = bytearray(whole)
            damaged[member.offset + rng.integers(member.size)] ^= 1 << rng.integers(8)
            with shard.open("r+b") as file:  # the same file: it is held open
                file.write(damaged)
            with pytest.raises(VideoError, match=r"not those that were written \(checksum\)"):
                read_frames(member)


def crashing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Processes end at video 4, as at a file that crashes the decoder; what was tried alone."""
    alone = []

    def apart(job, folder, options):
        alone.append(job.name)
        entry = real(job, folder, options)
        return workers.Entry(entry.stamp, None, workers.CRASHES) if "/4." in job.name else entry

    real = workers._copy
    monkeypatch.setattr(workers, "_copied_apart", apart)
    return alone


def test_what_crashes_a_process_is_set_aside(original, prepared, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "measure", lambda *_: None)
    monkeypatch.setattr(run, "_trial", lambda *_: "")
    alone, pooled, copy = crashing(monkeypatch), [], workers._copy

    def pool(left, running, folder, options, count):
        while left:
            job = left.popleft()
            running[object()] = job
            if "/4." in job.name:
                raise BrokenProcessPool
            yield running.popitem()[1], copy(job, folder, options)
            pooled.append(job.name)

    monkeypatch.setattr(workers, "_pooled", pool)
    summary = prepared(original, tmp_path / "out", more={"workers": 2})
    assert [Path(name).stem for name in alone] == ["4"]
    assert len(pooled) == 13
    assert [Path(name).stem for name in summary.unreadable] == ["3", "4"]
    four = load_videos("ssv2", tmp_path / "out", "train").videos[3]
    with pytest.raises(VideoError, match="it crashes the decoder, or needs too much memory"):
        read_frames(four.path)


def test_where_the_caller_itself_was_killed(original, prepared, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "measure", lambda *_: None)
    monkeypatch.setattr(run, "_trial", lambda *_: "")

    class Killed(BaseException):
        pass

    def copy(source, target, options, real=workers.write_copy):
        if source.stem == "4":
            raise Killed
        return real(source, target, options)

    monkeypatch.setattr(workers, "write_copy", copy)
    with pytest.raises(Killed):
        prepared(original, tmp_path / "out")
    monkeypatch.undo()
    monkeypatch.setattr(run, "measure", lambda *_: None)
    alone = crashing(monkeypatch)
    summary = prepared(original, tmp_path / "out")
    assert [Path(name).stem for name in alone] == ["4"]
    assert {Path(name).stem for name in summary.unreadable} == {"3", "4"}
    assert not (tmp_path / "out/.prepare/now.json").exists()


@pytest.mark.slow  # several processes start
def test_a_process_that_is_killed_by_a_file(original, tmp_path, write_video):
    """A whole folder of them, of which one kills the process at each attempt."""
    script = tmp_path / "killed.py"
    script.write_text(
        "import os, sys\n"
        "from pathlib import Path\n"
        "from gta.data.prepare import workers\n"
        "from gta.data.prepare.options import Options\n"
        "from gta.data.prepare.plan import Job\n"
        "real = workers.write_copy\n"
        "def copy(source, target, options):\n"
        "    if source.stem == '2':\n"
        "        os.kill(os.getpid(), 11)\n"
        "    return real(source, target, options)\n"
        "workers.write_copy = copy\n"
        "if __name__ == '__main__':\n"
        "    folder = Path(sys.argv[1])\n"
        "    (folder / '.prepare').mkdir()\n"
        "    jobs = [Job(p.name, p, f'videos/{p.name}', p.stem, 'train', None)\n"
        "            for p in sorted(folder.glob('*.mp4'))]\n"
        "    for job, entry in workers.copied(jobs, folder, Options(), 2):\n"
        "        print(job.name, entry.copy is not None, entry.problem)\n"
    )
    for i in range(5):
        write_video(tmp_path / "data" / f"{i}.mp4")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "data")],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    rows = sorted(done.stdout.splitlines())
    assert rows == [f"{i}.mp4 {i != 2} {workers.CRASHES if i == 2 else None}" for i in range(5)]
