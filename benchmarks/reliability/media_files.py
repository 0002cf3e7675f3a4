"""Files that are damaged, cut off or hostile: frames or one error, in bounded time and memory."""

import multiprocessing
import os
import random
import resource
import struct
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import torch
from av.video.stream import VideoStream

from benchmarks.reliability.line import Line
from gta.data.decode import count_frames, cut_off, read_frames
from gta.data.decode.index import forget
from gta.errors import VideoError

CONTAINERS = {
    "mp4": ("libx264", "yuv420p"),
    "mov": ("mpeg4", "yuv420p"),
    "mkv": ("libx265", "yuv420p"),
    "webm": ("libvpx-vp9", "yuv420p"),
    "avi": ("mjpeg", "yuvj420p"),
    "ts": ("mpeg2video", "yuv420p"),
    "flv": ("flv", "yuv420p"),
    "gif": ("gif", "rgb8"),
}
_STEP = 10


def write(path: Path, num_frames: int = 20) -> Path:
    """Frames whose grey tells their number."""
    codec, pix_fmt = CONTAINERS[path.suffix[1:]]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 64, 48, pix_fmt, 8
        for i in range(num_frames):
            image = np.full((48, 64, 3), 20 + _STEP * i, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


def numbers(frames: torch.Tensor) -> list[int]:
    """Which frames they are, by their grey."""
    return [round((grey - 20) / _STEP) for grey in frames.float().mean((1, 2, 3)).tolist()]


def mutated(whole: bytes, rng: random.Random) -> bytes:
    """Bits flipped, an end cut off, bytes put in or left out."""
    data = bytearray(whole)
    kind = rng.randrange(4)
    if kind == 0:
        return bytes(data[: rng.randrange(len(data))])
    for _ in range(rng.choice((1, 3, 10, 100))):
        place = rng.randrange(len(data))
        if kind == 1:
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 2:
            data[place:place] = rng.randbytes(rng.randrange(1, 9))
        else:
            del data[place : place + rng.randrange(1, 9)]
    return bytes(data)


def attempt(path: str) -> str:
    """What comes of a file: "frames", "error", or what should not."""
    began = time.perf_counter()
    try:
        forget()
        n = count_frames(Path(path))
        read_frames(Path(path), [0, n // 2])
        found = "frames"
    except VideoError:
        found = "error"
    except Exception as error:
        found = type(error).__name__
    return found if time.perf_counter() - began < 15 else "hang"


def mutations(count: int, folder: Path, seed: int = 0) -> dict[str, int]:
    """What comes of so many mutated files of 8 containers, each read by a process of its own."""
    rng, found = random.Random(seed), dict[str, int]()
    originals = [write(folder / f"whole.{end}").read_bytes() for end in CONTAINERS]
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(1, mp_context=context)
    for i in range(count):
        path = folder / f"{i}.{list(CONTAINERS)[i % len(CONTAINERS)]}"
        path.write_bytes(mutated(originals[i % len(originals)], rng))
        try:
            outcome = pool.submit(attempt, str(path)).result(timeout=60)
        except (BrokenProcessPool, TimeoutError) as error:
            outcome = "crash" if isinstance(error, BrokenProcessPool) else "hang"
            pool.shutdown(wait=False, cancel_futures=True)
            pool = ProcessPoolExecutor(1, mp_context=context)
        found[outcome] = found.get(outcome, 0) + 1
        path.unlink()
    pool.shutdown()
    return found


def identities(folder: Path) -> tuple[int, int]:
    """Frames read one by one in 8 containers, in any order, and how many are others."""
    rng, read, wrong = random.Random(0), 0, 0
    for end in CONTAINERS:
        path = write(folder / f"identity.{end}")
        n = count_frames(path)
        wrong += n != 20
        for _ in range(3):
            forget()
            order = rng.sample(range(n), n)
            found = numbers(read_frames(path, order))
            read, wrong = read + n, wrong + sum(a != b for a, b in zip(found, order, strict=True))
    return read, wrong


def halves(folder: Path) -> tuple[int, int]:
    """Files cut in the middle, of containers that tell sizes; and of how many it is not said."""
    tried = missed = 0
    for end in ("mkv", "webm", "avi", "flv", "gif"):
        path = write(folder / f"half.{end}")
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 4 // 7])
        tried += 1
        with suppress(VideoError):  # an error is an answer
            missed += cut_off(path) is None
    return tried, missed


def claimed(samples: int) -> bytes:
    """An MP4 file of a hundred bytes that claims to have so many samples."""

    def box(kind: bytes, *content: bytes) -> bytes:
        inside = b"".join(content)
        return struct.pack(">I4s", 8 + len(inside), kind) + inside

    stsz = box(b"stsz", struct.pack(">III", 0, 1, samples))
    track = box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", stsz))))
    return box(b"ftyp", b"isom", bytes(4)) + box(b"moov", track)


def refusal(folder: Path) -> tuple[float, float]:
    """Seconds and megabytes that a file takes whose index would fill the memory."""
    path = folder / "claims.mp4"
    path.write_bytes(claimed(2**31))
    before, began = peak(), time.perf_counter()
    with suppress(VideoError):
        read_frames(path)
    return time.perf_counter() - began, peak() - before


def peak() -> float:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def growth(opens: int, folder: Path, seconds: float = 600) -> tuple[int, float, int]:
    """Opens files again and again, or as often as the time allows.

    Returns:
        How often, bytes of memory for each time, and file descriptors left open.
    """
    path = write(folder / "again.mp4")
    broken = folder / "broken.mp4"
    broken.write_bytes(path.read_bytes()[:200])

    def rounds(count: int, deadline: float) -> int:
        for i in range(count):
            forget()
            attempt(str(broken if i % 4 == 0 else path))
            if time.monotonic() > deadline:
                return i + 1
        return count

    rounds(max(opens // 20, 50), time.monotonic() + seconds / 4)  # caches of libraries fill
    memory, descriptors = resident(), len(os.listdir("/proc/self/fd"))
    done = rounds(opens, time.monotonic() + seconds)
    left = len(os.listdir("/proc/self/fd")) - descriptors
    return done, (resident() - memory) / done, left


def resident() -> int:
    """Bytes of memory of this process now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def lines(mutated_files: int = 400, opens: int = 100_000) -> Iterator[Line]:
    """Lines 11, 13 and 31."""
    with tempfile.TemporaryDirectory(prefix="gta-media-") as name:
        folder = Path(name)
        found = mutations(mutated_files, folder)
        odd = {kind: n for kind, n in found.items() if kind not in ("frames", "error")}
        value = ", ".join(f"{n} {kind}" for kind, n in sorted(found.items()))
        yield Line(11, f"{mutated_files} mutated videos, 8 containers", value, "0 others", not odd)
        tried, missed = halves(folder)
        yield Line(
            13, f"{tried} files cut in the middle", f"{missed} read in silence", "0", not missed
        )
        if Path("/proc/self/fd").is_dir():
            done, each, left = growth(opens, folder)
            less = f" of {opens:,}, as far as 10 minutes go" if done < opens else ""
            yield Line(
                31,
                f"{done:,} openings of a file{less}",
                f"{each:.0f} bytes for each, {left} descriptors left",
                "1,000 bytes, 0",
                each < 1000 and left <= 0,
            )
