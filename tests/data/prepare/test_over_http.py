"""Prepared data behind web servers of many kinds: the same frames, or one error that says why."""

import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gta.data.decode import read_frames
from gta.data.formats import prepared
from gta.data.records import VideoList
from gta.data.storage import remote
from gta.data.videos import load_videos
from gta.errors import DataError, UsageError, VideoError

pytest.importorskip("aiohttp")


@dataclass
class Served:
    """A server on this machine; the first part of an address is what is wrong with it."""

    url: str = ""
    sent: list[tuple[str, int]] = field(default_factory=list)
    """Path and bytes of the bodies that were sent."""
    fail: int = 0
    """Requests that are answered with 503 first."""


def handler(folder: Path, served: Served) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            kind, _, name = self.path.partition("?")[0].strip("/").partition("/")
            if kind == "redirects":
                return self.answer(302, b"", Location=f"/good/{name}")
            if served.fail > 0:
                served.fail -= 1
                return self.answer(503, b"busy")
            file = folder / name
            is_shard = name.endswith(".tar")
            if not file.is_file() or (kind == "gone" and is_shard):
                return self.answer(404, b"no such file")
            if kind == "forbids" and is_shard:
                return self.answer(403, b"no")
            data = file.read_bytes()
            asked = self.headers.get("Range", "")
            if not asked.startswith("bytes=") or (kind.startswith("whole") and is_shard):
                return self.answer(200, data, chunked=kind.endswith("chunked"))
            first, last = map(int, asked.removeprefix("bytes=").split("-"))
            part = data[first : last + 1]
            if first >= len(data):
                return self.answer(416, b"")
            if kind == "shifted" and is_shard and first != 257:
                first, part = 0, data[: len(part)]
            if kind == "overlong" and is_shard:
                part = data[first:]
            if kind == "stalls" and is_shard:
                self.answer(206, part[:3], length=len(part), Range=f"bytes {first}-{last}/9")
                return time.sleep(0.5)
            length = len(part) + 100 if kind == "cuts" and is_shard else None
            span = f"bytes {first}-{first + len(part) - 1}/{len(data)}"
            return self.answer(206, part, length, chunked=kind == "chunked", Range=span)

        def answer(self, status, body, length=None, *, chunked=False, Range=None, Location=None):
            self.send_response(status)
            if Range:
                self.send_header("Content-Range", Range)
            if Location:
                self.send_header("Location", Location)
            if chunked:
                self.send_header("Transfer-Encoding", "chunked")
            else:
                self.send_header("Content-Length", str(length or len(body)))
            self.end_headers()
            for start in range(0, len(body), 4096):
                piece = body[start : start + 4096]
                try:
                    self.wfile.write(f"{len(piece):x}\r\n".encode() if chunked else b"")
                    self.wfile.write(piece + (b"\r\n" if chunked else b""))
                except OSError:  # nobody listens any more
                    self.close_connection = True
                    return
                served.sent.append((self.path, len(piece)))
            if chunked:
                self.wfile.write(b"0\r\n\r\n")
            self.close_connection = length is not None

    return Handler


@pytest.fixture(params=["video shards", "jpeg shards"])
def served(request, copies, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(remote, "_WAITS", (0.01, 0.01))
    monkeypatch.setattr(remote, "_SILENCE", 0.2)
    for cache in (remote.filesystem, prepared._fetched, prepared._tried_parts):
        cache.cache_clear()
    requests = Served()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(copies[request.param], requests))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    requests.url = f"http://127.0.0.1:{server.server_port}"
    requests.folder = copies[request.param]  # pyright: ignore[reportAttributeAccessIssue]
    yield requests
    server.shutdown()
    thread.join()
    server.server_close()


def same_frames(videos: VideoList, folder: Path) -> bool:
    local = load_videos("ssv2", folder, "val")
    return all(
        read_frames(video.path).equal(read_frames(other.path))
        for video, other in zip(videos.videos, local.videos, strict=True)
    )


