import pytest
import torch

from gta.config import Train
from gta.models import MODELS, build
from gta.training.optimizer import make_optimizer, parameter_groups, set_learning_rate

from .plain_step import Small


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
    made = make_optimizer(model, Train(optimizer=optimizer, matrix_lr_mult=3, momentum=0.8))
    assert isinstance(made, kind)
    set_learning_rate(made, 0.5)
    rates = {group["name"]: group["lr"] for group in made.param_groups}
    assert rates == {"weights": 0.5, "rest": 0.5, "attention": 1.5}
    if optimizer == "sgd":
        assert {group["momentum"] for group in made.param_groups} == {0.8}


def test_positions_can_have_their_own_learning_rate():
    model = build(
        MODELS["r2d50_tape"].model_copy(update={"depth": 10, "placement": {"res3": (0,)}}),
        num_classes=5,
        num_frames=4,
    )
    shared = parameter_groups(model, Train(matrix_lr_mult=3))
    assert [group["name"] for group in shared] == ["weights", "rest", "attention"]
    train = Train(position_lr_mult=10, matrix_weight_decay=0.25)
    weights, rest, positions = parameter_groups(model, train)
    assert (weights["factor"], rest["factor"]) == (1, 1)
    assert (positions["name"], positions["factor"]) == ("positions", 10)
    assert positions["weight_decay"] == 0.25
    own = dict(model.named_parameters())
    (position,) = (parameter for name, parameter in own.items() if name.endswith(".position"))
    assert positions["params"][0] is position


def test_the_matrices_keep_theirs_beside_positions_of_another():
    model = build(MODELS["tiny_gta"], num_classes=5, num_frames=4)
    groups = parameter_groups(model, Train(matrix_lr_mult=3, position_lr_mult=10))
    assert {group["name"]: group["factor"] for group in groups}["attention"] == 3


def trained(optimizer: torch.optim.Optimizer, model: torch.nn.Module, steps: int) -> None:
    for number in range(steps):
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, 0.1 * (number + 1))
        optimizer.step()


def as_earlier(model, train: Train) -> torch.optim.Optimizer:
    """The optimizer as it was made when steps were not recorded."""
    groups = parameter_groups(model, train)
    if train.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=train.lr, momentum=train.momentum)
    return torch.optim.AdamW(groups, lr=train.lr)


@pytest.mark.parametrize("to", ["fused", "plain", "earlier"])
@pytest.mark.parametrize("of", ["fused", "plain", "earlier"])
@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_an_optimizer_goes_on_from_the_state_of_any_other(name, of, to, tmp_path):
    train = Train(optimizer=name, lr=0.1)
    make = {
        "fused": lambda model: make_optimizer(model, train, fused=True),
        "plain": lambda model: make_optimizer(model, train),
        "earlier": lambda model: as_earlier(model, train),
    }
    models, ends = [Small(), Small(), Small()], []
    for model in models[1:]:
        model.load_state_dict(models[0].state_dict())
    whole = make[of](models[0])
    trained(whole, models[0], 3)
    begun = make[of](models[1])
    trained(begun, models[1], 2)
    torch.save(begun.state_dict(), tmp_path / "state.pt")
    models[2].load_state_dict(models[1].state_dict())
    resumed = make[to](models[2])
    for group in resumed.param_groups:  # the rate that is saved counts
        group["lr"] = group["lr"] * 9
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    kinds = [{key: type(g.get(key)) for key in ("lr", "fused")} for g in resumed.param_groups]
    assert kinds == [
        {key: type(g.get(key)) for key in kinds[0]} for g in make[to](Small()).param_groups
    ]
    for parameter in models[2].parameters():
        parameter.grad = torch.full_like(parameter, 0.1 * 3)
    resumed.step()
    ends = [dict(model.named_parameters()) for model in (models[0], models[2])]
    for key, value in ends[0].items():
        torch.testing.assert_close(ends[1][key], value)


def test_a_saved_state_is_the_same_for_all_devices():
    states = []
    for fused in (True, False):
        model = Small()
        made = make_optimizer(model, Train(optimizer="adamw"), fused=fused)
        trained(made, model, 1)
        states.append(made.state_dict())
    groups = [[{**g, "lr": round(g["lr"], 6)} for g in state["param_groups"]] for state in states]
    assert groups[0] == groups[1]
