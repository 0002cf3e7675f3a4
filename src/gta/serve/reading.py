"""The reading processes of `gta serve`: from an upload to the views of the model."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from torch import Tensor

from gta.archives import check_archive
from gta.data.decode.memory import as_frames
from gta.data.decode.pixels import MAX_PIXELS
from gta.data.spent import Spent
from gta.errors import UsageError
from gta.predict.reading import Reader, Seen

Kind = Literal["video", "array", "pictures"]


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload on the disk."""

    path: str
    """A file, or the folder of pictures."""
    kind: Kind
    fps: float | None = None
    """Frame rate of frames without times; of a file, in place of its own."""


class UploadReader:
    """Reads uploads; the views are those that `Predictor` makes from the same frames.

    Args:
        reader: Reads videos and folders of pictures.
        largest: Most bytes of an array, also after unpacking.
    """

    def __init__(self, reader: Reader, largest: int):
        self.reader, self.largest = reader, largest

    def __call__(self, upload: Upload) -> tuple[Tensor, Seen]:
        """Views, uint8 (V, C, T, H, W).

        Raises:
            VideoError: It cannot be read.
            UsageError: The array does not hold frames.
        """
        if upload.kind != "array":
            return self.reader(upload.path, upload.fps)
        began = time.perf_counter()
        frames = as_frames(read_array(Path(upload.path), self.largest))
        if frames.shape[-2] * frames.shape[-1] > MAX_PIXELS:
            raise UsageError(
                f"frames have at most {MAX_PIXELS:,} pixels; got {tuple(frames.shape)}"
            )
        decoded = time.perf_counter()
        views = self.reader.clips.views_of(frames, fps=upload.fps)
        spent = Spent(decoded - began, time.perf_counter() - decoded, clips=len(views))
        return views, Seen(spent=spent)


def read_array(path: Path, largest: int) -> np.ndarray:
    """The array of a .npy file, mapped into memory, or the only array of a .npz.

    Args:
        path: The file; its content decides which it is.
        largest: Most bytes of an unpacked array.

    Raises:
        UsageError: It is neither, is damaged, or holds objects or several arrays.
    """
    with path.open("rb") as file:
        packed = file.read(2) == b"PK"
    try:
        if not packed:
            return np.load(path, mmap_mode="c", allow_pickle=False)
        check_archive(path)
        with np.load(path, allow_pickle=False) as archive:
            members = archive.zip.infolist()
            if len(members) != 1:
                raise ValueError(f"it holds {len(members)} arrays; a clip is one array")
            if members[0].file_size > largest:
                raise ValueError(f"it has {members[0].file_size / 2**20:.0f} MB when unpacked")
            array = archive[archive.files[0]]
        if not isinstance(array, np.ndarray):
            raise ValueError("its content is not an array")
        return array
    except Exception as error:  # NumPy and zipfile raise many types on strange files
        kind = "npz" if packed else "npy"
        raise UsageError(f"this .{kind} file cannot be read: {error}") from error
