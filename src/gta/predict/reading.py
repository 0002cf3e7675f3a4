"""What the processes of `gta.predict.decoders` and the actors of Ray do: read videos."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gta.children import end_with_parent
from gta.config import Clip
from gta.data.dataset import ViewClips
from gta.data.decode import cut_off, damage
from gta.data.records import Video, VideoList
from gta.data.spent import Spent
from gta.errors import UsageError, VideoError, reason_of
from gta.inference import protocol_views
from gta.predict.slots import File
from gta.protocols import Protocol


@dataclass(frozen=True, slots=True)
class Seen:
    """What reading a video tells beside its pixels."""

    cut_off: str | None = None
    """What of the file is there, where its end is not."""
    damage: int = 0
    """Frames that were missing, or damaged."""
    spent: Spent = field(default_factory=Spent)


class Reader:
    """Reads the views of a protocol from a path, uint8 (V, C, T, H, W), as `Predictor` does.

    Args:
        protocol: Which views.
        clip: Their frames.
        classes: Names; where any tells a direction, nothing is mirrored.
    """

    def __init__(self, protocol: Protocol, clip: Clip, classes: Sequence[str]):
        self.protocol, self.clip, self.classes = protocol, clip, list(classes)

    @property
    def clips(self) -> ViewClips:
        """What makes the views, also of frames in memory."""
        return protocol_views(VideoList([], self.classes), self.protocol, self.clip)

    def __call__(self, path: str, fps: float | None = None) -> tuple[Tensor, Seen]:
        spent = Spent()
        views = self.clips.read(Video(path, Path(path), None, fps=fps), spent=spent)
        spent.clips = len(views)
        return views, Seen(cut_off(Path(path)), damage(Path(path)), spent)


_PIECE = 2**14
"""Bytes that go through a pipe at once: what is longer may be there in part."""
Read = Callable[[Any], tuple[Tensor, Seen]]


def serve_views(connection: Connection, read: Read, file: File | None) -> None:
    """In a process of `Decoders`: reads what it is asked for until nobody asks any more."""
    end_with_parent()
    torch.set_num_threads(1)
    with suppress(EOFError, ConnectionError):  # whoever asked is gone
        connection.send("ready")
        while True:
            _serve_one(connection, read, file)


def _serve_one(connection: Connection, read: Read, file: File | None) -> None:
    path, place = connection.recv()
    about, stored = answer_of(read, path)
    if stored is None:
        connection.send(about)
        return
    pixels = stored.view(-1).numpy()
    placed = file is not None and place is not None and file.write(place, pixels)
    connection.send((*about, placed))
    for start in range(0, 0 if placed else len(pixels), _PIECE):
        connection.send_bytes(pixels[start : start + _PIECE].data)


def answer_of(read: Read, path: Any) -> tuple[Any, Tensor | None]:
    """What is sent of a video: shape, order of axes and what was seen of it, and the pixels.

    In place of the first stands the reason where it cannot be read. The pixels are contiguous,
    their axes in the order in which they follow each other in memory.
    """
    try:
        views, seen = read(path)
    except VideoError as error:
        return error.reason, None
    except UsageError as error:
        return str(error), None
    except Exception as error:
        return f"cannot be decoded: {reason_of(error)}", None
    order = memory_order(views)
    return (tuple(views.shape), order, seen), views.permute(order).contiguous()


def memory_order(tensor: Tensor) -> list[int]:
    """Its axes as they follow each other in memory: networks are faster on some orders."""
    return sorted(range(tensor.dim()), key=lambda axis: -tensor.stride(axis))
