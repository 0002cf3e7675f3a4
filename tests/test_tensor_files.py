"""Files of weights tell whether they are what was written."""

from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from gta.errors import UsageError
from gta.tensor_files import read_tensors, write_tensors

TENSORS = {
    "a": torch.arange(6.0).view(2, 3),
    "count": torch.tensor(5),
    "none": torch.empty(0, 3),
    "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "flags": torch.tensor([True, False]),
    "turned": torch.arange(6).view(2, 3).T,
}


def test_what_is_written_is_read(tmp_path: Path):
    write_tensors(tmp_path / "a.safetensors", TENSORS, {"epoch": "3"})
    tensors, about = read_tensors(tmp_path / "a.safetensors")
    assert about["epoch"] == "3"
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert tensors[name].dtype == tensor.dtype
        assert torch.equal(tensors[name], tensor)


def test_the_same_content_gives_the_same_bytes(tmp_path: Path):
    about = {"epoch": "3", "source": "ein Füllwort"}
    for name in ("a", "b"):
        write_tensors(tmp_path / name, TENSORS, about)
        about = dict(reversed(about.items()))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert read_tensors(tmp_path / "a")[1].items() >= about.items()


def test_each_flipped_bit_is_found(tmp_path: Path):
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"a": torch.arange(3.0)}, {"epoch": "3"})
    content = path.read_bytes()
    for bit in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises((UsageError, SafetensorError, UnicodeDecodeError)):
            read_tensors(path)


def test_the_message(tmp_path: Path):
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS, {"epoch": "3"})
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_tensors(path)
    assert str(caught.value) == (
        f"{path} is damaged: its content is not what was written (SHA-256). Use another "
        f"copy, or the weights of another epoch."
    )


def test_files_from_elsewhere_are_not_asked_for_it(tmp_path: Path):
    path = tmp_path / "a.safetensors"
    save_file({"a": torch.ones(2)}, path, metadata={"modelspec.hash_sha256": "0x12"})
    assert read_tensors(path)[1] == {"modelspec.hash_sha256": "0x12"}
