"""Embeddings of many videos in one file."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gta.errors import UsageError
from gta.files import write_atomically
from gta.names import as_utf8
from gta.places import require_place
from gta.tensor_files import write_tensors

ENDINGS = (".safetensors", ".npz")


def check_ending(path: Path) -> None:
    """Before hours of work.

    Raises:
        UsageError: The file is of another kind, or there is no such folder.
    """
    if path.suffix not in ENDINGS:
        raise UsageError(f"{path}: embeddings are written as {' or '.join(ENDINGS)}")
    require_place(path)


def write_embeddings(path: Path, vectors: Sequence[Tensor], names: Sequence[str]) -> None:
    """Writes "embeddings", float32 (N, D), and "videos", the N names.

    Args:
        path: .npz, where the names are an array; or .safetensors, where they are a JSON list in the
            file's metadata.
        vectors: float32 (D,) of each video.
        names: Of the videos.
    """
    check_ending(path)
    rows = torch.stack(list(vectors)) if vectors else torch.empty(0, 0)
    if path.suffix == ".safetensors":
        write_tensors(path, {"embeddings": rows}, {"videos": json.dumps(list(names))})
        return
    # a byte of a name that is not UTF-8 is no letter to NumPy's file format either
    plain = [as_utf8(name) for name in names]
    arrays = {"embeddings": rows.numpy(), "videos": np.array(plain, dtype=np.str_)}
    write_atomically(path, lambda part: np.savez(part, **arrays))  # pyright: ignore
