"""Where `gta.data.decode.video_file` was: the names that are used from outside."""

from .decode.index import Index, forget, index
from .decode.video_file import each, read

__all__ = ["Index", "each", "forget", "index", "read"]
