"""Batch normalisation: statistics computed anew, and over several processes."""

import copy
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from gta.blocks.fused.parts import unfused
from gta.data.transforms.clip import normalize
from gta.errors import UsageError
from gta.training.batches import video_batches
from gta.training.norm import renew_statistics, shared_norm
from gta.training.processes import Processes

from .small_training import make_training, recipe

CPU = Processes(torch.device("cpu"))


def statistics(model) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in model.state_dict().items() if "running_" in k}


def test_statistics_are_the_mean_over_batches(ordered: Path, small_settings, tmp_path: Path):
    found = recipe(ordered, small_settings, "train.precise_bn=3")
    training, model, _ = make_training(found, tmp_path / "run")
    source = video_batches(training.splits, found, CPU, workers=0)
    name, first = next((n, m) for n, m in model.named_modules() if isinstance(m, _BatchNorm))
    seen, means, variances = copy.deepcopy(model).train(), [], []

    def look(_, inputs: tuple[torch.Tensor]) -> None:
        of_channel = inputs[0].detach().transpose(0, 1).flatten(1)
        means.append(of_channel.mean(1))
        variances.append(of_channel.var(1))

    seen.get_submodule(name).register_forward_pre_hook(look)
    for batch in list(source.epoch(0))[:3]:
        seen(normalize(batch.clips, found.clip.mean, found.clip.std))
    weights = [parameter.clone() for parameter in model.parameters()]
    renew_statistics(model, source.epoch(0), found, CPU)
    assert first.running_mean is not None
    assert first.running_var is not None
    torch.testing.assert_close(first.running_mean, torch.stack(means).mean(0))
    torch.testing.assert_close(first.running_var, torch.stack(variances).mean(0))
    assert all(torch.equal(*pair) for pair in zip(weights, model.parameters(), strict=True))
    assert first.momentum == 0.1


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_training_ends_with_them(ordered: Path, small_settings, tmp_path: Path, ema: float):
    ends = {}
    for batches in (0, 4):
        found = recipe(
            *(ordered, small_settings, f"train.ema={ema}", f"train.precise_bn={batches}")
        )
        training, _, _ = make_training(found, tmp_path / f"{batches}")
        training.run()
        ends[batches] = training
    before, after = (statistics(ends[batches].scored) for batches in (0, 4))
    assert any(not torch.allclose(before[key], after[key], rtol=1e-3) for key in before)
    # the weights are those of training without: statistics are no part of its steps
    for name, parameter in ends[0].model.named_parameters():
        assert torch.equal(ends[4].model.get_parameter(name), parameter)
    source = video_batches(ends[4].splits, ends[4].recipe, CPU, workers=0)
    last = source.epoch(ends[4].position.epoch - 1)
    renew_statistics(ends[4].scored, last, ends[4].recipe, CPU)
    assert all(torch.equal(after[k], v) for k, v in statistics(ends[4].scored).items())


class HalfFrozen(nn.Module):
    """A trunk that stays in evaluation mode, and a normalization that learns."""

    def __init__(self):
        super().__init__()
        self.trunk, self.norm = nn.BatchNorm3d(3), nn.BatchNorm3d(3)
        self.train()

    def train(self, mode: bool = True) -> "HalfFrozen":
        super().train(mode)
        self.trunk.eval()
        return self

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        return self.norm(self.trunk(clips)).mean((2, 3, 4))


def test_a_frozen_trunk_keeps_its_statistics(ordered: Path, small_settings, tmp_path: Path):
    found = recipe(ordered, small_settings, "train.precise_bn=2")
    training, _, _ = make_training(found, tmp_path / "run")
    source = video_batches(training.splits, found, CPU, workers=0)
    model = HalfFrozen()
    nn.init.constant_(model.trunk.running_mean, 5.0)  # pyright: ignore[reportArgumentType]
    before = statistics(model)
    renew_statistics(model, source.epoch(0), found, CPU)
    after = statistics(model)
    assert all(
        torch.equal(before[f"trunk.{k}"], after[f"trunk.{k}"])
        for k in model.norm.state_dict()
        if "running_" in k
    )
    # and the others are those of what the trunk gives with them
    assert (after["norm.running_mean"] < -3).all()
    assert model.training


def test_shared_normalisation_keeps_the_names(ordered: Path, small_settings, tmp_path: Path):
    training, model, _ = make_training(recipe(ordered, small_settings), tmp_path / "run")
    keys = list(model.state_dict())
    shared = shared_norm(model, training.processes)
    assert list(shared.state_dict()) == keys
    assert any(isinstance(module, torch.nn.SyncBatchNorm) for module in shared.modules())
    with pytest.raises(UsageError, match=r"^train.sync_bn needs GPUs; on CPUs, train with one"):
        shared_norm(model, Processes(torch.device("cpu"), 0, 2))


def test_shared_normalisation_of_one_process_is_the_usual(
    ordered: Path, small_settings, tmp_path: Path
):
    ends = []
    for shared in ("true", "false"):
        found = recipe(ordered, small_settings, f"train.sync_bn={shared}")
        training, _, _ = make_training(found, tmp_path / shared)
        with unfused():  # as blocks are where statistics are shared
            training.run()
        ends.append(training.scored.state_dict())
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[1])
