"""What the fuzzer gives bytes to: a function for each reader, and bytes to begin with."""

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

Run = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Target:
    """A reader."""

    about: str
    modules: tuple[str, ...]
    """That are watched for new code being reached."""
    made: Callable[[Path], Run]
    """Makes the function; it may write into that folder."""
    longest: int = 4096
    """Bytes of an input."""
    of_others: bool = False
    """It gives the bytes to software that is not ours, too."""


def _recipe(folder: Path) -> Run:
    from gta.errors import UsageError
    from gta.recipes import read_recipe

    def run(data: bytes) -> None:
        (folder / "recipe.yaml").write_bytes(data)
        with suppress(UsageError):
            read_recipe(folder / "recipe.yaml")

    return run


def _setting(folder: Path) -> Run:
    from gta.errors import UsageError
    from gta.recipes import find_recipe, read_recipe, with_settings

    recipe = read_recipe(find_recipe("ordered", "tiny_gta"))

    def run(data: bytes) -> None:
        with suppress(UsageError):
            with_settings(recipe, [data.decode(errors="replace")])

    return run


def _annotation(name: str, format: str) -> Callable[[Path], Run]:
    """An annotation file of that name, as a format reads it."""

    def made(folder: Path) -> Run:
        from gta.data.videos import load_videos
        from gta.errors import UsageError

        for video in ("a.mp4", "b.mp4"):
            (folder / video).touch()

        def run(data: bytes) -> None:
            (folder / name).write_bytes(data)
            with suppress(UsageError):
                load_videos(format, folder, "train")

        return run

    return made


def _prepared(folder: Path) -> Run:
    from gta.data.videos import load_videos
    from gta.errors import UsageError

    def run(data: bytes) -> None:
        (folder / "prepared.json").write_bytes(data)
        with suppress(UsageError):
            for video in load_videos("folder", folder, "train").videos:
                str(video.path)

    return run


def _boxes(folder: Path) -> Run:
    from gta.data.decode.ends import missing_end
    from gta.data.decode.mp4_claims import check_claims
    from gta.errors import VideoError

    def run(data: bytes) -> None:
        with suppress(VideoError):
            check_claims(io.BytesIO(data), "a.mp4")
        missing_end(io.BytesIO(data), len(data))

    return run


CODECS = ("h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mpeg2video")


def _packet(folder: Path) -> Run:
    """The first byte chooses the compression, the second the length of what its container tells."""
    from gta.data.decode.packet_headers import may_begin, shown_frames

    def run(data: bytes) -> None:
        if len(data) < 3:
            return
        codec, length = CODECS[data[0] % len(CODECS)], data[1] % 64
        head, packet = data[2 : 2 + length], data[2 + length :]
        if packet:
            may_begin(codec, head)(packet)
            shown = shown_frames(codec, head)
            if shown is not None:
                shown(packet)

    return run


