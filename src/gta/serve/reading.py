"""What the reading processes of `gta serve` do: an upload to the views that the model sees."""

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
    """What a client has sent, as it lies on the disk."""

    path: str
    """A file, or of pictures their folder."""
    kind: Kind
    fps: float | None = None
    """Of frames without times; of a file, in place of its own."""


class UploadReader:
    """Reads uploads; the same frames give the same views as `Predictor` makes of them.

    Args:
        reader: Of videos and folders of pictures.
        largest: Bytes of an array, also after unpacking.
    """

    def __init__(self, reader: Reader, largest: int):
        self.reader, self.largest = reader, largest

    def __call__(self, upload: Upload) -> tuple[Tensor, Seen]:
        """Views, uint8 (V, C, T, H, W).

        Raises:
            VideoError: It cannot be read.
            UsageError: The array is none of frames.
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
    """The array of a .npy file, on the disk until it is looked at, or the only one of a .npz.

    Args:
        path: The file; its content tells which it is.
        largest: Bytes that a packed one may become.

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
                raise ValueError(f"it holds {len(members)} arrays, and a clip is one")
            if members[0].file_size > largest:
                raise ValueError(f"it becomes {members[0].file_size / 2**20:.0f} MB when unpacked")
            array = archive[archive.files[0]]
        if not isinstance(array, np.ndarray):
            raise ValueError("what it holds is no array")
        return array
    except Exception as error:  # NumPy and zipfile raise many types on strange files
        kind = "npz" if packed else "npy"
        raise UsageError(f"this .{kind} file cannot be read: {error}") from error
