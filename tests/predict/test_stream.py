"""Streams: what is said of each frame, of a pipe and of a camera that comes and goes."""

import io
import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from gta.data.decode.live import camera_frames, piped_frames, raw_frames
from gta.data.transforms.clip import normalize
from gta.errors import UsageError, VideoError
from gta.predict import load
from gta.predict.stream import Arrivals, FrameByFrame, watch
from gta.recipes import find_recipe, read_recipe
from gta.runs import Run

SETTINGS = (
    *("clip.size=32", "clip.num_frames=4", "test.protocol=1x1-center32", "model.width=16"),
    "clip.stride=1",
)


@pytest.fixture(scope="module")
def causal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a causal network that was drawn and not trained."""
    return drawn(tmp_path_factory.mktemp("causal"))


def drawn(folder: Path, *settings: str) -> Path:
    """A run without a training."""
    recipe = read_recipe(find_recipe("ordered", "tiny_gta_causal"), [*SETTINGS, *settings])
    run = Run.create(folder, recipe, ["one", "two", "three"])
    torch.manual_seed(0)
    network = run.build()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            torch.nn.init.normal_(module.weight)
    run.save_weights(network, "last", epoch=1)
    return run.folder


def pictures(count: int, size: int = 40) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), np.uint8)


def test_each_answer_is_what_the_network_says_of_all_frames_until_then(causal: Path):
    predictor, frames = load(causal, device="cpu"), pictures(6, 32)
    model = FrameByFrame(predictor)
    clip = predictor.run.recipe.clip
    pixels = torch.from_numpy(frames).permute(3, 0, 1, 2)[None]
    answers = list(watch(predictor, Arrivals(lambda: iter(frames), live=False)))
    assert [answer.frame for answer in answers] == list(range(6))
    for t, answer in enumerate(answers):
        with torch.inference_mode():
            whole = predictor.model(normalize(pixels[:, :, : t + 1], clip.mean, clip.std))
        expected = whole[0].softmax(0)
        assert torch.allclose(model(frames[t]), expected, atol=1e-5)
        assert dict(answer.scores)["one"] == pytest.approx(float(expected[0]), abs=1e-5)
        assert answer.latency_ms > 0
        assert (answer.dropped, answer.restarts) == (0, 0)


def test_late_frames_are_dropped_and_counted():
    """All frames come before the first is taken: the newest frame stays."""
    frames, there = pictures(9), threading.Event()

    def source() -> Iterator[np.ndarray]:
        yield from frames
        there.set()

    arrivals = Arrivals(source, stride=2, live=True)
    assert there.wait(10)
    (last,) = list(arrivals)
    assert last.number == 8  # of 0, 2, 4, 6, 8
    assert np.array_equal(last.frame, frames[8])
    assert arrivals.dropped == 4


def test_a_pipe_waits_and_nothing_is_lost():
    frames = pictures(7)
    arrivals = Arrivals(lambda: iter(frames), stride=3, live=False)
    assert [arrival.number for arrival in arrivals] == [0, 3, 6]
    assert arrivals.dropped == 0


def test_a_device_that_went_away_is_taken_up_again(causal: Path):
    """It ends after three frames, cannot be opened twice, and has four more."""
    frames, tries = pictures(7), itertools.count()

    def source() -> Iterator[np.ndarray]:
        attempt = next(tries)
        if attempt in (1, 2):
            raise VideoError("/dev/video0", "cannot be opened")
        yield from (frames[:3] if attempt == 0 else frames[3:])

    predictor = load(causal, device="cpu")
    arrivals = Arrivals(source, live=False, returns=True, wait=0.01)
    answers = list(itertools.islice(watch(predictor, arrivals), 7))
    arrivals.close()
    assert [answer.frame for answer in answers] == list(range(7))
    assert [answer.restarts for answer in answers] == [0, 0, 0, 1, 1, 1, 1]
    fresh = FrameByFrame(predictor)(frames[3])  # what was before is forgotten
    assert dict(answers[3].scores)["one"] == pytest.approx(float(fresh[0]), abs=1e-6)


def test_a_device_that_was_never_there_is_an_error(causal: Path):
    def source() -> Iterator[np.ndarray]:
        raise VideoError("/dev/video9", "cannot be opened")
        yield

    with pytest.raises(VideoError, match="/dev/video9: cannot be opened"):
        list(watch(load(causal, device="cpu"), Arrivals(source, live=True, returns=True)))
    with pytest.raises(VideoError, match=r"/dev/video987: cannot be opened .*is a camera connec"):
        next(camera_frames(987))


def test_a_network_for_whole_clips_is_refused(tmp_path: Path):
    clips = drawn(tmp_path, "model.causal=false", "model.causal_frames=null")
    with pytest.raises(UsageError, match=r"needs whole clips, and a stream has none: train .*caus"):
        FrameByFrame(load(clips, device="cpu"))


def test_the_precision_is_that_of_the_predictor(tmp_path: Path):
    run = drawn(tmp_path, "train.amp=true")
    assert FrameByFrame(load(run, device="cpu")).amp
    assert not FrameByFrame(load(run, device="cpu", precision="fp32")).amp


def test_plain_frames_in_a_pipe():
    frames = pictures(3, 24)
    assert np.array_equal(np.stack([*raw_frames(io.BytesIO(frames.tobytes()), 24, 24)]), frames)
    with pytest.raises(VideoError, match=r"ends within a frame of 24x25 .*is --size right"):
        list(raw_frames(io.BytesIO(frames.tobytes()), 24, 25))
    with pytest.raises(UsageError, match="frames of 0x24"):
        list(raw_frames(io.BytesIO(b""), 0, 24))


@pytest.mark.parametrize("kind", ["matroska", "mp4", "avi", "nut"])
def test_a_container_in_a_pipe(kind: str):
    content = container(kind, 5)
    seen = list(piped_frames(io.BytesIO(content)))
    assert [frame.shape for frame in seen] == [(48, 64, 3)] * 5
    with pytest.raises(VideoError, match=r"standard input: is no video that can be read from a p"):
        next(piped_frames(io.BytesIO(b"#EXTM3U\nhttp://127.0.0.1/a.ts\n" * 9)))


def container(kind: str, count: int) -> bytes:
    """A short video, such as a program writes into a pipe."""
    file = io.BytesIO()
    with av.open(file, "w", format=kind) as output:
        stream = output.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(count):
            image = np.full((48, 64, 3), 20 * number, np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(stream.encode())
    return file.getvalue()


@pytest.mark.slow
def test_the_command_line(causal: Path):
    def gta(*words: str, given: bytes = b""):
        command = [sys.executable, "-m", "gta", "predict", str(causal), *words]
        return subprocess.run(command, input=given, capture_output=True, timeout=300)

    raw = pictures(5, 32).tobytes()
    done = gta("-", "--stream", "--size", "32x32", "--json", "--top", "2", given=raw)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["frame"] for line in lines] == list(range(5))
    assert len(lines[0]["top"]) == 2
    assert b"5 frames seen, 0 dropped" in done.stderr
    done = gta("-", "--stream", given=container("matroska", 4))
    assert sum(line.startswith(b"frame ") for line in done.stdout.splitlines()) == 4
    assert (done.returncode, done.stderr) == (0, b"")
    for words, code, said in (
        (("a.mp4", "--live"), 2, b"--live is for a stream: add --stream"),
        (("-", "--stream", "--csv"), 2, b"--csv: does not apply to a stream"),
        (("a.mp4", "--stream"), 2, b"--stream reads standard input, VIDEO -"),
        (("--camera", "0", "a.mp4"), 2, b"--camera is a stream of its own"),
        (
            ("-", "--stream", "--size", "32"),
            2,
            b"a size is WIDTHxHEIGHT in pixels, such as 640x360",
        ),
        (("--camera", "987"), 3, b"/dev/video987: cannot be opened"),
        (("-", "--stream"), 3, b"is no video that can be read from a pipe"),
    ):
        done = gta(*words)
        assert (done.returncode, said in done.stderr) == (code, True), done.stderr
