"""The eight ways in which a picture is stored, and back: phones turn the label, not the pixels."""

import struct
from typing import Any

import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame

UPRIGHT = 1
_TURNED = range(2, 9)
_MATRIX = struct.Struct("=9i")


def _kind_without_a_name(kinds: type[Type], value: object) -> Type:
    kind = object.__new__(kinds)
    kind._value_, kind._name_ = value, f"UNKNOWN_{value}"
    return kind


# A frame with side data of a kind that FFmpeg has and PyAV does not name (EXIF in 18.1) would
# otherwise give none of it.
Type._missing_ = classmethod(_kind_without_a_name)  # pyright: ignore[reportAttributeAccessIssue]


def upright(image: np.ndarray, stored: int) -> np.ndarray:
    """A picture (H, W, ...) that was stored in one of EXIF's eight ways, as it is to be seen.

    Args:
        image: Pixels as stored.
        stored: EXIF's orientation, 1 to 8; 1 and unknown ones change nothing.
    """
    if stored not in _TURNED:
        return image
    if stored >= 5:
        image = image.swapaxes(0, 1)
    if stored in (3, 4, 7, 8):
        image = image[::-1]
    if stored in (2, 3, 6, 7):
        image = image[:, ::-1]
    return image


def stored_as(frame: VideoFrame) -> int:
    """The same number for a frame of a video, from its display matrix."""
    side_data: Any = frame.side_data
    if Type.DISPLAYMATRIX not in side_data:
        return UPRIGHT
    return of_matrix(_MATRIX.unpack(bytes(side_data[Type.DISPLAYMATRIX])[: _MATRIX.size]))


def of_matrix(matrix: tuple[int, ...]) -> int:
    """The nearest of the eight for a display matrix (a, b, u, c, d, v, x, y, w).

    ISO/IEC 14496-12: the stored (x, y) is shown at (a x + c y, b x + d y), y downwards.
    """
    a, b, _, c, d, *_ = matrix
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return {(False, False): 1, (True, False): 2, (True, True): 3, (False, True): 4}[
            a < 0, d < 0
        ]
    return {(False, False): 5, (True, False): 6, (True, True): 7, (False, True): 8}[c < 0, b < 0]
