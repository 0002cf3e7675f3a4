"""What a file says of its network beside the tensors: the temporal shift, the blocks."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gta.backbones import FrameResNet
from gta.backbones.weight_records import Shift, block_notes, shift_of
from gta.backbones.weights import LoadReport, load_weights, read_weights, recognized
from gta.errors import UsageError

NAME = "TSM_something_RGB_resnet50_shift4_blockres_avg_segment8_e45.pth"


def network(**options: Any) -> FrameResNet:
    return FrameResNet(10, num_classes=5, num_frames=4, width=8, **options)


def of_tsm(shifted: bool = True) -> dict[str, Tensor]:
    """A network of TSM's code, as its checkpoints name it."""
    state = {}
    for key, value in network().state_dict().items():
        name = f"new_{key}" if key.startswith("fc.") else f"base_model.{key}"
        if shifted and name.startswith("base_model.layer"):
            name = name.replace(".conv1.", ".conv1.net.")
        state[f"module.{name}"] = value
    return state


def loaded(path: Path, content: object, **options: Any) -> LoadReport:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path)
    return load_weights(network(**options), read_weights(path))


RECORDS: dict[str, Any] = {
    "arguments": {"args": Namespace(shift=True, shift_div=4, shift_place="blockres")},
    "a dictionary": {"config": {"model": {"shift_div": 4}}},
    "a text": {"meta": {"cfg": "model = dict(backbone=dict(type='ResNetTSM', shift_div=4))"}},
    "another text": {"meta": {"config": "'shift_div': 4, 'depth': 50"}},
}


@pytest.mark.parametrize("record", RECORDS)
def test_another_share_of_channels_is_found_in_the_file(tmp_path: Path, record: str):
    content = {"epoch": 3, "arch": "resnet50", "state_dict": of_tsm(), **RECORDS[record]}
    with pytest.raises(UsageError) as error:
        loaded(tmp_path / "ckpt.pth", content, tsm=True)
    assert str(error.value).startswith(
        f"{tmp_path / 'ckpt.pth'} is of a network that shifts 1/4 of the channels each way ("
    )
    assert str(error.value).endswith("this one shifts 1/8: set --set model.shift_div=4")
    report = loaded(tmp_path / "ckpt.pth", content, tsm=True, shift_div=4)
    assert (report.notes, report.differences, report.fresh) == ([], [], [])


@pytest.mark.parametrize("name", [NAME, f"{NAME.removesuffix('.pth')}/ckpt.best.pth.tar"])
def test_it_is_found_in_the_name_that_tsm_gives(tmp_path: Path, name: str):
    content = {"epoch": 3, "arch": "resnet50", "state_dict": of_tsm()}
    with pytest.raises(UsageError, match=r"1/4 .* \(shift4 in its name\).*model.shift_div=4"):
        loaded(tmp_path / name, content, tsm=True)
    assert loaded(tmp_path / name, content, tsm=True, shift_div=4).notes == []


def test_where_nothing_says_it_it_is_asked_for(tmp_path: Path):
    report = loaded(tmp_path / "tsm.pth", {"state_dict": of_tsm()}, tsm=True)
    assert report.notes == [
        "its share of shifted channels is not in the file: 1/8 is taken; published networks have "
        "1/8, and model.shift_div sets another"
    ]
    assert report.notes[0] in str(report)
    assert report.differences == []


def test_a_shift_on_one_side_only(tmp_path: Path):
    without = loaded(tmp_path / NAME, {"state_dict": of_tsm()})
    assert without.differences == without.notes
    assert without.notes == [
        "its network shifts channels in time, and the model does not (model.tsm)"
    ]
    added = loaded(tmp_path / "tsn.pth", {"state_dict": of_tsm(shifted=False)}, tsm=True)
    assert added.differences == ["its network has no temporal shift, and the model has"]
    torchvision = load_weights(network(tsm=True), recognized(network().state_dict(), "resnet"))
    assert torchvision.differences == []  # ImageNet weights, from which TSM starts


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("base_model.layer1.0.net.conv1.weight", "shifts before whole blocks (shift_place=block)"),
        ("base_model.layer2.net.0.conv1.net.weight", "with TSM's temporal pooling (tpool: "),
        ("backbone.layer1.0.net.conv1.conv.weight", "shifts before whole blocks"),
        ("backbone.layer2.net.0.conv1.conv.net.weight", "with TSM's temporal pooling"),
    ],
)
def test_forms_that_are_not_built_here(key: str, words: str):
    state = {f"module.{key}": torch.ones(1), "module.base_model.layer1.0.bn1.bias": torch.ones(1)}
    with pytest.raises(UsageError) as error:
        recognized(state, "ckpt.pth")
    assert str(error.value).startswith("ckpt.pth is a network ")
    assert words in str(error.value)
    assert "not built here" in str(error.value)


def test_a_network_without_a_shift_has_none():
    assert shift_of(["layer1.0.conv1.weight"], {"shift_div": 4}, NAME) is None
    assert shift_of(["layer1.0.conv1.net.weight"], None, "w.pth") == Shift()


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("NONLOCAL:\n  INSTANTIATION: softmax\n", []),
        (
            "NONLOCAL:\n  INSTANTIATION: dot_product\n  POOL: [[[1, 2, 2], [1, 2, 2]]]",
            ["its blocks were trained with affinity: dot_product"],
        ),
        (
            "NONLOCAL:\n  POOL: [[[2, 2, 2], [2, 2, 2]]]\n",
            ["its blocks pool over time too, which is not built here"],
        ),
    ],
)
def test_non_local_blocks_in_the_configuration_of_pyslowfast(text: str, notes: list[str]):
    content = {"model_state": {}, "cfg": text}
    assert block_notes(["s3.pathway0_nonlocal1.conv_g.bias"], content) == notes
    assert block_notes(["s3.pathway0_res1.branch2.a.weight"], content) == []
