"""Checks the unpacked size of a zip archive before it is unpacked."""

import ast
import re
import struct
import zipfile
from math import prod
from pathlib import Path
from typing import IO

_SMALL = 2**28
"""Unpacked bytes that are always allowed."""
_RATIO = 100
"""Largest ratio of unpacked to packed size above that: floats hardly compress."""
_MOST_MEMBERS = 100_000
_EACH = 100
"""Least bytes of a member in the directory of an archive: 46 and its name."""


def check_archive(path: Path) -> None:
    """Refuses an archive that would fill the memory.

    Raises:
        ValueError: It would fill the memory.
        zipfile.BadZipFile: It is damaged.
        OSError: It cannot be read.
    """
    check_directory(path)
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        size, own = sum(member.file_size for member in members), path.stat().st_size
        if len(members) > _MOST_MEMBERS:
            raise ValueError(f"it is an archive of {len(members):,} files")
        if size > max(_SMALL, _RATIO * own):
            raise ValueError(
                f"it would become {size / 1e9:.1f} GB of {own / 1e6:.1f} MB when it is unpacked"
            )
        for member in members:
            if member.filename.endswith(".npy"):
                with archive.open(member) as file:
                    _check_array(file, member.file_size)


def check_directory(path: Path) -> None:
    """Checks the number of members, stated at an archive's end; Python makes an object of each.

    (APPNOTE.TXT, 4.3.14 to 4.3.16.)

    Raises:
        ValueError: There are too many.
    """
    with path.open("rb") as file:
        start = max(0, file.seek(0, 2) - 2**16 - 100)
        file.seek(start)
        tail = file.read()
    place = tail.rfind(b"PK\5\6")
    if place < 0 or len(tail) < place + 22:
        return  # zipfile raises the error
    count, size = struct.unpack_from("<HI", tail, place + 10)
    if place >= 76 and tail[place - 20 :].startswith(b"PK\6\7"):
        count, size = struct.unpack_from("<2Q", tail, place - 76 + 32)
    if count > _MOST_MEMBERS or size > _MOST_MEMBERS * _EACH:
        raise ValueError(f"it is an archive of {max(count, size // _EACH):,} files")


def _check_array(file: IO[bytes], size: int) -> None:
    """Checks the shape in an array's header, for which NumPy allocates before it reads the data.

    Raises:
        ValueError: The file is smaller than the shape claims.
    """
    start = file.read(12)
    if start[:6] != b"\x93NUMPY" or len(start) < 12:
        return  # NumPy raises the error
    old = start[6] == 1
    (length,) = struct.unpack_from("<H" if old else "<I", start, 8)
    head = (start[10:] if old else b"") + file.read(min(length, 2**16) - (2 if old else 0))
    try:
        text = re.sub(r"(\d)L", r"\1", head.decode("latin1").strip())  # as Python 2 wrote
        claimed = prod(ast.literal_eval(text)["shape"])
    except (ValueError, SyntaxError, KeyError, TypeError, RecursionError, MemoryError) as error:
        raise ValueError("an array has a header that makes no sense") from error
    if claimed > size:
        raise ValueError(f"an array claims {claimed:,} numbers in {size:,} bytes")
