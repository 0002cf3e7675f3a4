from pathlib import Path

import pytest
import torch

from gta.data.videos import load_videos
from gta.errors import UsageError, VideoError
from gta.evaluation.evaluate import evaluate
from gta.evaluation.protocols import parse_protocol
from gta.predict import Predictor
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


def test_what_cannot_be_read_raises(trained: Path, tmp_path: Path):
    with pytest.raises(VideoError, match=r"no.mp4: no such file"):
        Predictor(Run.open(trained))(tmp_path / "no.mp4")


def test_scores_that_are_not_finite_are_told(trained: Path, ordered: Path):
    predictor = Predictor(Run.open(trained))
    for parameter in predictor.model.parameters():
        parameter.requires_grad_(False).fill_(float("nan"))
    with pytest.raises(UsageError, match="are not finite: the weights are broken"):
        predictor(ordered / "20bn-something-something-v2/41.webm")
