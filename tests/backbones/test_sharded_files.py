"""Weights in several files with an index."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from gta.backbones import FrameResNet
from gta.backbones.weight_files import read_state
from gta.backbones.weights import load_weights, read_weights
from gta.errors import UsageError

PARTS = [
    {"conv1.weight": torch.ones(2, 3)},
    {"bn1.bias": torch.zeros(4), "fc.weight": torch.ones(5)},
]


def write(folder: Path, form: str = "safetensors") -> Path:
    where = {}
    for number, part in enumerate(PARTS, start=1):
        name = f"model-{number:05}-of-00002.{form}"
        save_file(part, folder / name) if form == "safetensors" else torch.save(part, folder / name)
        where |= dict.fromkeys(part, name)
    index = folder / f"model.{form}.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 60}, "weight_map": where}, indent=2))
    return index


@pytest.mark.parametrize("form", ["safetensors", "bin"])
def test_all_parts_are_read(tmp_path: Path, form: str):
    state = read_state(write(tmp_path, form))
    expected = PARTS[0] | PARTS[1]
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[key], value) for key, value in expected.items())


def test_a_part_is_missing(tmp_path: Path):
    index = write(tmp_path)
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(UsageError) as error:
        read_state(index)
    assert str(error.value) == (
        f"{index} names 2 files of which 1 are not beside it: model-00002-of-00002.safetensors; "
        f"put them into its folder"
    )


def test_one_part_by_itself(tmp_path: Path):
    write(tmp_path)
    alone = tmp_path / "model-00001-of-00002.safetensors"
    with pytest.raises(UsageError, match=r"It is one of several files: give their \*.index.json."):
        load_weights(FrameResNet(10, num_classes=5, num_frames=2), read_weights(alone))


def test_a_tensor_is_missing(tmp_path: Path):
    index = write(tmp_path)
    save_file({"bn1.bias": torch.ones(1)}, tmp_path / "model-00002-of-00002.safetensors")
    with pytest.raises(
        UsageError, match=r"names 1 tensors that are not in .* 'fc.weight' in model-0"
    ):
        read_state(index)


def test_a_part_elsewhere_is_not_read(tmp_path: Path):
    index = tmp_path / "sub" / "model.safetensors.index.json"
    index.parent.mkdir()
    save_file(PARTS[0], tmp_path / "w.safetensors")
    index.write_text(json.dumps({"weight_map": {"conv1.weight": "../w.safetensors"}}))
    with pytest.raises(UsageError, match=r"of which 1 are not beside it: \.\./w.safetensors"):
        read_state(index)


@pytest.mark.parametrize("text", ['{"a": 1}', '{"weight_map": ["a"]}', '{"weight_map": {"a": 3}}'])
def test_other_json(tmp_path: Path, text: str):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(
        UsageError, match=r"is JSON without the 'weight_map' of a sharded checkpoint"
    ):
        read_state(tmp_path / "config.json")


def test_damaged_json(tmp_path: Path):
    (tmp_path / "w.json").write_text('{"weight_map": ')
    with pytest.raises(UsageError, match="not a file of weights, or a damaged one"):
        read_state(tmp_path / "w.json")