def _video(folder: Path) -> Run:
    from gta.data.decode import count_frames, read_frames
    from gta.data.decode.index import forget
    from gta.errors import VideoError

    path = folder / "a.video"

    def run(data: bytes) -> None:
        path.write_bytes(data)
        forget()
        with suppress(VideoError):
            n = count_frames(path)
            read_frames(path, [0, n // 2])

    return run


def _scores(folder: Path) -> Run:
    from gta.errors import UsageError
    from gta.evaluation.scores import Scores

    def run(data: bytes) -> None:
        (folder / "a.npz").write_bytes(data)
        with suppress(UsageError):
            Scores.load(folder / "a.npz")

    return run


def _weights(folder: Path) -> Run:
    from gta.backbones.weight_files import read_state
    from gta.errors import UsageError

    def run(data: bytes) -> None:
        (folder / "a.pth").write_bytes(data)
        with suppress(UsageError):
            read_state(folder / "a.pth")

    return run


_FORMATS = ("gta.data.formats", "gta.data.videos")
TARGETS = {
    "recipe": Target("a recipe file", ("gta.recipes", "gta.config"), _recipe),
    "setting": Target("NAME=VALUE of --set", ("gta.recipes", "gta.config"), _setting, 256),
    "list": Target("a list of videos", _FORMATS, _annotation("train.txt", "list")),
    "csv": Target("a list of videos with columns", _FORMATS, _annotation("train.csv", "list")),
    "json": Target("a list of videos in JSON", _FORMATS, _annotation("train.json", "list")),
    "kinetics": Target("Kinetics' csv", _FORMATS, _annotation("train.csv", "kinetics")),
    "prepared": Target("the manifest of a prepared set", _FORMATS, _prepared),
    "boxes": Target(
        "the parts of a container", ("gta.data.decode.mp4_claims", "gta.data.decode.ends"), _boxes
    ),
    "packet": Target(
        "a packet's header",
        ("gta.data.decode.packet_headers", "gta.data.decode.h264"),
        _packet,
        512,
    ),
    "video": Target("a video file", ("gta.data.decode",), _video, 20_000, of_others=True),
    "scores": Target(
        "a score file", ("gta.evaluation.scores", "gta.archives"), _scores, 8192, True
    ),
    "weights": Target("a file of weights", ("gta.backbones",), _weights, 8192, of_others=True),
}


def seeds_of(name: str, folder: Path) -> Iterator[bytes]:
    """Inputs that a target takes, so that the fuzzer begins with something that is nearly right."""
    if name == "recipe":
        from gta.recipes import shipped_rows

        yield from (path.read_bytes() for path in shipped_rows()[:4])
        yield b"family: r2d50\nschedule: ssv2\ntrain: {lr: 1e-3, milestones: [1, 2]}\n"
    elif name == "setting":
        yield from (
            b"train.lr=0.1",
            b"model.placement.res3=[1, 2]",
            b"clip.size: 3",
            b"data.root=x",
        )
    elif name in ("list", "csv", "kinetics"):
        yield from (
            b"a.mp4 0\nb.mp4 1\n",
            b"path,label\na.mp4,x\nb.mp4,y\n",
            b"a.mp4\tx\nb.mp4\ty\n",
        )
        yield b"label,youtube_id,time_start,time_end,split\nx,aaaaaaaaaaa,0,10,train\n"
    elif name == "json":
        rows = [{"video": "a.mp4", "label": "x"}, {"video": "b.mp4", "label": 1}]
        yield json.dumps(rows).encode()
        yield json.dumps({"a.mp4": "x", "b.mp4": "y"}).encode()
    elif name == "prepared":
        from benchmarks.reliability.strangers_archives import prepared

        yield (prepared(folder / "made", ["a.mp4"], []) / "prepared.json").read_bytes()
        sharded = prepared(folder / "made", [[0, 512, 9, "a"]], [["a.tar", 9]])
        yield (sharded / "prepared.json").read_bytes()
    elif name in ("boxes", "video", "packet"):
        from benchmarks.reliability.media_files import CONTAINERS, write

        for end in CONTAINERS:
            data = write(folder / f"seed.{end}", 3).read_bytes()
            if name == "packet":
                yield from (bytes([i, 8]) + data[40:300] for i in range(len(CODECS)))
                return
            yield data
    else:
        yield from _of_tensors(name, folder)


def _of_tensors(name: str, folder: Path) -> Iterator[bytes]:
    import torch

    from gta.evaluation.scores import Scores
    from gta.tensor_files import write_tensors

    if name == "scores":
        table = torch.tensor([[0.25, 0.75]])
        Scores(["a"], torch.tensor([0]), table, ["x", "y"], "1x1-center32").save(folder / "s.npz")
        yield (folder / "s.npz").read_bytes()
        return
    weights = {"conv1.weight": torch.zeros(2, 3), "fc.bias": torch.ones(2)}
    write_tensors(folder / "s.safetensors", weights, {"epoch": "1"})
    yield (folder / "s.safetensors").read_bytes()
    for is_zip in (True, False):
        torch.save(weights, folder / "s.pth", _use_new_zipfile_serialization=is_zip)
        yield (folder / "s.pth").read_bytes()


def quiet() -> None:
    """Warnings of thousands of inputs are of no use."""
    warnings.simplefilter("ignore")
    logging.disable()
