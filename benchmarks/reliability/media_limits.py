"""What a file may ask of the machine: no connection, no other file, bounded memory and time."""

import multiprocessing
import os
import resource
import socket
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream
from PIL import Image

from benchmarks.reliability.commands import LIMIT
from benchmarks.reliability.line import Line
from benchmarks.reliability.media_files import claimed, write
from gta.data.dataset import ViewClips
from gta.data.decode import count_frames, read_frames
from gta.data.decode.codecs import known_flaws
from gta.data.records import Video, VideoList
from gta.data.transforms.clip import ViewTransform
from gta.errors import VideoError


def playlists(folder: Path) -> tuple[int, int, int]:
    """Playlists by content and by name: tried, refused, and connections to a listener here."""
    secret = write(folder / "secret.mp4")
    connections = list[object]()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        listener.settimeout(0.1)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/a.ts"
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                with suppress(TimeoutError):
                    connections.append(listener.accept())

        thread = threading.Thread(target=listen)
        thread.start()
        hls = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"
        texts = {
            "m3u8": hls.format(url),
            "local.m3u8": hls.format(secret),
            "ffconcat": f"ffconcat version 1.0\nfile '{url}'\n",
            "local.ffconcat": f"ffconcat version 1.0\nfile '{secret}'\n",
            "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
            "m=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
            "mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period>'
            f"<BaseURL>{url}</BaseURL></Period></MPD>",
            "pls": f"[playlist]\nFile1={url}\n",
            "asx": f'<asx version="3.0"><entry><ref href="{url}"/></entry></asx>',
            "svg": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}"/></svg>',
        }
        tried = refused = 0
        for end in ("mp4", "webm", "avi", "m3u8", "ts", "sdp"):
            for kind, text in texts.items():
                path = folder / f"{kind}.{end}"
                path.write_text(text)
                tried, refused = tried + 1, refused + is_refused(path)
        for name in (
            *(url, f"concat:{secret}|{secret}", "pipe:0", f"subfile,,start,0,end,0,,:{secret}"),
            *(
                f"file:{secret}",
                f"crypto:{secret}",
                f"async:{secret}",
                f"cache:{url}",
                f"tcp:{url}",
            ),
            *("data:video/mp4;base64,AAAA", f"hls+{url}", "lavfi:testsrc", "/dev/stdin"),
        ):
            tried, refused = tried + 1, refused + is_refused(Path(name))
        over.set()
        thread.join()
    return tried, refused, len(connections)


def is_refused(path: Path) -> bool:
    try:
        read_frames(path, [0])
    except VideoError:
        return True
    return False


def png_bomb(path: Path, side: int = 60_000) -> Path:
    """A few megabytes of PNG for gigabytes of pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + kind + data + crc

    head = side.to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    packed = zlib.compress(bytes(10**7), 9)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) * 3
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content + chunk(b"IEND", b""))
    return path.parent


def jpeg_bomb(path: Path) -> Path:
    """A JPEG whose header claims 65,000 x 65,000 pixels."""
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", (16, 16)).save(path)
    data = bytearray(path.read_bytes())
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = (65_000).to_bytes(2, "big") * 2
    path.write_bytes(data)
    return path.parent


def long_video(path: Path, num_frames: int, rate: int) -> Path:
    """Many frames of a few bytes: each packet is the same one."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 16, 16, "yuv420p", 1
        first = stream.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), "rgb24"))
        data = bytes((first + stream.encode())[0])
        for i in range(num_frames):
            packet = av.Packet(data)
            packet.stream, packet.pts, packet.dts = stream, i, i
            packet.time_base, packet.is_keyframe = Fraction(1, rate), True
            container.mux(packet)
    return path


def references(folder: Path) -> Path:
    """A small file whose decoder would hold 16 large frames."""
    path = folder / "references.mp4"
    options = {"preset": "ultrafast", "x264-params": "ref=16:bframes=0"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options=options)
        assert isinstance(stream, VideoStream)
        stream.height, stream.width, stream.pix_fmt = 6400, 8192, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((6400, 8192, 3), np.uint8), "rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def huge_upload(path: Path) -> Path:
    """4 GB that are no video."""
    with path.open("wb") as file:
        file.write(b"\x1aE\xdf\xa3")
        file.truncate(4 * 2**30)
    return path


