"""Reading the tensors of a file, whatever it is called, without running anything that it holds."""

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from gta.backbones.pickled_arrays import ALLOWED, Array, unpickle
from gta.errors import UsageError

ENTRIES = (
    *("state_dict", "model_state", "model_state_dict", "model", "blobs"),
    *("state_dict_ema", "ema_state_dict", "model_ema"),
)
"""Where checkpoints keep the weights: TSM and timm, PySlowFast, others, Caffe2; and averages of
weights, where there is nothing else."""


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by the names that they have there.

    Safetensors, PyTorch's checkpoints (both formats) and pickles of numpy arrays (Caffe2's model
    zoo) are told apart by their content. A checkpoint's other entries, such as the epoch, are left.

    Raises:
        UsageError: There is no such file, it is not one of weights, or it names code.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder: give the .pth or .safetensors file itself")
    if not path.is_file():
        raise UsageError(
            f"{path}: no such weights file; give a .pth or .safetensors file, 'imagenet' or 'none'"
        )
    try:
        tensors = _tensors(_read(path))
    except pickle.UnpicklingError as error:  # torch's own text tells how to run the file's code
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        raise UsageError(
            f"{path}: not a file of weights, or one with more than tensors in it"
            f"{f' ({named[1]})' if named else ''}, which is not opened because it could run code; "
            f"save the state_dict() alone"
        ) from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except Exception as error:  # other files raise errors of many types and of no meaning
        raise UsageError(f"{path}: not a file of weights, or a damaged one") from error
    if not tensors:
        raise UsageError(f"{path}: not a state dictionary (names with tensors)")
    return tensors


def _read(path: Path) -> Any:
    with path.open("rb") as file:
        start = file.read(16)
    if start[8:9] == b"{":  # a length, then JSON
        try:
            return load_file(path)
        except SafetensorError as error:
            raise ValueError from error
    zipped = start.startswith(b"PK\x03\x04")
    torch_pickle = start.startswith(b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9")  # the magic number
    if not zipped and not torch_pickle:
        with path.open("rb") as file:
            return unpickle(file)
    # checkpoints hold more than tensors: numpy numbers, parsed arguments
    allowed = torch.serialization.safe_globals([(value, name) for name, value in ALLOWED.items()])
    with allowed, path.open("rb") as file:  # torch trusts the end of a path
        return torch.load(file, map_location="cpu", weights_only=True)


def _tensors(content: Any) -> dict[str, Tensor]:
    """The dictionary of tensors in a checkpoint, or none; single numbers beside them are left."""
    for entry in ENTRIES:
        if isinstance(content, Mapping) and isinstance(content.get(entry), Mapping):
            content = content[entry]
            break
    tensors: dict[str, Tensor] = {}
    for name, value in content.items() if isinstance(content, Mapping) else ():
        if isinstance(value, Array):
            native = value.value.dtype.newbyteorder("=")
            value = torch.from_numpy(value.value.astype(native))  # a copy, which may be written
        if isinstance(name, str) and isinstance(value, Tensor):
            tensors[name] = value
        elif not isinstance(value, int | float):
            return {}
    return tensors
