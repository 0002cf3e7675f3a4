"""Files and folders that are taken for weights: each is named, with the way out."""

import gzip
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from gta.backbones.weight_files import read_state
from gta.errors import UsageError


def said(path: Path) -> str:
    with pytest.raises(UsageError) as error:
        read_state(path)
    assert "weights_only" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty (0 bytes): it was not written, or its download failed"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "is a pointer of Git LFS"),
        (b"\n<!DOCTYPE html><html>Sign in</html>", "is a web page and not the file behind it"),
        (b"<?xml version='1.0'?><Error>AccessDenied</Error>", "is a web page"),
        (gzip.compress(b"weights", mtime=0), "is compressed (gzip): unpack it"),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 file, as of Keras: save the weights from PyTorch"),
    ],
)
def test_files(tmp_path: Path, name: str, content: bytes, words: str):
    path = tmp_path / name
    path.write_bytes(content)
    assert said(path).startswith(f"{path} {words}")


def test_archives(tmp_path: Path):
    torch.save({"a": torch.ones(1)}, tmp_path / "w.pth")
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        archive.write(tmp_path / "w.pth", "weights/w.pth")
    assert "w.zip is an archive (zip) without a checkpoint in it: unpack" in said(
        tmp_path / "w.zip"
    )
    with tarfile.open(tmp_path / "w.tar", "w") as archive:
        archive.add(tmp_path / "w.pth", "w.pth")
    assert "w.tar is an archive (tar): unpack it" in said(tmp_path / "w.tar")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_torchscript_program(tmp_path: Path):
    torch.jit.script(nn.Linear(2, 2)).save(str(tmp_path / "w.pt"))
    assert said(tmp_path / "w.pt") == (
        f"{tmp_path / 'w.pt'} is a TorchScript program, which is not opened because it could run "
        f"code: save the weights where it was made, torch.save(model.state_dict(), 'weights.pth')"
    )


def test_a_folder(tmp_path: Path):
    (tmp_path / "b.pth").touch()
    (tmp_path / "a.safetensors").touch()
    assert said(tmp_path) == (
        f"{tmp_path} is a folder: give the .pth or .safetensors file itself (a.safetensors, b.pth)"
    )
    (tmp_path / ".metadata").touch()
    assert "is a sharded checkpoint of torch.distributed: write it as one file" in said(tmp_path)
    (tmp_path / "recipe.yaml").touch()
    assert said(tmp_path).endswith("is the folder of a run: give the last.safetensors in it")
