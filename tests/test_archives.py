"""Archives that would fill the memory are refused by what their headers say."""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from gta import archives
from gta.archives import check_archive
from gta.backbones.weight_files import read_state
from gta.errors import DataError, UsageError
from gta.evaluation.scores import Scores


def array(shape: str, content: bytes = b"") -> bytes:
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + content


def archive(path: Path, members: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", how) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def test_usual_ones(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros((1000, 100)), b=np.array(["x", "yz"]))
    torch.save({"a": torch.zeros(1000)}, tmp_path / "a.pth")
    check_archive(tmp_path / "a.npz")
    check_archive(tmp_path / "a.pth")


@pytest.mark.parametrize("end", ["npz", "pth"])
def test_one_that_grows(tmp_path, monkeypatch, end):
    monkeypatch.setattr(archives, "_SMALL", 2**20)
    path = archive(tmp_path / f"a.{end}", {"a.npy": array("(1048576,)", bytes(2**22))})
    with pytest.raises(UsageError, match=r"is not read as weights: it would become 0.0 GB of 0.0"):
        read_state(path)
    with pytest.raises(DataError, match=r"is not a score file .*: it would become 0.0 GB of 0.0 M"):
        Scores.load(path)


@pytest.mark.parametrize("shape", ["(1000000000000,)", "(9, 1000000, 1000000)"])
def test_an_array_that_claims_more_than_there_is(tmp_path, shape):
    path = archive(tmp_path / "a.npz", {"about.npy": array(shape, bytes(400))})
    told = r"an array claims [\d,]+ numbers in \d+ bytes$"
    with pytest.raises(DataError, match=told):
        Scores.load(path)
    with pytest.raises(UsageError, match=told):
        read_state(path)


@pytest.mark.parametrize("shape", ["(" * 500, "x", "('a',)", "(2**99,)", "None", "{}"])
def test_headers_of_nonsense(tmp_path, shape):
    path = archive(tmp_path / "a.npz", {"about.npy": array(shape)})
    for read, kind in ((Scores.load, DataError), (read_state, UsageError)):
        with pytest.raises(kind):
            read(path)


def test_too_many_members(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_MOST_MEMBERS", 3)
    path = archive(tmp_path / "a.npz", {f"{i}.npy": b"" for i in range(4)})
    with pytest.raises(ValueError, match="it is an archive of 4 files"):
        check_archive(path)
    monkeypatch.setattr(archives.zipfile, "ZipFile", None)  # not even their names are looked at
    for read in (Scores.load, read_state):
        with pytest.raises(UsageError, match="is an archive of 4 files"):
            read(path)


def test_a_tensor_that_repeats_one_number(tmp_path):
    repeated = torch.zeros(1).expand(10**6, 10**6)
    torch.save({"conv1.weight": repeated}, tmp_path / "a.pth")
    with pytest.raises(UsageError, match=r"a.pth: conv1.weight claims 4000.0 GB of numbers, and"):
        read_state(tmp_path / "a.pth")
    torch.save({"conv1.weight": torch.zeros(4, 1).expand(4, 9)}, tmp_path / "b.pth")
    assert read_state(tmp_path / "b.pth")["conv1.weight"].shape == (4, 9)


def test_no_archive(tmp_path):
    (tmp_path / "a.npz").write_bytes(io.BytesIO(b"PK\x03\x04" + bytes(100)).getvalue())
    with pytest.raises(UsageError, match="not a file of weights, or a damaged one"):
        read_state(tmp_path / "a.npz")
