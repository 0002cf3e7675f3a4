from pathlib import Path

import pytest
import torch
from PIL import Image

from gta.data.decode import read_frames
from gta.data.videos import load_videos
from gta.errors import UsageError, VideoError
from gta.evaluation.evaluate import evaluate
from gta.predict import Predictor
from gta.protocols import parse_protocol
from gta.runs import Run


def test_a_prediction_is_the_score_of_a_test(trained: Path, ordered: Path):
    run = Run.open(trained)
    for name in ("1x1-center32", "3x2-full28"):
        predictor = Predictor(run, protocol=parse_protocol(name))
        videos = load_videos("ssv2", ordered, "val")
        scores = evaluate(
            predictor.model,
            videos,
            parse_protocol(name),
            clip=run.recipe.clip,
            device=torch.device("cpu"),
            batch_size=1,
        )
        for video, expected in zip(videos.videos[:3], scores.scores, strict=False):
            ranked = predictor(video.path).scores
            assert [score for _, score in ranked] == pytest.approx(
                expected.sort(descending=True).values.tolist(), abs=1e-6
            )
            assert ranked[0][0] == run.classes[int(expected.argmax())]
            assert sum(score for _, score in ranked) == pytest.approx(1)


def test_the_protocol_of_the_run_is_the_default(trained: Path):
    predictor = Predictor(Run.open(trained))
    assert predictor.protocol.name == "1x1-center32"
    assert predictor.weights == "last.safetensors, epoch 2 of 2"


def test_paths_and_protocols_may_be_text(trained: Path, ordered: Path, monkeypatch):
    video = load_videos("ssv2", str(ordered), "val").videos[0].path
    assert isinstance(video, Path)
    prediction = Predictor(Run.open(trained), protocol=parse_protocol("3x2-full28"))(video)
    assert Predictor(str(trained), protocol="3x2-full28", device="auto")(str(video)) == prediction
    monkeypatch.setenv("HOME", str(trained.parent))
    assert Run.open(f"~/{trained.name}") == Run.open(trained)
    monkeypatch.setenv("HOME", str(video.parent))
    assert read_frames(f"~/{video.name}").equal(read_frames(video))  # pyright: ignore


@pytest.mark.parametrize("name", ["1x1-center32", "3x2-full28"])
def test_frames_in_memory_are_scored_as_those_of_a_file(trained: Path, ordered: Path, name: str):
    predictor = Predictor(trained, protocol=name)
    video = load_videos("ssv2", ordered, "val").videos[0].path
    frames, expected = read_frames(video), predictor(video).scores
    for given in (frames, frames.permute(0, 2, 3, 1), frames.permute(0, 2, 3, 1).numpy()):
        assert predictor(given).scores == expected
    with pytest.raises(UsageError, match=r"a video in memory is \(T, H, W, 3\) or \(T, 3, H, W\)"):
        predictor(frames[:, 0])


def test_a_device_that_is_not_there(trained: Path):
    with pytest.raises(
        UsageError, match=r"device 'cuda:99' cannot be used here \(.*; use auto, cpu"
    ):
        Predictor(trained, device="cuda:99")
    for name in ("gpu", "meta", "xla"):
        with pytest.raises(UsageError, match=rf"device '{name}' cannot be used here") as caught:
            Predictor(trained, device=name)
        assert len(str(caught.value)) < 400
    if not torch.cuda.is_available():
        with pytest.raises(
            UsageError, match=r"'cuda' cannot be used here \(torch finds no GPU\); u"
        ):
            Predictor(trained, device="cuda")


def test_what_is_no_protocol_and_no_rate(trained: Path):
    with pytest.raises(UsageError, match="a protocol is a name such as '3x2-full256'; got 3"):
        Predictor(trained, protocol=3)  # pyright: ignore[reportArgumentType]
    predictor, frames = Predictor(trained), torch.zeros(9, 3, 32, 32, dtype=torch.uint8)
    for fps in (0, -25.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="fps is a number of frames a second, above 0; got"):
            predictor(frames, fps=fps)


def test_what_cannot_be_read_raises(trained: Path, tmp_path: Path):
    with pytest.raises(VideoError, match=r"no.mp4: no such file"):
        Predictor(Run.open(trained))(tmp_path / "no.mp4")


def test_scores_that_are_not_finite_are_told(trained: Path, ordered: Path):
    predictor = Predictor(Run.open(trained))
    for parameter in predictor.model.parameters():
        parameter.requires_grad_(False).fill_(float("nan"))
    with pytest.raises(UsageError, match="are not finite: the weights are broken"):
        predictor(ordered / "20bn-something-something-v2/41.webm")


def test_a_folder_of_videos_is_no_video(trained: Path, ordered: Path, tmp_path: Path):
    """Else a picture beside them would be predicted in their place."""
    videos = load_videos("ssv2", ordered, "val").videos
    for number, video in enumerate(videos[:2]):
        assert isinstance(video.path, Path)
        (tmp_path / f"{number}{video.path.suffix}").write_bytes(video.path.read_bytes())
    Image.new("RGB", (32, 32)).save(tmp_path / "poster.png")
    with pytest.raises(
        UsageError, match=r"is a folder of videos; give one of them, such as .*/0\."
    ):
        Predictor(trained)(tmp_path)
