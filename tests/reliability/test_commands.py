"""A verb in a process beside that of the test, whatever other tests have done there."""

from pathlib import Path

import pytest
import torch
from benchmarks.reliability import copies
from benchmarks.reliability.commands import environment, gta, training

from gta.data.dataset import TrainingClips
from gta.data.formats.something import read_ssv2
from gta.data.loader import training_loader
from gta.data.transforms.clip import TrainTransform


class Nested(torch.autograd.Function):
    """A backward pass in a backward pass, so deep that torch starts threads for them."""

    @staticmethod
    def forward(ctx, value, depth):
        ctx.depth = depth
        return value.clone()

    @staticmethod
    def backward(ctx, gradient):
        if ctx.depth:
            with torch.enable_grad():
                inner = torch.ones(1, requires_grad=True)
                Nested.apply(inner, ctx.depth - 1).sum().backward()
        return gradient, None


@pytest.mark.slow
def test_what_was_done_here_before_is_not_there(ordered: Path, tmp_path: Path):
    """Such as loader processes, or torch's threads, which forbid gradients in a copy."""
    videos = read_ssv2(ordered, "train")
    transform = TrainTransform(size=32, resize=None)
    clips = TrainingClips(videos, num_frames=4, transform=transform, flip="skip", seed=3)
    loader = training_loader(clips, workers=1, batch_size=8, seed=0)
    before = [batch.indices.tolist() for batch in loader]
    (worker,) = loader._iterator._workers
    Nested.apply(torch.ones(1, requires_grad=True), 100).sum().backward()
    for name in ("one", "two"):
        arguments = training(ordered, tmp_path / name, "train.epochs=1", "data.workers=1")
        done = gta(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
    assert worker.is_alive()
    assert [batch.indices.tolist() for batch in loader] == before
    loader.close()


@pytest.mark.slow
def test_codes_and_output_are_those_of_the_verb(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = gta("recipes", "ordered/tiny_gta")
    assert (done.returncode, done.stderr) == (0, "")
    assert "  max_unreadable: 0.1\n" in done.stdout
    refused = gta("test", "nothing")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("gta: ")
    endless = ["render", "clips", "--train", "110000", "--val", "22"]
    out, err = tmp_path / "out", tmp_path / "err"
    assert copies.run(endless, out, err, environment(), limit=1) is None
    assert gta("--version").stdout.startswith("gta ")
