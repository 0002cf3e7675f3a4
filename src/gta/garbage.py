"""Python's search for unused objects, which costs most where most objects stay in use."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Python does not look for unused objects: an import or a compiler makes a million that stay.

    Objects in cycles wait until after it, so nothing that runs long belongs in it.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
