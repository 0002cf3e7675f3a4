"""Reading .safetensors files, whatever their name."""

import json
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load, load_file
from torch import Tensor


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a file, on the CPU, and what it says of itself.

    Raises:
        SafetensorError: It is damaged, or no such file.
        OSError: It cannot be opened.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:  # a name that is not UTF-8, which the library refuses
        content = path.read_bytes()
        tensors = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        return tensors, header.get("__metadata__", {})
    with safe_open(path, framework="pt") as file:
        about = file.metadata() or {}
    return load_file(path), about
