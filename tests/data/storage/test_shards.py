"""Shards far away: read by part, kept within a limit, by many processes at once."""

import io
import os
import pickle
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from gta.data.decode import read_frames
from gta.data.storage import remote as module
from gta.data.storage.locations import absolute, inside, is_url, scheme, without_cache
from gta.data.storage.shard_cache import ShardCache, default_folder
from gta.data.storage.shards import Shard, checksum_of
from gta.data.storage.sources import Member
from gta.errors import UsageError, VideoError


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> dict[str, list]:
    """A storage `far://` in memory; what was asked of it. `failures` are raised first."""
    told: dict[str, list] = {"asked": [], "failures": [], "waited": []}
    content = {"far://bucket/a.tar": bytes(range(256)) * 40}

    class Far:
        def cat_file(self, url: str, *, start: int, end: int) -> bytes:
            told["asked"].append((url, start, end))
            if told["failures"]:
                raise told["failures"].pop(0)
            if url not in content:
                raise FileNotFoundError(2, "No such file or directory", url)
            return content[url][start:end]

    monkeypatch.setattr(module, "filesystem", lambda protocol, process: Far())
    monkeypatch.setattr(module.time, "sleep", told["waited"].append)
    return told


def test_what_is_a_url():
    for text in ("s3://bucket/a", "memory://x", "HTTP://host/x", "file:///tmp"):
        assert is_url(text)
        assert absolute(text) == text
    assert absolute("s3://bucket/a/") == "s3://bucket/a"
    assert scheme("HTTP://host") == "http"
    for chain in ("simplecache::http://host/x", "filecache::s3://b", "zip://::memory://x.zip"):
        assert is_url(chain)
        assert absolute(chain) == chain
    assert absolute("memory://") == "memory://"
    for path in ("/data/x", "data", "C:\\data", "c://x", "a::b", Path("s3://bucket")):
        assert not is_url(path)
    assert absolute("~/x") == str(Path.home() / "x")
    assert absolute("x") == str(Path.cwd() / "x")


@pytest.mark.parametrize(
    ("folder", "file"),
    [
        ("s3://b/x", "s3://b/x/a.tar"),
        ("memory://", "memory://a.tar"),
        ("https://h/x?sig=1&b=/", "https://h/x/a.tar?sig=1&b=/"),
        ("zip://::https://h/x.zip", "zip://a.tar::https://h/x.zip"),
        ("zip://sub::https://h/x.zip?s=1", "zip://sub/a.tar::https://h/x.zip?s=1"),
    ],
)
def test_files_at_a_url(folder, file):
    assert inside(folder, "a.tar") == file


def test_links_of_a_chain_that_keep_files():
    assert without_cache("s3://b") == ("s3://b", False)
    assert without_cache("simplecache::s3://b") == ("s3://b", True)
    assert without_cache("blockcache::s3://b") == ("s3://b", False)
    assert without_cache("filecache::zip://::http://h/x") == ("zip://::http://h/x", True)


def test_a_local_shard_is_read_by_offset(tmp_path, write_video):
    video = write_video(tmp_path / "a.mp4")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for i in range(3):
            info = tarfile.TarInfo(f"{i}.mp4")
            info.size = video.stat().st_size
            tar.addfile(info, io.BytesIO(video.read_bytes()))
    shard = Shard(str(tmp_path / "a.tar"))
    with tarfile.open(tmp_path / "a.tar") as tar:
        for info in tar:
            member = Member(shard, info.name.split(".")[0], info.offset_data, info.size)
            assert read_frames(member).equal(read_frames(video))
            assert str(member) == f"{tmp_path / 'a.tar'}: {info.name[0]}"
            assert pickle.loads(pickle.dumps(member)) == member


SHORTER = "its shard cannot be read: it is shorter than its index says"


