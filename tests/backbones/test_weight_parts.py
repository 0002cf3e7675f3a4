"""Checkpoints as people have them: prefixes, nested dictionaries, several networks, other heads."""

from argparse import Namespace
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from gta.backbones import FrameResNet, FrameWise, create_network
from gta.backbones.weights import LoadReport, load_weights, read_weights
from gta.errors import UsageError

from .networks import randomize

State = dict[str, Tensor]
CLASSES, FEATURES = 5, 64


def network(num_classes: int = CLASSES) -> FrameResNet:
    return FrameResNet(10, num_classes=num_classes, num_frames=2, width=8)


@pytest.fixture(scope="module")
def state() -> State:
    return {key: value.clone() for key, value in randomize(network()).state_dict().items()}


@pytest.fixture(scope="module")
def other() -> State:
    model = randomize(network(), seed=7)
    return {key: value.clone() for key, value in model.state_dict().items()}


def before(prefix: str, state: State) -> State:
    return {f"{prefix}{key}": value for key, value in state.items()}


def trunk(state: State) -> State:
    return {key: value for key, value in state.items() if not key.startswith("fc.")}


def head(state: State) -> State:
    return {"weight": state["fc.weight"], "bias": state["fc.bias"]}


def loaded(tmp_path: Path, content: Any, part: str = "") -> tuple[FrameResNet, LoadReport]:
    path = tmp_path / "w.pth"
    torch.save(content, path)
    model = network()
    return model, load_weights(model, read_weights(Path(f"{path}{part}")))


def assert_all_of(model: nn.Module, state: State) -> None:
    own = model.state_dict()
    assert all(torch.equal(own[key], value) for key, value in state.items())


PREFIXES = (
    *("model.", "net.", "encoder.", "backbone.", "module.", "_orig_mod.", "network.", "a.b.c."),
    *("module._orig_mod.", "model.backbone.", "module.encoder.", "trunk._feature_blocks."),
)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_any_prefix(tmp_path: Path, state: State, prefix: str):
    model, report = loaded(tmp_path, before(prefix, state))
    assert_all_of(model, state)
    assert (report.unused, report.fresh, report.differences) == ({}, [], [])


def test_names_that_torch_puts_inside_names(tmp_path: Path, state: State):
    """A stage compiled by itself, a block of it recomputed."""
    model = network()
    layer = model.get_submodule("layer2")
    model.layer2 = torch.compile(layer, backend="eager")
    names = model.state_dict().keys()
    assert "layer2._orig_mod.0.conv1.weight" in names
    renamed = dict(zip(names, state.values(), strict=True))
    assert_all_of(loaded(tmp_path, renamed)[0], state)
    wrapped = {
        k.replace("layer3.0.", "layer3.0._checkpoint_wrapped_module."): v for k, v in state.items()
    }
    assert_all_of(loaded(tmp_path, wrapped)[0], state)


def test_averaged_weights_of_torch(tmp_path: Path, state: State):
    model = network()
    model.load_state_dict(state)
    averaged = AveragedModel(model).state_dict()
    assert "n_averaged" in averaged
    model, report = loaded(tmp_path, averaged)
    assert_all_of(model, state)
    assert report.unused == {"n_averaged": "not in the model"}
    assert report.differences == []


KEYS = ("state_dict", "model_state", "model", "ema", "teacher", "net", "params", "a key of my own")


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_dictionary_under_any_key(tmp_path: Path, state: State, key: str, prefix: str):
    model, report = loaded(
        tmp_path, {"epoch": 3, "loss": torch.ones(4), key: before(prefix, state)}
    )
    assert_all_of(model, state)
    assert report.notes == []


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"a": {"b": {"c": state}}, "step": 1},
        lambda state: (state, 3),
        lambda state: {"state_dict": None, "model": state},
        lambda state: {**state, "arch": "resnet10", "epoch": 3},
        lambda state: {"model": {key: value.numpy() for key, value in state.items()}},
        lambda state: {"state_dict": state, "hyper_parameters": {"root": PurePath("/data")}},
        lambda state: {"state_dict": state, "args": Namespace(root=Path("/data"), lr=0.1)},
    ],
    ids=["nested", "a pair", "an empty entry", "beside text", "arrays", "a path", "arguments"],
)
def test_other_forms(tmp_path: Path, state: State, wrap: Any):
    assert_all_of(loaded(tmp_path, wrap(state))[0], state)


