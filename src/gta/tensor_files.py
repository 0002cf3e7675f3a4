"""Reads and writes .safetensors files of any name, with a checksum of their content."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load, load_file
from torch import Tensor

from gta.errors import UsageError
from gta.files import write_atomically

_KEY = "gta-sha256"


_TYPES = {
    torch.float64: "F64",
    torch.int64: "I64",
    torch.complex64: "C64",
    torch.float32: "F32",
    torch.int32: "I32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int16: "I16",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.uint8: "U8",
    torch.int8: "I8",
    torch.bool: "BOOL",
}
"""Types by their names in the format, the widest first, so that each is aligned to its width."""


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, str], *copies: Path
) -> None:
    """Writes tensors, their metadata, and the SHA-256 of both.

    Args:
        path: The file.
        tensors: Tensors by name.
        about: The metadata.
        copies: Files that get the same content.

    Raises:
        OSError: The disk is full, or the like; the old file is unchanged.
    """
    tensors = {key: value.detach().contiguous().cpu() for key, value in tensors.items()}
    about = {**about, _KEY: digest(tensors, about)}

    def write(part: Path) -> None:
        with part.open("wb") as file:
            file.writelines(content(tensors, about))

    for place in (path, *copies):
        write_atomically(place, write)


def content(
    tensors: Mapping[str, Tensor], about: Mapping[str, str]
) -> Iterator[bytes | memoryview]:
    """The content of a file of these tensors, piece by piece; it is deterministic.

    The library would copy all tensors twice and hold Python's lock, so that a running training
    would wait.

    Args:
        tensors: Tensors by name, on the CPU.
        about: The metadata.
    """
    order = list(_TYPES.values())
    kinds = {name: _TYPES[tensor.dtype] for name, tensor in tensors.items()}
    names = sorted(tensors, key=lambda name: (order.index(kinds[name]), name))
    header: dict[str, Any] = {"__metadata__": dict(sorted(about.items()))}
    start = 0
    for name in names:
        shape, end = list(tensors[name].shape), start + tensors[name].nbytes
        header[name] = {"dtype": kinds[name], "shape": shape, "data_offsets": [start, end]}
        start = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little") + text
    for name in names:
        yield _bytes(tensors[name])


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a file, on the CPU, and its metadata.

    Raises:
        SafetensorError: It is damaged, or not a file of this format.
        UsageError: It has changed since `write_tensors` wrote it.
        OSError: It cannot be opened.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:  # the library refuses a name that is not UTF-8
        data = path.read_bytes()
        tensors = load(data)
        about = _header(data).get("__metadata__", {})
    else:
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
        tensors = load_file(path)
    told = [key for key in about if _is_nearly_key(key)]
    if told:
        rest = {key: value for key, value in about.items() if key not in told}
        if told != [_KEY] or about[_KEY] != digest(tensors, rest):
            raise UsageError(
                f"{path} is damaged: its content is not what was written (SHA-256). Use "
                f"another copy, or the weights of another epoch."
            )
    return tensors, about


def _header(data: bytes) -> dict[str, Any]:
    """The header of a file."""
    return json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])


def _bytes(tensor: Tensor) -> memoryview:
    """The memory of a tensor on the CPU."""
    return tensor.contiguous().flatten().view(torch.uint8).numpy().data


def digest(tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> str:
    """SHA-256 over names, types, shapes and bytes of tensors, and over the metadata."""
    sha256 = hashlib.sha256(json.dumps(dict(sorted(about.items()))).encode())
    for name, tensor in sorted(tensors.items()):
        sha256.update(f"{name}\0{tensor.dtype}\0{list(tensor.shape)}\0".encode())
        sha256.update(_bytes(tensor))
    return sha256.hexdigest()


def _is_nearly_key(key: str) -> bool:
    """Whether a key is that of the SHA-256, possibly with one damaged letter."""
    return len(key) == len(_KEY) and sum(map(str.__ne__, key, _KEY)) <= 1
