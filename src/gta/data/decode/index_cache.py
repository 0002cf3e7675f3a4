"""Indices of video files, kept while there is room for them."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, Protocol, TypeVar


class Remembered(Protocol):
    """What can be kept."""

    @property
    def nbytes(self) -> int: ...


Index = TypeVar("Index", bound=Remembered)


class IndexCache(Generic[Index]):
    """Forgets what was used longest ago when it would hold more than `limit` bytes.

    The index of a video of an hour takes a megabyte, and every loader process has its own memory.
    """

    def __init__(self, limit: int):
        self.limit = limit
        self.nbytes = 0
        """Of all that is held."""
        self._held: OrderedDict[Hashable, Index] = OrderedDict()
        self._lock = Lock()  # frames for the memory are decoded by threads

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: Hashable) -> Index | None:
        """The index that was put there, if it is still held."""
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key]

    def put(self, key: Hashable, index: Index) -> None:
        """Keeps an index; one that is larger than the limit is not kept."""
        with self._lock:
            if key in self._held:
                self.nbytes -= self._held.pop(key).nbytes
            self._held[key] = index
            self.nbytes += index.nbytes
            while self.nbytes > self.limit:
                self.nbytes -= self._held.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._held.clear()
            self.nbytes = 0