def test_what_optimizers_keep_is_not_mistaken(tmp_path: Path, state: State):
    model = network()
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 3, 2, 32, 32)).sum().backward()
    optimizer.step()
    content = {
        "optimizer": optimizer.state_dict(),
        "net": state,
        "scaler": {"scale": torch.ones(1)},
    }
    assert_all_of(loaded(tmp_path, content)[0], state)
    for alone in (optimizer.state_dict(), {"optimizer": optimizer.state_dict(), "epoch": 3}):
        with pytest.raises(UsageError) as error:
            loaded(tmp_path, alone)
        assert str(error.value) == (
            f"{tmp_path / 'w.pth'}: holds the state of an optimizer and no weights of a network: "
            f"give the file of the model, with names such as 'layer1.0.conv1.weight' and their "
            f"tensors"
        )


@pytest.mark.parametrize(
    ("trained", "averaged"),
    [
        ("model", "model_ema"),
        ("state_dict", "ema"),
        ("student", "teacher"),
        ("online_network", "target_network"),
        ("mine", "swa_model"),
    ],
)
@pytest.mark.parametrize("flat", [False, True])
def test_trained_weights_come_before_averages_of_them(
    tmp_path: Path, state: State, other: State, trained: str, averaged: str, flat: bool
):
    content: Any = {averaged: other, trained: state}
    if flat:
        content = before(f"{averaged}.", other) | before(f"{trained}.", state)
    model, report = loaded(tmp_path, content)
    assert_all_of(model, state)
    assert report.notes == [f"read from {trained}; others are {tmp_path / 'w.pth'}#{averaged}"]
    assert report.unused == {}
    assert_all_of(loaded(tmp_path, content, f"#{averaged}")[0], other)
    assert_all_of(loaded(tmp_path, content, f"#{trained}")[0], state)


def test_the_keys_of_a_momentum_contrast_network(tmp_path: Path, state: State, other: State):
    content = before("module.encoder_k.", other) | before("module.encoder_q.", state)
    assert_all_of(loaded(tmp_path, {"state_dict": content})[0], state)
    part = "#state_dict.module.encoder_k"
    assert_all_of(loaded(tmp_path, {"state_dict": content}, part)[0], other)


@pytest.mark.parametrize("flat", [False, True])
def test_two_networks_of_the_same_standing_are_asked_for(
    tmp_path: Path, state: State, other: State, flat: bool
):
    content = (
        before("rgb.", state) | before("flow.", other) if flat else {"rgb": state, "flow": other}
    )
    with pytest.raises(UsageError) as error:
        loaded(tmp_path, content)
    path = tmp_path / "w.pth"
    assert str(error.value) == (
        f"{path} holds weights in more than one part: 'rgb' (74 tensors), 'flow' (74 tensors). Say "
        f"which to read with # and its name after the file's: {path}#rgb"
    )
    assert_all_of(loaded(tmp_path, content, "#flow")[0], other)


def test_a_network_that_is_a_part_of_two_others(tmp_path: Path, state: State):
    model, report = loaded(tmp_path, before("a.", state) | before("b.", state))
    assert_all_of(model, state)
    assert report.notes == []


def test_a_part_that_is_not_there(tmp_path: Path, state: State):
    with pytest.raises(UsageError) as error:
        loaded(tmp_path, {"model": state, "epoch": 3}, "#ema")
    assert str(error.value) == (
        f"{tmp_path / 'w.pth'} has no part 'ema'; its parts with tensors are: 'model'"
    )


def test_a_file_with_a_sharp_in_its_name(tmp_path: Path, state: State):
    path = tmp_path / "w#1.pth"
    torch.save(state, path)
    load_weights(model := network(), read_weights(path))
    assert_all_of(model, state)


