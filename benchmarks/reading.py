"""Videos per second on one core: originals, what `gta prepare` makes of them, and webdataset.

    python -m benchmarks.reading --out reading.json
    python -m benchmarks.reading --forms video jpeg --videos 8 --rounds 2

The originals are made here: VP9 in WebM, 427x240 pixels, 12 frames a second, 2 to 6 seconds, at the
bit rate of Something-Something v2; a textured scene under a moving hand-held camera, two textured
things that move in it, and a sensor's noise. A clip is 8 frames of random segments. "frames" is
`read_frames`, "clips" also resizes to 240x320 and crops to 224x224, as the paper's training does.
All forms are read by turns, so that a slower minute of the machine is the same for all; medians
over the rounds. Files are in the page cache. The second table reads the bytes of samples alone.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
import torch
from torch.nn.functional import interpolate

from gta.data.decode import pixels, read_frames
from gta.data.decode.index import forget
from gta.data.prepare import Options, prepare
from gta.data.records import Video
from gta.data.sampling import segment_indices
from gta.data.storage.shards import Shard
from gta.data.storage.sources import Member
from gta.data.transforms.clip import TrainTransform
from gta.data.videos import chosen_splits, load_videos

HEIGHT, WIDTH, RATE, BITS = 240, 427, 12, 290_000
FORMS: dict[str, dict[str, Any]] = {
    "video": {},
    "video, key frames 2": {"key_frames": 2},
    "video, key frames 5": {"key_frames": 5},
    "video, key frames 10": {"key_frames": 10},
    "video, 240x320": {"resize": (240, 320)},
    "jpeg": {"form": "jpeg"},
    "jpeg, 240x320": {"form": "jpeg", "resize": (240, 320)},
    "video, shards": {"shards": True, "shard_mb": 4},
    "jpeg, shards": {"form": "jpeg", "shards": True, "shard_mb": 4},
}

SIMPLEJPEG, BY_SIMPLEJPEG = pixels.simplejpeg, " by simplejpeg"


def texture(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Colours at all scales, the coarse ones stronger: (height, width, 3) in 0 to 255."""
    total = torch.zeros(1, 3, height, width)
    for cells, strength in ((3, 60.0), (8, 35.0), (24, 20.0), (72, 10.0), (200, 5.0)):
        noise = torch.from_numpy(rng.normal(0, strength, (1, 3, cells, cells)))
        noise = 0.7 * noise.mean(1, keepdim=True) + 0.5 * noise
        total += interpolate(noise.float(), (height, width), mode="bicubic")
    return (total[0].permute(1, 2, 0).numpy() + 120).clip(0, 255)


def write_original(path: Path, rng: np.random.Generator) -> None:
    """One WebM file."""
    num_frames = int(rng.integers(2 * RATE, 6 * RATE + 1))
    scene = texture(rng, HEIGHT + 80, WIDTH + 80)
    things = [texture(rng, *rng.integers(40, 130, 2)) for _ in range(2)]
    tracks = [np.cumsum(rng.normal(rng.normal(0, 2, 2), 1.5, (num_frames, 2)), 0) for _ in things]
    starts = [rng.uniform((20, 40), (HEIGHT - 130, WIDTH - 170)) for _ in things]
    shake = np.cumsum(rng.normal(0, 0.7, (num_frames, 2)), 0).clip(-39, 39)
    options = {"b": str(BITS), "deadline": "good", "cpu-used": "4", "row-mt": "0"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=RATE, options=options)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv420p"
        stream.gop_size, stream.bit_rate = 128, BITS
        for i in range(num_frames):
            y, x = (40 + shake[i]).astype(int)
            image = scene[y : y + HEIGHT, x : x + WIDTH].copy()
            for thing, track, start in zip(things, tracks, starts, strict=True):
                h, w = thing.shape[:2]
                y = int(np.clip(start[0] + track[i, 0], 0, HEIGHT - h))
                x = int(np.clip(start[1] + track[i, 1], 0, WIDTH - w))
                image[y : y + h, x : x + w] = thing
            image += rng.normal(0, 2.5, image.shape)
            frame = av.VideoFrame.from_ndarray(image.clip(0, 255).astype(np.uint8), format="rgb24")
            frame.pts = i
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def write_originals(root: Path, num_videos: int) -> None:
    """A folder per class."""
    rng = np.random.default_rng(0)
    for i in range(num_videos):
        for split in ("train", "val") if i < 2 else ("train",):
            path = root / split / "ab"[i % 2] / f"{i}.webm"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_original(path, rng)