@pytest.mark.parametrize(
    ("offset", "size", "name", "local", "far"),
    [
        (10_000, 500, "a.tar", f"{SHORTER} (240 of 500", f"{SHORTER}, or was cut off (752 of 1012"),
        (0, 10, "gone.tar", *2 * ["its shard cannot be read: No such file or directory"]),
        (
            *(0, 500, "a.tar", "not a video that FFmpeg can open (damaged, cut off, or another"),
            "its shard cannot be read: other bytes came than those of key: its server sends other",
        ),
    ],
)
@pytest.mark.parametrize("place", ["local", "far"])
def test_errors_say_where(tmp_path, remote, offset, size, name, local, far, place):
    (tmp_path / "a.tar").write_bytes(bytes(range(256)) * 40)
    folder = str(tmp_path) if place == "local" else "far://bucket"
    with pytest.raises(VideoError) as caught:
        read_frames(Member(Shard(f"{folder}/{name}"), "key", offset, size))
    assert caught.value.path == f"{folder}/{name}: key"
    assert caught.value.reason.startswith(local if place == "local" else far)


def test_a_damaged_part_in_the_cache_is_fetched_again(tmp_path, remote):
    cache = ShardCache.of(tmp_path, "far://bucket", "made", 1)
    shard = Shard("far://bucket/a.tar", cache)
    checksum = checksum_of(bytes(range(10, 90)))
    for _ in range(2):
        assert shard.read(10, 80, checksum=checksum) == bytes(range(10, 90))
    assert len(remote["asked"]) == 1
    (kept,) = (path for path in cache.home.rglob("*") if path.is_file())
    kept.write_bytes(bytes(80))
    assert shard.read(10, 80, checksum=checksum) == bytes(range(10, 90))
    assert len(remote["asked"]) == 2
    assert kept.read_bytes() == bytes(range(10, 90))
    assert cache.recount() == 80
    with pytest.raises(OSError, match=r"not those that were written \(checksum\)"):
        shard.read(10, 80, checksum="0")


def test_a_network_may_have_hiccups(remote):
    shard = Shard("far://bucket/a.tar")
    remote["failures"] += [ConnectionError("reset"), TimeoutError("slow")]
    assert shard.read(1, 3) == bytes([1, 2, 3])
    assert len(remote["asked"]) == 3
    assert remote["waited"] == [0.5, 2.0]
    remote["failures"] += [ConnectionError("reset")] * 4
    with pytest.raises(OSError, match="ConnectionError: reset"):
        shard.read(1, 3)
    remote["asked"].clear()
    with pytest.raises(FileNotFoundError):  # no use in asking again
        Shard("far://bucket/gone.tar").read(0, 1)
    assert len(remote["asked"]) == 1


def test_what_is_missing_is_told(monkeypatch):
    module.filesystem.cache_clear()
    with pytest.raises(UsageError, match=r"^nonsense:// is not a storage that fsspec knows: "):
        Shard("nonsense://x/a.tar").read(0, 1)
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(UsageError) as caught:
        Shard("s3://x/a.tar").read(0, 1)
    assert str(caught.value) == (
        'data on s3:// is read with fsspec, which is not installed: pip install "gta-video[shards]"'
    )


def made(folder: Path, root: str = "far://bucket", limit: int = 1000) -> ShardCache:
    cache = ShardCache.of(folder, root, "1", limit / 2**30)
    assert cache is not None
    return cache


