import pytest
import torch

from gta.config import Train
from gta.models import MODELS, build
from gta.training.optimizer import make_optimizer, parameter_groups, set_learning_rate


@pytest.mark.parametrize("name", ["tiny", "tiny_dnl", "tiny_gta", "r2d50_tape", "r2d50_gta"])
def test_every_parameter_is_in_exactly_one_group(name: str):
    with torch.device("meta"):
        model = build(MODELS[name], num_classes=5, num_frames=4)
    grouped = [p for group in parameter_groups(model, Train()) for p in group["params"]]
    assert len(grouped) == len(list(model.parameters()))
    assert {id(p) for p in grouped} == {id(p) for p in model.parameters()}


def test_matrices_and_positions_have_a_group_of_their_own():
    names = {}
    for model_name in ("tiny_gta", "r2d50_tape"):
        with torch.device("meta"):
            model = build(MODELS[model_name], num_classes=5, num_frames=4)
        groups = {g["name"]: g for g in parameter_groups(model, Train(matrix_weight_decay=0.25))}
        assert groups["attention"]["weight_decay"] == 0.25
        inside = {id(p) for p in groups["attention"]["params"]}
        names[model_name] = {
            n.split(".", 3)[-1] for n, p in model.named_parameters() if id(p) in inside
        }
    assert {name.rpartition(".")[2] for name in names["tiny_gta"]} == {"matrix"}
    assert {"pixel", "region"} == {name.split(".")[-2] for name in names["tiny_gta"]}
    assert {name.rpartition(".")[2] for name in names["r2d50_tape"]} == {"position"}


def test_biases_and_normalisation_do_not_decay():
    model = build(MODELS["tiny"], num_classes=5, num_frames=4)
    groups = {g["name"]: g for g in parameter_groups(model, Train(weight_decay=0.1))}
    assert groups["rest"]["weight_decay"] == 0
    assert groups["weights"]["weight_decay"] == 0.1
    assert all(p.ndim == 1 for p in groups["rest"]["params"])
    assert all(p.ndim > 1 for p in groups["weights"]["params"])
    assert "attention" not in groups


def test_frozen_parameters_are_left_out():
    model = build(MODELS["tiny"], num_classes=5, num_frames=4)
    model.get_parameter("conv1.weight").requires_grad_(False)
    grouped = [p for group in parameter_groups(model, Train()) for p in group["params"]]
    assert len(grouped) == len(list(model.parameters())) - 1


@pytest.mark.parametrize(
    ("optimizer", "kind"), [("sgd", torch.optim.SGD), ("adamw", torch.optim.AdamW)]
)
def test_the_matrices_have_their_own_learning_rate(optimizer, kind):
    model = build(MODELS["tiny_gta"], num_classes=5, num_frames=4)
    made = make_optimizer(model, Train(optimizer=optimizer, matrix_lr=3, momentum=0.8))
    assert isinstance(made, kind)
    set_learning_rate(made, 0.5)
    rates = {group["name"]: group["lr"] for group in made.param_groups}
    assert rates == {"weights": 0.5, "rest": 0.5, "attention": 1.5}
    if optimizer == "sgd":
        assert {group["momentum"] for group in made.param_groups} == {0.8}
