"""Reading the tensors of a file, whatever it is called, without running anything that it holds."""

import pickle
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor

from gta.archives import check_archive
from gta.backbones.foreign_files import STATE_DICT, folder, foreign
from gta.backbones.pickled_arrays import ALLOWED, Array, unpickle
from gta.backbones.sharded_files import is_index, read_sharded
from gta.backbones.weight_parts import chosen_part
from gta.errors import UsageError
from gta.tensor_files import read_tensors

_SMALL = 2**28
"""Bytes that any tensor may repeat."""
DAMAGED = "{}: not a file of weights, or a damaged one"


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of a file, and what else it says of the network."""

    tensors: dict[str, Tensor]
    """By the names that they have there."""
    part: str = ""
    """The dictionary in which they are: "state_dict"; "" for the file itself."""
    others: list[str] = field(default_factory=list)
    """Other parts with weights."""
    content: Any = None
    """All that the file holds."""


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by the names that they have there; see `read_checkpoint`."""
    return read_checkpoint(path).tensors


def read_checkpoint(path: Path) -> Checkpoint:
    """The tensors of a file.

    Safetensors (one file, or the index of several), PyTorch's checkpoints (both formats), pickles
    of numpy arrays (Caffe2's model zoo) and .npz archives are told apart by their content. Of a
    checkpoint's entries that with weights is chosen by `weight_parts`; the rest, such as the
    epoch, is left.

    Args:
        path: The file; `FILE#PART` names one of several parts.

    Raises:
        UsageError: There is no such file, it is not one of weights, or it names code.
    """
    path, wanted = split_part(path)
    if path.is_dir():
        raise UsageError(f"{path} {folder(path)}")
    if not path.is_file():
        raise UsageError(
            f"{path}: no such weights file; give a .pth or .safetensors file, 'imagenet' or 'none'"
        )
    return _read(path, wanted)


def split_part(path: Path) -> tuple[Path, str]:
    """`ckpt.pth#model_ema` to the file and the name of a part, unless there is a file so named."""
    name, sharp, part = path.name.rpartition("#")
    if not sharp or not name or path.exists():
        return path, ""
    return path.with_name(name), part


def _read(path: Path, wanted: str = "") -> Checkpoint:
    try:
        words = foreign(path)
        if words is not None:
            raise UsageError(f"{path} {words}")
        content = _content(path)
        part = chosen_part(content, str(path), wanted)
        _check_claims(part.tensors, path)
        return Checkpoint(part.tensors, part.name, part.others, content)
    except UsageError:
        raise
    except pickle.UnpicklingError as error:  # torch's own text tells how to run the file's code
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        if named is None:
            raise UsageError(DAMAGED.format(path)) from error
        raise UsageError(
            f"{path}: not a file of weights, or one with more than tensors in it ({named[1]}), "
            f"such as a whole model, which is not opened because it could run code; save the "
            f"state_dict() alone, where it was made: {STATE_DICT}"
        ) from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except Exception as error:  # other files raise errors of many types and of no meaning
        raise UsageError(DAMAGED.format(path)) from error


def _content(path: Path) -> Any:
    with path.open("rb") as file:
        start = file.read(16)
    if start[8:9] == b"{":  # a length, then JSON
        try:
            return read_tensors(path)[0]
        except SafetensorError as error:
            raise ValueError from error
    if is_index(start):
        return read_sharded(path, lambda shard: _read(shard).tensors)
    zipped = start.startswith(b"PK\x03\x04")
    torch_pickle = start.startswith(b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9")  # the magic number
    if not zipped and not torch_pickle:
        with path.open("rb") as file:
            return unpickle(file)
    if zipped:
        _check_size(path)
    if zipped and (arrays := _arrays(path)):
        return arrays
    # checkpoints hold more than tensors: numpy numbers, parsed arguments
    allowed = torch.serialization.safe_globals([(value, name) for name, value in ALLOWED.items()])
    with allowed, path.open("rb") as file:  # torch trusts the end of a path
        return torch.load(file, map_location="cpu", weights_only=True)


def _check_claims(tensors: Mapping[str, Tensor], path: Path) -> None:
    """A tensor may repeat one number as often as it claims, until something copies it."""
    for name, value in tensors.items():
        if value.layout == torch.strided:
            claimed, there = value.numel() * value.itemsize, value.untyped_storage().nbytes()
            if claimed > max(_SMALL, 4 * there):
                raise UsageError(
                    f"{path}: {name} claims {claimed / 1e9:.1f} GB of numbers, and the file has "
                    f"{there / 1e9:.1f}"
                )


def _check_size(path: Path) -> None:
    try:
        check_archive(path)
    except ValueError as error:
        raise UsageError(f"{path} is not read as weights: {error}") from error


def _arrays(path: Path) -> dict[str, Array]:
    """The arrays of an .npz archive; none of another zip."""
    with zipfile.ZipFile(path) as archive:
        if not all(name.endswith(".npy") for name in archive.namelist()):
            return {}
    with np.load(path, allow_pickle=False) as archive:
        return {name: Array(archive[name]) for name in archive.files}