class Loaded(Member):
    """A sample that webdataset has read."""

    __slots__ = ("data",)

    def read(self) -> bytes:
        return self.data


def decode_rates(sets: dict[str, Sequence[Video]], rounds: int) -> dict[str, dict[str, float]]:
    """Of each form, seconds for all videos: of frames alone, and of clips."""
    transform, any_form = TrainTransform(size=224, resize=(240, 320)), next(iter(sets.values()))
    times: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for turn in range(rounds + 1):  # the first warms up
        for i in range(len(any_form)):
            for name, videos in sets.items():
                rng, video = np.random.default_rng([turn, i]), videos[i]
                indices = segment_indices(video.num_frames or 1, 8, rng=rng)
                forget()
                pixels.simplejpeg = SIMPLEJPEG if name.endswith(BY_SIMPLEJPEG) else None
                began = time.perf_counter()
                frames = read_frames(video.path, indices)
                read = time.perf_counter() - began
                transform(frames, rng)
                if turn:
                    times.setdefault((name, i), []).append((read, time.perf_counter() - began))
    rates = {}
    for name, videos in sets.items():
        seconds = [
            sum(median(one[k] for one in times[name, i]) for i in range(len(videos)))
            for k in (0, 1)
        ]
        rates[name] = {
            "frames": len(videos) / seconds[0],
            "clips": len(videos) / seconds[1],
        }
    return rates


def byte_rates(
    files: Sequence[Video], members: Sequence[Video], rounds: int, webdataset: Any
) -> dict[str, float]:
    """Samples per second, bytes alone; files and members in a random order."""
    paths = [Path(str(video.path)) for video in files]
    order = np.random.default_rng(0).permutation(len(files))
    shards = sorted({video.path.shard.location for video in members})  # pyright: ignore

    def all_files() -> int:
        return sum(len(paths[i].read_bytes()) for i in order)

    def all_members() -> int:
        return sum(len(members[i].path.read()) for i in order)  # pyright: ignore

    ways: dict[str, Callable[[], int]] = {
        "files, any order": all_files,
        "shards by offset, any order": all_members,
    }
    if webdataset is not None:
        dataset = webdataset.WebDataset(shards, shardshuffle=False, empty_check=False)
        ways["webdataset, in the order of the shards"] = lambda: sum(len(s["mp4"]) for s in dataset)
    rates = {}
    for name, way in ways.items():
        way()
        seconds = []
        for _ in range(max(rounds, 3)):
            began = time.perf_counter()
            way()
            seconds.append(time.perf_counter() - began)
        rates[name] = len(files) / median(seconds)
    return rates


def webdataset_videos(webdataset: Any, members: Sequence[Video], rounds: int) -> dict[str, float]:
    """Clips per second when webdataset hands over the samples and this package decodes them."""
    transform = TrainTransform(size=224, resize=(240, 320))
    shards = sorted({video.path.shard.location for video in members})  # pyright: ignore
    seconds = {"frames": list[float](), "clips": list[float]()}
    for turn in range(rounds + 1):
        rng, began, resized = np.random.default_rng(turn), time.perf_counter(), 0.0
        dataset = webdataset.WebDataset(shards, shardshuffle=False, empty_check=False)
        for sample in dataset:
            loaded = Loaded(Shard("webdataset"), sample["__key__"], 0, 0)
            object.__setattr__(loaded, "data", sample["mp4"])
            num_frames = json.loads(sample["json"])["num_frames"]
            forget()
            frames = read_frames(loaded, segment_indices(num_frames, 8, rng=rng))
            before = time.perf_counter()
            transform(frames, rng)
            resized += time.perf_counter() - before
        if turn:
            whole = time.perf_counter() - began
            seconds["frames"].append(whole - resized)
            seconds["clips"].append(whole)
    return {kind: len(members) / median(times) for kind, times in seconds.items()}


