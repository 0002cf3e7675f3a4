"""What a training would take: the arithmetic, and a real one on the CPU."""

import dataclasses
from pathlib import Path

import pytest
import torch

from gta.data.loader import Batch
from gta.errors import DataError
from gta.progress import Silent
from gta.runs import build_network
from gta.training.dry_run import DryRun, dry_run
from gta.training.processes import Processes
from gta.training.splits import load_splits

from .small_training import recipe

CPU = Processes(torch.device("cpu"))
GPU_LIKE = DryRun(
    batch_size=32,
    loss=5.0,
    load_seconds=0.05,
    step_seconds=0.1,
    test_seconds=0.01,
    test_load_seconds=0.08,
    memory_bytes=2**30,
    memory_limit=2**34,
    disk_bytes=10,
    disk_free=9,
    steps=100,
    videos=50,
    epochs=3,
    workers=8,
    cores=16,
    shares_cores=False,
    batch=Batch(torch.zeros(0), torch.zeros(0), torch.zeros(0), []),
)


def test_the_slower_side_decides():
    assert GPU_LIKE.load_seconds_a_step == pytest.approx(0.2)
    assert GPU_LIKE.epoch_seconds == pytest.approx(100 * 0.2 + 50 * 0.01)
    assert GPU_LIKE.waits == (
        "the network waits for videos 50% of the time: 8 cores read 160 clips/s, it could take 320"
    )
    slow = dataclasses.replace(GPU_LIKE, step_seconds=0.5)
    assert slow.epoch_seconds == pytest.approx(100 * 0.5 + 50 * 0.01)
    assert slow.waits == "the loader waits for the network: it could be 2.5 times slower"
    taking_turns = dataclasses.replace(GPU_LIKE, shares_cores=True)
    assert taking_turns.epoch_seconds == pytest.approx(100 * 0.3 + 50 * 0.02)
    assert taking_turns.waits == "reading videos takes 67% of a step, the network the rest"
    assert not GPU_LIKE.fits


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_real_one(ordered: Path, small_settings, tmp_path: Path, optimizer: str):
    found = recipe(ordered, small_settings, f"train.optimizer={optimizer}", "train.ema=0.9")
    splits = load_splits(found, Silent())
    model = build_network(found, len(splits.train.classes))
    told = dry_run(model, splits, found, CPU, tmp_path / "not" / "there")
    assert (told.batch_size, told.steps, told.videos, told.epochs) == (8, 5, 12, 2)
    assert told.batch.clips.shape == (8, 3, 4, 32, 32)
    assert 0.5 < told.loss < 5
    for name in ("load_seconds", "step_seconds", "test_seconds", "test_load_seconds"):
        assert 0 < getattr(told, name) < 60
    assert 50 * 2**20 < told.memory_bytes < 2**36
    weights = sum(value.nbytes for value in model.state_dict().values())
    parameters = sum(value.nbytes for value in model.parameters())
    moments = {"sgd": 1, "adamw": 2}[optimizer]
    # last and best; three times a checkpoint of weights, their average and the optimiser's state
    assert told.disk_bytes == pytest.approx(
        2 * weights + 3 * (2 * weights + moments * parameters), rel=0.01
    )
    assert told.fits
    assert list(tmp_path.iterdir()) == []


def test_the_disk_is_that_of_a_real_run(ordered: Path, trained: Path):
    from gta.runs import Run

    run = Run.open(trained)
    splits = load_splits(
        run.recipe.model_copy(
            update={"data": run.recipe.data.model_copy(update={"root": str(ordered)})}
        ),
        Silent(),
    )
    told = dry_run(run.build(), splits, run.recipe, CPU, trained)
    kept = sum((trained / f"{n}.safetensors").stat().st_size for n in ("last", "best"))
    newest = max(trained.glob("checkpoints/0*"))
    expected = kept + 3 * sum(file.stat().st_size for file in newest.iterdir())
    assert told.disk_bytes == pytest.approx(expected, rel=0.25)


def test_nothing_readable(ordered: Path, small_settings, tmp_path: Path):
    found = recipe(ordered, small_settings)
    splits = load_splits(found, Silent())
    broken = [dataclasses.replace(video, path=tmp_path / "gone.mp4") for video in splits.val.videos]
    val = dataclasses.replace(splits.val, videos=broken)
    splits = dataclasses.replace(splits, val=val, val_cache=None)
    model = build_network(found, len(splits.train.classes))
    with pytest.raises(DataError, match=r"^no validation video can be read; `gta check`"):
        dry_run(model, splits, found, CPU, tmp_path)
