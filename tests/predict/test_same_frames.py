"""The same frames give the same scores, to the last bit, whichever way they come."""

import io
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from gta.data.decode import read_frames
from gta.data.records import Video
from gta.data.spent import Spent
from gta.errors import UsageError, VideoError
from gta.predict import Prediction, Predictor
from gta.predict.embedding import ClassifierInputs
from gta.predict.standard_input import parse_size, received

RATE = 12


def write_mp4(path: Path, num_frames: int = 40, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 96, 54, "yuv420p"
        for _ in range(num_frames):
            picture = rng.integers(0, 255, (54, 96, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def predictor(trained: Path) -> Predictor:
    return Predictor(trained, device="cpu")


@pytest.mark.parametrize("by_time", [False, True])
def test_a_file_pictures_a_pipe_and_an_array(predictor: Predictor, tmp_path: Path, by_time: bool):
    if by_time:
        clip = predictor.run.recipe.clip
        changed = clip.model_copy(update={"sampling": "pyslowfast", "stride": 2})
        recipe = predictor.run.recipe.model_copy(update={"clip": changed})
        run = predictor.run
        predictor = Predictor(type(run)(run.folder, recipe, run.classes), device="cpu")
    path = write_mp4(tmp_path / "video.mp4")
    expected = predictor(path).scores
    frames = read_frames(path).permute(0, 2, 3, 1).contiguous()
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i, frame in enumerate(frames.numpy()):
        Image.fromarray(frame).save(pictures / f"{i:05d}.png")
    for given in (pictures, frames, frames.numpy(), list(frames.numpy())):
        assert predictor(given, fps=RATE).scores == expected
    with received(io.BytesIO(path.read_bytes())) as video:
        assert predictor(Video("-", video.path, None)).scores == expected
    raw = io.BytesIO(frames.numpy().tobytes())
    with received(raw, size=(54, 96)) as video:
        assert video.frames is not None
        assert predictor(video.frames, fps=RATE).scores == expected
        assert video.cut_off is None
    if by_time:  # and the rate is not without effect
        assert predictor(frames, fps=2 * RATE).scores != expected


def test_many_in_order_with_errors_as_items(predictor: Predictor, tmp_path: Path):
    paths = [write_mp4(tmp_path / f"{i}.mp4", 6 + i, seed=i) for i in range(5)]
    frames = read_frames(paths[0])
    (tmp_path / "empty.mp4").touch()
    given = [paths[0], tmp_path / "no.mp4", frames, frames[0], tmp_path / "empty.mp4", *paths[1:]]
    for size, threads in ((1, 0), (1, 2), (4, 2)):
        spent = Spent()
        results = list(predictor.predict_many(given, batch_size=size, threads=threads, spent=spent))
        kinds = [type(result) for result in results]
        bad = [VideoError, Prediction, UsageError, VideoError]
        assert kinds == [Prediction, *bad, *[Prediction] * 4]
        good = [result for result in results if isinstance(result, Prediction)]
        assert [result.path.name for result in good[2:]] == [path.name for path in paths[1:]]
        alone = [predictor(path) for path in (paths[0], frames, *paths[1:])]
        for result, expected in zip(good, alone, strict=True):
            same = size == 1  # other shapes of a batch may round otherwise
            assert result.scores == expected.scores if same else result.label == expected.label
            assert dict(result.scores) == pytest.approx(dict(expected.scores), abs=1e-6)
        assert spent.clips == 6
        assert min(spent.per_clip().values()) > 0


def test_videos_are_taken_as_they_are_needed(predictor: Predictor):
    frames, taken = torch.zeros(4, 3, 40, 40, dtype=torch.uint8), 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield frames

    predictions = predictor.predict_many(endless(), batch_size=2, threads=2)
    for _ in range(4):
        assert isinstance(next(predictions), Prediction)
    predictions.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert taken <= 4 + 2 + 2 * 2 + 1


@pytest.mark.parametrize("name", ["1x1-center32", "3x2-full28"])
def test_an_embedding_is_what_the_classifier_sees(trained: Path, tmp_path: Path, name: str):
    predictor = Predictor(trained, device="cpu", protocol=name)
    path = write_mp4(tmp_path / "video.mp4")
    vector = predictor.embed(path)
    fc = predictor.model.get_submodule("fc")
    assert isinstance(fc, nn.Linear)
    assert vector.shape == (fc.in_features,)
    logits = []
    fc.register_forward_hook(lambda module, args, output: logits.append(output))
    views = predictor.views(path)
    predictor.scores(views)
    with torch.no_grad():
        mean = logits[0].flatten(0, -2).mean(0)
        torch.testing.assert_close(fc(vector), mean, rtol=1e-4, atol=1e-5)
    (many,) = predictor.predict_many([path], embeddings=True)
    assert isinstance(many, Prediction)
    assert many.embedding is not None
    assert many.embedding.equal(vector)
    assert many == predictor(path)


def test_embeddings_of_other_networks():
    convolution = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 5, 1), nn.Flatten(2))
    inputs = ClassifierInputs(5)
    with inputs.watched(convolution):
        convolution(torch.zeros(4, 3, 9, 9))
    assert inputs.of(2).shape == (2, 8)  # two frames a clip
    with pytest.raises(UsageError, match="has no embeddings: its last layer is no linear one"):
        inputs.of(2)


def test_pipes_that_are_none(tmp_path: Path):
    with pytest.raises(VideoError, match=r"standard input: is empty \(0 bytes\)"):
        received(io.BytesIO()).__enter__()
    with pytest.raises(VideoError, match="has more than 9 bytes"):
        received(io.BytesIO(b"0" * 10), largest=9).__enter__()
    with pytest.raises(VideoError, match=r"10 bytes are no frame of 2x2 RGB pixels, which has 12"):
        received(io.BytesIO(b"0" * 10), size=(2, 2)).__enter__()
    with received(io.BytesIO(b"0" * 30), size=(2, 2)) as video:
        assert video.cut_off == "2 frames and 6 of 12 bytes of the next"
    assert not video.path.exists()
    assert parse_size("640x360") == (360, 640)
    for text in ("640", "0x3", "axb", "640x360x3"):
        with pytest.raises(UsageError, match="a size is WIDTHxHEIGHT in pixels"):
            parse_size(text)


def test_what_is_no_precision(trained: Path):
    with pytest.raises(UsageError, match="precision='half' is not possible; it is auto, fp32"):
        Predictor(trained, precision="half")  # pyright: ignore[reportArgumentType]
    with pytest.raises(UsageError, match="bf16 is for GPUs, and this is cpu: use auto or fp32"):
        Predictor(trained, device="cpu", precision="bf16")
    assert Predictor(trained, device="cpu", precision="fp32").amp is False
