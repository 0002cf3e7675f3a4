"""A verb in a copy of the test's process, whatever other tests have left there."""

from pathlib import Path

import pytest
from benchmarks.reliability.commands import gta, training

from gta.data.dataset import TrainingClips
from gta.data.formats.something import read_ssv2
from gta.data.loader import training_loader
from gta.data.transforms.clip import TrainTransform


@pytest.mark.slow
def test_loader_processes_of_the_caller_are_not_those_of_the_copy(ordered: Path, tmp_path: Path):
    videos = read_ssv2(ordered, "train")
    transform = TrainTransform(size=32, resize=None)
    clips = TrainingClips(videos, num_frames=4, transform=transform, flip="skip", seed=3)
    loader = training_loader(clips, workers=1, batch_size=8, seed=0)
    before = [batch.indices.tolist() for batch in loader]
    (worker,) = loader._iterator._workers
    arguments = training(ordered, tmp_path / "run", "train.epochs=1", "data.workers=1")
    done = gta(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert worker.is_alive()
    assert [batch.indices.tolist() for batch in loader] == before
    loader.close()