def on_disk(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*-*-*") if p.is_file())


def test_each_part_is_fetched_once(tmp_path, remote):
    shard = Shard("far://bucket/a.tar", made(tmp_path))
    for _ in range(3):
        assert shard.read(5, 20) == bytes(range(5, 25))
        assert shard.read(7, 2) == bytes([7, 8])
    assert len(remote["asked"]) == 2
    other = Shard("far://bucket/a.tar", made(tmp_path))
    assert other.read(5, 20) == bytes(range(5, 25))
    assert len(remote["asked"]) == 2
    assert (tmp_path / "bytes").read_text() == "22"
    assert ShardCache.of(tmp_path, "far://bucket", "1", 0) is None


def test_a_full_cache_keeps_what_it_has(tmp_path, remote):
    shard = Shard("far://bucket/a.tar", made(tmp_path, limit=100))
    for _ in range(2):
        for start in range(0, 300, 30):
            assert len(shard.read(start, 30)) == 30
            assert on_disk(tmp_path) <= 100
    assert on_disk(tmp_path) == 90
    assert len(remote["asked"]) == 10 + 7  # in the second round three were there


def test_whole_shards_are_fetched_once(tmp_path):
    cache, fetched = made(tmp_path, limit=100), []

    def fetch(path: Path) -> None:
        fetched.append(path)
        path.write_bytes(bytes(60))

    for _ in range(2):
        assert cache.file("a.tar", 60, fetch).read_bytes() == bytes(60)
    assert len(fetched) == 1
    assert cache.recount() == 60
    with pytest.raises(OSError, match=r"the cache of 0.0 GiB is full"):
        cache.file("b.tar", 60, fetch)
    with pytest.raises(OSError, match="it has 60 bytes instead of 20"):
        cache.file("b.tar", 20, fetch)
    assert int((tmp_path / "bytes").read_text()) == 60 == cache.recount()
    other = made(tmp_path, "far://other", limit=100)
    assert other.file("a.tar", 60, fetch).stat().st_size == 60
    assert not cache.home.exists()


def test_other_data_sets_make_room(tmp_path, remote):
    old, new = made(tmp_path, "far://old", 100), made(tmp_path, "far://new", 100)
    os.utime(old.home, (1, 1))
    for i in range(3):
        old.get(f"a-{i}-0", 20, lambda: bytes(20))
        new.get(f"a-{i}-0", 10, lambda: bytes(10))
    third = made(tmp_path, "far://third", 100)
    third.get("a-0-0", 60, lambda: bytes(60))
    assert not old.home.exists()
    assert new.home.exists()
    assert on_disk(tmp_path) == 90
    old.get("a-0-0", 5, lambda: bytes(5))  # its folder comes back
    assert on_disk(tmp_path) == 95


def test_what_a_killed_process_left_is_removed_and_counted_anew(tmp_path):
    cache = made(tmp_path)
    cache.get("a-0-10", 10, lambda: bytes(10))
    (tmp_path / "bytes").write_text("999999")
    (cache.home / "x.part").write_bytes(b"half")
    assert cache.recount() == 10
    assert not (cache.home / "x.part").exists()
    assert on_disk(tmp_path) == 10


def test_a_part_that_a_crash_cut_off_is_fetched_again(tmp_path, remote):
    shard = Shard("far://bucket/a.tar", made(tmp_path))
    expected = shard.read(5, 20)
    (part,) = (path for path in tmp_path.rglob("*-*-*") if path.is_file())
    part.write_bytes(b"")
    for _ in range(2):
        assert shard.read(5, 20) == expected
    assert len(remote["asked"]) == 2
    assert on_disk(tmp_path) == 20


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    cache = made(tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ShardCache, "_write_count", full)
    assert cache.get("a-0-10", 10, lambda: bytes(10)) == bytes(10)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"file/cache \(Not a directory\); give another folder"):
        made(tmp_path / "file" / "cache")


def test_the_usual_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "gta" / "shards"


READER = """
import sys
import numpy as np
from pathlib import Path
from gta.data.storage.shard_cache import ShardCache
cache = ShardCache(*sys.argv[1:3], int(sys.argv[3]))
rng = np.random.default_rng(int(sys.argv[4]))
for i in rng.permutation(np.arange(120).repeat(3)):
    data = cache.get(f"a-{i}-500", 500, lambda: bytes([i]) * 500)
    assert data == bytes([i]) * 500, i
"""


def test_several_processes_share_it(tmp_path):
    cache = made(tmp_path, limit=20_000)
    arguments = [cache.folder, cache.name, str(cache.limit)]
    running = [
        subprocess.Popen([sys.executable, "-c", READER, *arguments, str(seed)]) for seed in range(3)
    ]
    assert [process.wait(timeout=120) for process in running] == [0, 0, 0]
    assert on_disk(tmp_path) == 20_000 == int((tmp_path / "bytes").read_text())
    assert cache.recount() == 20_000
    assert not list(tmp_path.rglob("*.part"))
