"""Reading and writing .safetensors files, whatever their name, with a check of what they hold."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load, load_file, save
from torch import Tensor

from gta.errors import UsageError
from gta.files import write_atomically

_KEY = "gta-sha256"


def write_tensors(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> None:
    """Writes tensors, what is said about them, and the SHA-256 of both.

    Raises:
        OSError: The disk is full, or the like; the old file is as it was.
    """
    tensors = {key: value.detach().contiguous().cpu() for key, value in tensors.items()}
    about = {**about, _KEY: digest(tensors, about)}
    content = _with_header(save(tensors), about)
    # not save_file: its files can be read by their owner alone
    write_atomically(path, lambda part: part.write_bytes(content))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a file, on the CPU, and what it says of itself.

    Raises:
        SafetensorError: It is damaged, or no such file.
        UsageError: It is not what `write_tensors` wrote: something was changed since.
        OSError: It cannot be opened.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:  # a name that is not UTF-8, which the library refuses
        content = path.read_bytes()
        tensors = load(content)
        about = _header(content)[0].get("__metadata__", {})
    else:
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
        tensors = load_file(path)
    told = [key for key in about if _is_nearly_key(key)]
    if told:
        rest = {key: value for key, value in about.items() if key not in told}
        if told != [_KEY] or about[_KEY] != digest(tensors, rest):
            raise UsageError(
                f"{path} is damaged: its numbers are not those that were written (SHA-256). Use "
                f"another copy, or the weights of another epoch."
            )
    return tensors, about


def _header(content: bytes) -> tuple[dict[str, Any], int]:
    """What a file's header says, and where the numbers begin."""
    start = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:start]), start


def _with_header(content: bytes, about: Mapping[str, str]) -> bytes:
    """A file's content with that in its header, always the same bytes: the library's are not."""
    header, start = _header(content)
    header = {"__metadata__": dict(sorted(about.items()))} | header
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[start:]


def digest(tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> str:
    """SHA-256 over names, types, shapes and bytes of tensors, and over what is said about them."""
    found = hashlib.sha256(json.dumps(dict(sorted(about.items()))).encode())
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name}\0{tensor.dtype}\0{list(tensor.shape)}\0".encode())
        found.update(tensor.contiguous().flatten().view(torch.uint8).numpy().data)
    return found.hexdigest()


def _is_nearly_key(key: str) -> bool:
    """Whether a key is the one of the SHA-256, or was before one of its letters was damaged."""
    return len(key) == len(_KEY) and sum(map(str.__ne__, key, _KEY)) <= 1