def run(forms: Sequence[str], num_videos: int, rounds: int, folder: Path) -> dict[str, Any]:
    """All of it."""
    try:
        import webdataset
    except ImportError:
        webdataset = None
    root = folder / "original"
    write_originals(root, num_videos)
    choice: dict[str, Any] = {"val_fraction": 0.2, "seed": 0, "fold": 1, "lists": None}
    splits = {s: load_videos("folder", root, s) for s in ("train", "val")}
    sets: dict[str, Sequence[Video]] = {}
    sizes, quality = {"webm": _size(root / "train")}, dict[str, float]()
    for form in forms:
        out = folder / form.replace(", ", "-").replace(" ", "-")
        options = Options(**FORMS[form])
        done = prepare(splits, root, out, options, chosen=chosen_splits("folder", **choice))
        assert not done.unreadable
        sets[form] = load_videos("folder", out, "train").videos
        sizes[form] = _size(out / "videos" / "train") or _size(*out.glob("train-*.tar"))
        quality[form] = done.least_psnr or 0.0
        if options.form == "jpeg" and SIMPLEJPEG is not None:
            other = form + BY_SIMPLEJPEG
            sets[other], sizes[other], quality[other] = sets[form], sizes[form], quality[form]
    originals = [
        Video(v.id, v.path, v.label, copy.num_frames)
        for v, copy in zip(splits["train"].videos, sets[forms[0]], strict=True)
    ]
    rates = decode_rates({"webm": originals} | sets, rounds)
    found: dict[str, Any] = {
        "date": date.today().isoformat(),
        "machine": f"one core of {platform.machine()}, {platform.system()}",
        **{"torch": torch.__version__, "av": av.__version__},
        "simplejpeg": SIMPLEJPEG and SIMPLEJPEG.__version__,
        **{"videos": num_videos, "rounds": rounds},
        "frames": mean(v.num_frames or 0 for v in originals),
        "results": {
            name: rates[name] | {"bytes": sizes[name] / num_videos, "psnr": quality.get(name)}
            for name in rates
        },
    }
    if "video, shards" in sets and "video" in sets:
        found["bytes"] = byte_rates(sets["video"], sets["video, shards"], rounds, webdataset)
        if webdataset is not None:
            found["webdataset"] = webdataset.__version__
            found["results"]["video, shards read by webdataset"] = webdataset_videos(
                webdataset, sets["video, shards"], rounds
            ) | {"bytes": sizes["video, shards"] / num_videos, "psnr": None}
    return found


def _size(*paths: Path) -> int:
    files = (f for path in paths for f in ([path] if path.is_file() else path.rglob("*")))
    return sum(file.stat().st_size for file in files if file.is_file())


def table(found: dict[str, Any]) -> str:
    """Markdown."""
    base = found["results"]["webm"]
    lines = [
        "| | frames, videos/s | over | clips, videos/s | over | disk | PSNR, dB |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, one in found["results"].items():
        psnr = "" if one["psnr"] is None else f"{one['psnr']:.1f}"
        lines.append(
            f"| {name} | {one['frames']:.0f} | {one['frames'] / base['frames']:.1f} "
            f"| {one['clips']:.0f} | {one['clips'] / base['clips']:.1f} "
            f"| {one['bytes'] / base['bytes']:.1f}x | {psnr} |"
        )
    if "bytes" in found:
        lines += ["", "| bytes of samples alone | samples/s |", "| --- | ---: |"]
        lines += [f"| {name} | {rate:,.0f} |" for name, rate in found["bytes"].items()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=list(FORMS))
    parser.add_argument("--videos", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        found = run(arguments.forms, arguments.videos, arguments.rounds, Path(folder))
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(table(found))


if __name__ == "__main__":
    main()
