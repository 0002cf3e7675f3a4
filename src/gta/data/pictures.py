"""Where `gta.data.decode.pictures` was: the names that are used from outside."""

from .decode.picture_names import PICTURE_SUFFIXES
from .decode.pictures import count, each, list_pictures, read, size
from .decode.pixels import MAX_PIXELS, simplejpeg

__all__ = [
    "MAX_PIXELS",
    "PICTURE_SUFFIXES",
    "count",
    "each",
    "list_pictures",
    "read",
    "simplejpeg",
    "size",
]
