"""The package of the experiments, which is not installed, and small jobs of it."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Its modules: `ours.page` is experiments.page; `ours.main` is the command's.

    All of them at once: one that is imported while a test has changed another would keep that.
    """
    monkeypatch.syspath_prepend(str(ROOT))
    names = [path.stem for path in (ROOT / "experiments").glob("*.py") if path.stem != "__init__"]
    return SimpleNamespace(
        **{name.strip("_"): importlib.import_module(f"experiments.{name}") for name in names}
    )


@pytest.fixture
def logged(ours):
    """The runs of a results file, each with what it said on the way as the log has it."""

    def pairs(results: Path):
        said = ours.logs.read_log(ours.logs.log_file(results))
        for one in ours.results.read_results(results):
            if one["run"].keys().isdisjoint(("ensemble", "baseline")):
                end = f"ends: top-1 {one['top1']}, {one['elapsed']} s"
                (words,) = [w for w in said[ours.logs.run_id(one["run"])] if w[-1] == end]
                yield one, words[1:-1]

    return pairs


@pytest.fixture
def small(ours):
    """A job of seconds."""
    data = ours.settings.Data(num_train=44, num_val=44, num_frames=8, side=32)
    settings = ours.settings.Settings(steps=3, batch_size=4, crop=28)
    tiny = importlib.import_module("gta.models").MODELS["tiny_gta"]
    return ours.settings.Job(tiny, settings, data, 0)


@pytest.fixture
def clips(ours):
    """Clips whose class is how their brightness goes: up or down."""
    count = 20
    frames = torch.empty(count, 32, 128, 170, 3, dtype=torch.uint8)
    labels = torch.arange(count) % 2
    for i, label in enumerate(labels):
        ramp = torch.linspace(0, 200, 32).to(torch.uint8) + i
        frames[i] = (ramp if label else ramp.flip(0))[:, None, None, None]
    scenes = torch.where(torch.arange(count) < 14, torch.arange(count) // 2 % 3, -1)
    return ours.real_clips.RealClips(
        frames, labels, torch.arange(count) < 14, ["down", "up"], scenes
    )


@pytest.fixture
def job(ours):
    """A network without attention on real clips, of seconds."""
    settings = ours.settings.Settings(steps=40, batch_size=8, num_frames=8, crop=32, lr=2e-3)
    return ours.real_runs.RealJob(
        "no attention", "sit-stand", "split", "scratch", 0, True, settings=settings
    )


@pytest.fixture
def made_up(ours):
    """Runs of an experiment with the given top-1 for each seed of its rows."""

    def runs(name: str, rows: dict[str, list[float]]):
        about = ours.tables.EXPERIMENTS[name]
        return ours.rows.Runs(
            [
                {"run": about.job(about.row(label), seed).identity(), "top1": value}
                for label, values in rows.items()
                for seed, value in enumerate(values)
            ]
        )

    return runs