def views_of(path: Path) -> None:
    """Three views of ten clips, as a test takes them."""
    videos = VideoList([Video("a", path, 0)], ["a"])
    transform = ViewTransform(size=64, resize=64, places=(0, 1, 2))
    ViewClips(videos, num_frames=8, transform=transform, num_clips=10)[0]


def measured(work: Callable[[Path], object], path: Path) -> tuple[str, float, float]:
    """What came of it, seconds, and megabytes beyond those before, in a process of its own."""
    receive, send = multiprocessing.Pipe(False)

    def run() -> None:
        before, began = _memory(), time.perf_counter()
        try:
            work(path)
            found = "read"
        except VideoError as error:
            found = f"refused ({error.reason.split(',')[0][:60]})"
        send.send((found, time.perf_counter() - began, _memory() - before))
        os._exit(0)

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    try:
        found = receive.recv() if receive.poll(LIMIT) else ("does not end", LIMIT, 0.0)
    except EOFError:
        found = ("crashed", 0.0, 0.0)
    process.kill()
    process.join()
    return found


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def claims(path: Path) -> Path:
    path.write_bytes(claimed(2**31))
    return path


def lines(num_frames: int = 1_000_000, seconds: int = 36_000) -> Iterator[Line]:
    """Lines 15, 16 and 17."""
    with tempfile.TemporaryDirectory(prefix="gta-limits-") as name:
        folder = Path(name)
        tried, refused, connections = playlists(folder)
        yield Line(
            15,
            f"{tried} playlists and addresses, by content and by name",
            f"{refused} refused, {connections} connections",
            f"{tried}, 0",
            refused == tried and not connections,
        )
        first = [0]
        for what, path, work, quick in (
            ("a PNG that claims 60,000 x 60,000 pixels", png_bomb(folder / "png/1.png"), None, 1),
            ("a JPEG that claims 65,000 x 65,000", jpeg_bomb(folder / "jpeg/1.jpg"), None, 1),
            ("an MP4 that claims 2 billion samples", claims(folder / "c.mp4"), None, 1),
            ("an H.264 file that refers to 16 frames of 8192x6400", references(folder), None, 1),
            ("4 GB that are no video", huge_upload(folder / "huge.webm"), None, 1),
            (
                f"a video of {num_frames:,} frames",
                long_video(folder / "many.mp4", num_frames, 100),
                views_of,
                0,
            ),
            (
                f"a video of {seconds // 3600} hours",
                long_video(folder / "long.mkv", seconds, 1),
                views_of,
                0,
            ),
        ):
            read = work or (lambda path: read_frames(path, first))
            found, took, memory = measured(read, path)
            bound = "refused within 2 s, 1,000 MB" if quick else "read, in 1,000 MB"
            right = found.startswith("refused") and took < 2 if quick else found == "read"
            yield Line(
                16,
                what,
                f"{found}, {took:.2f} s, {memory:.0f} MB",
                bound,
                right and memory < 1000,
                timed=bool(quick),
            )
        refusals = [codec for codec in OUTSIDE if not codec_refused(folder, codec)]
        flaws = known_flaws()
        yield Line(
            17,
            f"{len(OUTSIDE)} kinds of compression that no camera writes; FFmpeg "
            f"{av.ffmpeg_version_info}",
            f"{', '.join(refusals) or 'none'} decoded; known of this FFmpeg: "
            f"{', '.join(flaws) or 'nothing'}",
            "none decoded; what is known is said by gta check",
            not refusals and known_flaws("8.1.1") != [],
        )


OUTSIDE = {
    "magicyuv": "yuv420p",
    "utvideo": "yuv420p",
    "zmbv": "bgr0",
    "asv1": "yuv420p",
    "snow": "yuv420p",
    "flashsv": "bgr24",
}


def codec_refused(folder: Path, codec: str) -> bool:
    """Whether a video of a kind that is on no list is refused by name."""
    path = folder / f"{codec}.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, OUTSIDE[codec]
        for _ in range(3):
            picture = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    try:
        count_frames(path)
    except VideoError as error:
        return "is not read" in error.reason
    return False