@pytest.mark.parametrize(
    "name",
    [
        "head",
        "classifier",
        "new_fc",
        "cls_head.fc_cls",
        "head.projection",
        "fc.1",
        "top",
        "module.fc",
    ],
)
@pytest.mark.parametrize("bias", [True, False])
def test_the_classifier_under_other_names(tmp_path: Path, state: State, name: str, bias: bool):
    layer = before(f"{name}.", head(state) if bias else {"weight": state["fc.weight"]})
    model, report = loaded(tmp_path, before("backbone.", trunk(state)) | layer)
    assert torch.equal(model.fc.weight, state["fc.weight"])
    assert torch.equal(model.fc.bias, state["fc.bias"] if bias else torch.zeros(CLASSES))
    assert (report.fresh, report.unused, report.differences) == ([], {}, [])


def test_a_classifier_in_a_dictionary_of_its_own(tmp_path: Path, state: State):
    model, _ = loaded(tmp_path, {"backbone": trunk(state), "classifier": head(state), "epoch": 3})
    assert_all_of(model, state)


def test_a_classifier_beside_layers_of_the_same_input(tmp_path: Path, state: State):
    beside = {"projector.weight": torch.ones(9, FEATURES), "aux.weight": torch.ones(3, FEATURES)}
    model, report = loaded(tmp_path, trunk(state) | before("head.", head(state)) | beside)
    assert_all_of(model, state)
    assert report.unused == dict.fromkeys(beside, "not in the model")


LAYERS = {
    "two layers": {"0.weight": (9, FEATURES), "0.bias": (9,), "2.weight": (5, 9), "2.bias": (5,)},
    "a norm": {"0.weight": (FEATURES,), "0.running_mean": (FEATURES,), "1.weight": (5, FEATURES)},
    "two tasks": {"verb.weight": (5, FEATURES), "noun.weight": (7, FEATURES)},
    "a projector": {"projector.weight": (5, FEATURES)},
    "another width": {"fc.weight": (5, 3)},
    "nothing": {},
}


@pytest.mark.parametrize("kind", LAYERS)
def test_a_head_that_is_no_classifier_of_ours_is_named(tmp_path: Path, state: State, kind: str):
    layers = {f"head.{name}": torch.ones(shape) for name, shape in LAYERS[kind].items()}
    _, report = loaded(tmp_path, before("model.", trunk(state)) | layers)
    assert report.fresh == ["fc.weight", "fc.bias"]
    assert report.unused == dict.fromkeys(layers, "not in the model")
    assert report.differences == ["the model's classifier is not in it"]


def test_what_no_network_here_has_is_named(tmp_path: Path):
    names = ["stem.weight", "blocks.0.weight", "blocks.1.weight", "blocks.2.weight", "top.weight"]
    with pytest.raises(UsageError) as error:
        loaded(tmp_path, {name: torch.ones(3) for name in names})
    assert str(error.value).startswith(
        f"{tmp_path / 'w.pth'} does not fit this network. It holds a network with names such as "
        f"'stem.weight', 'blocks.0.weight', 'blocks.1.weight', 'blocks.2.weight', and 1 more, and "
        f"the model is a ResNet over frames. "
    )


def test_parameters_without_the_buffers(tmp_path: Path, state: State):
    parameters = {k: v for k, v in state.items() if "running_" not in k}
    with pytest.raises(UsageError, match=r"save the state_dict\(\), not the parameters\(\)"):
        loaded(tmp_path, parameters)


@pytest.mark.parametrize("name", ["timm/convnext_atto", "timm/resnet10t"])
@pytest.mark.parametrize("prefix", ["", "module.", "model.backbone.", "network."])
def test_prefixes_of_a_network_that_is_not_ours(tmp_path: Path, name: str, prefix: str):
    source = randomize(create_network(name, num_classes=CLASSES))
    path = tmp_path / "w.pth"
    torch.save({"state_dict": before(prefix, source.state_dict())}, path)
    model = FrameWise(create_network(name, num_classes=CLASSES), num_frames=2)
    report = load_weights(model, read_weights(path))
    assert (report.unused, report.fresh) == ({}, [])
    own = model.state_dict()
    assert all(torch.equal(own[f"network.{k}"], v) for k, v in source.state_dict().items())


def test_archives_of_arrays(tmp_path: Path, state: State):
    arrays: Any = {key: value.numpy() for key, value in before("model.", state).items()}
    np.savez(tmp_path / "w.npz", **arrays)
    load_weights(model := network(), read_weights(tmp_path / "w.npz"))
    assert_all_of(model, state)
