"""Features of frozen trunks on the disk: computed once, used by every training of the same videos.

A file holds the features of one view of a video. Its name is a hash of all that they depend on: the
video's file, the view, and the trunk's weights. A file that cannot be read is computed again.
"""

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from gta.data.storage.shard_cache import default_folder
from gta.data.storage.sources import Member, Source
from gta.errors import UsageError
from gta.tensor_files import read_tensors, write_tensors

_PART = 1 << 16
"""Bytes at each end of a video file that, with its size, identify it."""
_NAME = "features"


class FeatureFiles:
    """Features by what they depend on.

    Args:
        folder: The folder of the files; None: the user's cache folder.
        limit_gb: Most room on the disk; the least recently used files are removed.
        say: Takes a line.
    """

    def __init__(self, folder: str | None, limit_gb: float, say: Callable[[str], None]):
        default = default_folder().with_name("features")
        self.folder = Path(folder).expanduser() if folder else default
        self.limit, self.say = int(limit_gb * 2**30), say
        self.bad = 0
        """How many existing files could not be used."""

    def path(self, about: dict[str, Any]) -> Path:
        """The path of the features that depend on `about`."""
        text = json.dumps(about, sort_keys=True, ensure_ascii=True)
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:40]}.safetensors"

    def read(self, path: Path, shape: tuple[int, ...]) -> Tensor | None:
        """The features in a file of that shape; None: there is no such file that can be used."""
        try:
            features = read_tensors(path)[0].get(_NAME)
        except FileNotFoundError:
            return None
        except (SafetensorError, UsageError, OSError, ValueError) as error:
            if not path.exists():  # the library raises its own error for this
                return None
            self._tell_bad(path, " ".join(str(error).split())[:120])
            return None
        if features is None or tuple(features.shape) != shape or not features.isfinite().all():
            self._tell_bad(
                path, "the features have another shape than its name says, or are not finite"
            )
            return None
        with suppress(OSError):
            os.utime(path)
        return features

    def write(self, path: Path, features: Tensor) -> None:
        """Keeps features, float16; a full disk is reported and is no error."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_tensors(path, {_NAME: features.to(torch.float16)}, {})
        except OSError as error:
            self.say(f"features are not kept: {path.parent}: {error.strerror or error}")

    def has_room(self, num_bytes: int) -> bool:
        """Whether features of so many bytes are within the limit."""
        return num_bytes <= self.limit

    def require_room(self, num_bytes: int) -> None:
        """Checks that features of so many bytes are within the limit.

        Raises:
            UsageError: They are larger.
        """
        if not self.has_room(num_bytes):
            need = num_bytes / 2**30
            raise UsageError(
                f"the features of these videos take {need:.1f} GiB, and data.features_gb is "
                f"{self.limit / 2**30:.1f}: give them room, --set data.features_gb="
                f"{int(need) + 1}, keep fewer views (augment.views), or train without --freeze"
            )

    def keep_limit(self) -> None:
        """Removes the least recently used files until the others are within the limit.

        Called after a training has read or written its own, which are then the latest.
        """
        files = [(p, p.stat()) for p in self.folder.glob("*.safetensors")]
        used = sum(status.st_size for _, status in files)
        for path, status in sorted(files, key=lambda pair: pair[1].st_mtime):
            if used <= self.limit:
                break
            path.unlink(missing_ok=True)
            used -= status.st_size

    def _tell_bad(self, path: Path, why: str) -> None:
        self.bad += 1
        if self.bad == 1:
            self.say(f"computed again: {path}: {why}")


def identity(source: Source) -> list[Any]:
    """The identity of a video's content, wherever it is stored; a changed video has another."""
    if isinstance(source, Member):
        return ["shard", str(source), source.offset, source.size]
    path = Path(str(source)).expanduser()
    if path.is_dir():
        entries = sorted((e.name, e.stat()) for e in path.iterdir() if e.is_file())
        return ["pictures", [(name, s.st_size, s.st_mtime_ns) for name, s in entries]]
    status, ends = path.stat(), hashlib.sha256()
    with path.open("rb") as file:
        ends.update(file.read(_PART))
        file.seek(max(status.st_size - _PART, 0))
        ends.update(file.read(_PART))
    return ["file", status.st_size, ends.hexdigest()]
