"""Files of weights: what is read, and that nothing in them is run."""

from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from gta.backbones.weights import read_state
from gta.errors import UsageError


@pytest.mark.parametrize("name", ["w.pth", "w.pt", "w.bin", "w.safetensors"])
def test_formats(tmp_path: Path, name: str):
    saved = {"conv1.weight": torch.ones(2, 3), "bn1.num_batches_tracked": torch.tensor(4)}
    path = tmp_path / name
    if path.suffix == ".safetensors":
        save_file(saved, path)
    else:
        torch.save(OrderedDict(saved), path)
    state = read_state(path)
    assert state.keys() == saved.keys()
    assert all(torch.equal(state[key], tensor) for key, tensor in saved.items())


def test_a_checkpoint_with_a_state_dict_inside(tmp_path: Path):
    state = {"conv1.weight": torch.ones(2)}
    torch.save({"epoch": 3, "arch": "resnet18", "state_dict": state}, tmp_path / "c.pth")
    assert torch.equal(read_state(tmp_path / "c.pth")["conv1.weight"], torch.ones(2))


class Malicious:
    """Creates a file when it is unpickled."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_with_code_is_not_run(tmp_path: Path, zipped: bool):
    marker, path = tmp_path / "marker", tmp_path / "w.pth"
    state = {"conv1.weight": torch.ones(2), "code": Malicious(marker)}
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    torch.load(path, weights_only=False)
    assert marker.exists()  # the trap works
    marker.unlink()
    with pytest.raises(UsageError) as error:
        read_state(path)
    assert not marker.exists()
    assert str(error.value) == (
        f"{path}: not a file of weights, or one with more than tensors in it, which is not opened "
        f"because it could run code; save the state_dict() alone"
    )
    with pytest.raises(UsageError, match="not a file of weights, or a damaged one"):
        read_state(path.rename(path.with_suffix(".safetensors")))
    assert not marker.exists()


def test_a_whole_pickled_network(tmp_path: Path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "w.pth")
    with pytest.raises(UsageError, match="save the state_dict"):
        read_state(tmp_path / "w.pth")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"hello, world", b"PK\x03\x04" + 64 * b"0", 99 * b"\xff"])
def test_a_file_that_is_not_one_of_weights(tmp_path: Path, content: bytes, suffix: str):
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content)
    with pytest.raises(UsageError) as error:
        read_state(path)
    assert str(error.value).startswith(f"{path}: not a file of weights")
    assert len(str(error.value)) < len(str(path)) + 160
    assert "weights_only" not in str(error.value)  # torch's advice is to run it


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_that_was_cut_short(tmp_path: Path, suffix: str):
    path = tmp_path / f"w{suffix}"
    state = {"conv1.weight": torch.ones(1000)}
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UsageError) as error:
        read_state(path)
    assert str(error.value) == f"{path}: not a file of weights, or a damaged one"


@pytest.mark.parametrize(
    "content",
    [[1, 2], torch.ones(2), {"a": 1}, {"a": torch.ones(1), "b": "c"}, {"state_dict": {"a": 1}}],
)
def test_a_file_of_something_else(tmp_path: Path, content: object):
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(UsageError) as error:
        read_state(tmp_path / "w.pth")
    assert str(error.value) == f"{tmp_path / 'w.pth'}: not a state dictionary (names with tensors)"


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(UsageError) as error:
        read_state(tmp_path / "w.pth")
    assert str(error.value) == (
        f"{tmp_path / 'w.pth'}: no such weights file; give a .pth or .safetensors file, 'imagenet' "
        f"or 'none'"
    )


def test_a_folder(tmp_path: Path):
    with pytest.raises(UsageError) as error:
        read_state(tmp_path)
    assert str(error.value) == (
        f"{tmp_path} is a folder: give the .pth or .safetensors file itself"
    )


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch, suffix: str):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("torch.load", refuse)
    monkeypatch.setattr("gta.backbones.weights.load_file", refuse)
    path = tmp_path / f"w{suffix}"
    path.touch()
    with pytest.raises(UsageError) as error:
        read_state(path)
    assert str(error.value) == f"{path}: cannot be read (Permission denied)"