@pytest.mark.parametrize("kind", ["good", "chunked", "redirects", "good/?sig=a%2Fb"])
def test_servers_that_send_parts(served, kind, tmp_path):
    videos = load_videos("ssv2", f"{served.url}/{kind}", "val", cache_dir=str(tmp_path))
    assert same_frames(videos, served.folder)
    asked = sum(size for path, size in served.sent if ".tar" in path)
    assert asked < 1.2 * sum(file.stat().st_size for file in served.folder.glob("val-*.tar"))


@pytest.mark.parametrize("kind", ["whole", "whole-chunked", "overlong"])
def test_a_server_that_sends_whole_shards_is_found_out_before_it_does(served, kind, tmp_path):
    url = f"{served.url}/{kind}"
    with pytest.raises(DataError) as caught:
        load_videos("ssv2", url, "val", cache_dir=str(tmp_path))
    told = str(caught.value)
    assert told.startswith(f"{url}/test-000000.tar cannot be read by part: its server sends ")
    assert "Each sample would cost a whole shard. Copy the data to a server that sends" in told
    assert told.endswith(f"--root simplecache::{url} --set data.shard_cache_gb=1")
    videos = load_videos(
        "ssv2", f"simplecache::{url}", "val", cache_dir=str(tmp_path), shard_cache_gb=1
    )
    assert same_frames(videos, served.folder)
    assert same_frames(videos, served.folder)
    sent = sum(size for path, size in served.sent if "val-" in path)
    assert sent == sum(file.stat().st_size for file in served.folder.glob("val-*.tar"))


def test_whole_shards_have_to_fit(served, tmp_path):
    url = f"{served.url}/whole"
    with pytest.raises(UsageError) as caught:
        load_videos("ssv2", f"filecache::{url}", "val", cache_dir=str(tmp_path))
    assert str(caught.value).startswith(f"filecache::{url} asks for whole shards to be kept on")
    assert "more than data.shard_cache_gb=0. Use --set data.shard_cache_gb=1, or --root http" in (
        str(caught.value)
    )


def test_a_server_that_sends_other_parts(served, tmp_path):
    videos = load_videos("ssv2", f"{served.url}/shifted", "val", cache_dir=str(tmp_path))
    read_frames(videos.videos[0].path)
    with pytest.raises(VideoError, match=r"other bytes came than those of 10: its server sends"):
        read_frames(videos.videos[1].path)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("gone", "cannot be read: No such file or directory"),
        ("forbids", "cannot be read: its server refuses it (403 Forbidden)"),
        ("cuts", "cannot be read: ClientPayloadError: "),
        ("stalls", "cannot be read: its server sends nothing for 0.2 s"),
    ],
)
def test_servers_that_fail(served, kind, message, tmp_path):
    with pytest.raises(DataError) as caught:
        load_videos("ssv2", f"{served.url}/{kind}", "val", cache_dir=str(tmp_path))
    told = str(caught.value)
    assert told.startswith(f"{served.url}/{kind}/test-000000.tar, which prepared.json beside it")
    assert message in told


def test_a_busy_server_is_asked_again(served, tmp_path):
    served.fail = 2
    videos = load_videos("ssv2", f"{served.url}/good", "val", cache_dir=str(tmp_path))
    served.fail = 2
    assert same_frames(videos, served.folder)


def test_no_server(tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "_WAITS", ())
    prepared._fetched.cache_clear()
    with pytest.raises(DataError, match=r"prepared.json cannot be read: 127.0.0.1:1: \[Errno"):
        load_videos("ssv2", "http://127.0.0.1:1/x", "val", cache_dir=str(tmp_path))


def test_a_chain(served, tmp_path):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for file in served.folder.glob("*.*"):
            if file.is_file():
                archive.write(file, f"sub/{file.name}")
    url = f"zip://sub::file://{tmp_path}/set.zip"
    assert same_frames(load_videos("ssv2", url, "val"), served.folder)
