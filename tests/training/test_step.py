"""One update: accumulation, and the moving average of weights."""

from pathlib import Path

import pytest
import torch

from gta.data.loader import Batch
from gta.training.processes import Processes
from gta.training.recipe_step import make_step

from .small_training import make_training, recipe

STILL = ("model.dropout=0", "augment.mixup=0", "augment.cutmix=0", "augment.erase=0")


@pytest.mark.parametrize("accumulate", [2, 3, 8])
def test_the_gradient_of_parts_is_that_of_the_batch(
    ordered: Path, small_settings, tmp_path: Path, accumulate: int
):
    gradients, totals = [], []
    for parts in (1, accumulate):
        found = recipe(
            *(ordered, small_settings, *STILL),
            *(f"train.accumulate={parts}", "train.clip_norm=null", "train.lr=1e-9"),
        )
        training, model, _ = make_training(found, tmp_path / str(parts))
        for module in model.modules():
            if "Norm" in type(module).__name__:
                module.eval()  # batch statistics are those of each part
                module.train = lambda mode=True: None
        processes = Processes(torch.device("cpu"))
        step = make_step(model, training.optimizer, found, 4, processes)
        draw = torch.Generator().manual_seed(0)
        clips = torch.randint(256, (7, 3, 4, 32, 32), dtype=torch.uint8, generator=draw)
        labels = torch.tensor([0, 1, 2, 3, 0, 1, 2])
        totals.append(step(Batch(clips, labels, torch.arange(7), []), 0, 0, 10))
        gradients.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
    torch.testing.assert_close(*totals)
    assert totals[0][2] == 7
    for whole, parted in zip(*gradients, strict=True):
        torch.testing.assert_close(parted, whole, rtol=1e-3, atol=1e-6)


def test_the_average_is_what_is_scored_and_kept(ordered: Path, small_settings, tmp_path: Path):
    found = recipe(ordered, small_settings, "train.ema=0.9", "train.epochs=2")
    training, model, _ = make_training(found, tmp_path / "run")
    kept = []
    training.keeping.save_weights = lambda tensors, names, epoch: kept.append(
        ({name: tensor.clone() for name, tensor in tensors.items()}, names)
    )
    expected = {name: p.detach().clone() for name, p in model.named_parameters()}
    averaged = training.averaged
    assert averaged is not None
    update = averaged.update_parameters

    def follow(source: torch.nn.Module) -> None:
        update(source)
        first = int(averaged.n_averaged) == 1
        for name, parameter in source.named_parameters():
            share = 0.0 if first else 0.9
            expected[name] = share * expected[name] + (1 - share) * parameter.detach()

    averaged.update_parameters = follow
    training.run()
    assert kept[0][1] == ["last", "best"]
    last = averaged.module.state_dict()
    assert kept[-1][0].keys() == last.keys()
    assert all(torch.equal(kept[-1][0][name], value) for name, value in last.items())
    for name, parameter in averaged.module.named_parameters():
        torch.testing.assert_close(parameter, expected[name], rtol=1e-4, atol=1e-6)
        if not torch.equal(parameter, model.get_parameter(name)):
            break
    else:
        raise AssertionError("the average is the model itself")


def test_an_interrupted_average_goes_on(ordered: Path, small_settings, tmp_path: Path):
    def found(epochs: int):
        average = ("train.ema=0.8", "train.accumulate=2")
        same = ("train.schedule=steps", "train.milestones=[9]", "train.warmup_epochs=0.5")
        return recipe(ordered, small_settings, *average, *same, f"train.epochs={epochs}")

    whole, _, _ = make_training(found(2), tmp_path / "whole")
    whole.run()
    begun, _, _ = make_training(found(1), tmp_path / "parts")
    begun.run()
    resumed, _, _ = make_training(found(2), tmp_path / "parts")
    resumed.run()
    assert resumed.scored is not resumed.model
    for name, value in whole.scored.state_dict().items():
        assert torch.equal(resumed.scored.state_dict()[name], value), name


@pytest.mark.slow  # a compiler is called
def test_a_compiled_network_trains_alike_and_resumes_to_the_bit(
    ordered: Path, small_settings, tmp_path: Path
):
    def trained(folder: str, *more: str, epochs: int = 2):
        short = (f"train.epochs={epochs}", "train.warmup_epochs=0.5")
        found = recipe(ordered, small_settings, *STILL, *short, *more)
        found = found.model_copy(
            update={"train": found.train.model_copy(update={"schedule": "steps", "milestones": ()})}
        )
        training, model, _ = make_training(found, tmp_path / folder)
        training.run()
        return model.state_dict(), training.position.history

    smaller = ("clip.size=28", "test.protocol=1x1-center28")
    trained("smaller", "train.compile=true", *smaller, epochs=1)  # then another size of frames
    plain, history = trained("plain")
    compiled, of_compiled = trained("compiled", "train.compile=true")
    assert of_compiled[-1]["train_loss"] == pytest.approx(history[-1]["train_loss"], rel=0.02)
    assert list(compiled) == list(plain)  # names are those of the network
    trained("halves", "train.compile=true", epochs=1)
    resumed, _ = trained("halves", "train.compile=true")
    for name, weight in compiled.items():
        assert torch.equal(weight, resumed[name]), name
