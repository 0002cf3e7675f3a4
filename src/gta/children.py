"""Processes that are started here: none outlives the one that started it, however that ends.

torch's own watch does not see to it. A loader process comes from a fork server and watches that;
the server lives until the last holder of a pipe is gone, and each loader process holds it too.
"""

import atexit
import multiprocessing
import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import connection, parent_process, resource_tracker, util
from types import ModuleType


def end_with_parent() -> None:
    """Called first in a new process: it ends as soon as its parent has ended, by whatever signal.

    Ctrl-C in a terminal reaches all processes; what it means is decided by the parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_wait_for_end, daemon=True).start()


def _wait_for_end() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])  # a pipe whose other end the parent alone has
        shutil.rmtree(util.get_temp_dir(), ignore_errors=True)  # of its sockets; theirs and ours
        os._exit(1)


def serve(worker: int) -> None:
    """Called first in a loader process, with its number.

    A signal to the whole group of processes, as `torchrun` and job schedulers send it, leaves it to
    the training to finish its step, which may need other batches.
    """
    del worker
    for number in (signal.SIGTERM, *_OTHERS):
        signal.signal(number, signal.SIG_IGN)
    end_with_parent()


_OTHERS = [getattr(signal, name) for name in ("SIGHUP", "SIGUSR1") if hasattr(signal, name)]
"""Signals that a training is stopped by, beside Ctrl-C and SIGTERM; none on Windows."""
_QUIET = "ignore:resource_tracker:UserWarning"


def start_tracker() -> None:
    """Starts Python's own process that removes what killed ones leave in shared memory.

    It ignores Ctrl-C and SIGTERM but not the end of a terminal or a scheduler's warning; what is
    ignored here while it is started is ignored there for good. So are warnings: it would print a
    count of what it removes.
    """
    if not _OTHERS or threading.current_thread() is not threading.main_thread():
        return
    before = [signal.signal(number, signal.SIG_IGN) for number in _OTHERS]
    sys.warnoptions.append(_QUIET)  # Python gives them to the processes that it starts
    try:
        resource_tracker.ensure_running()
    finally:
        sys.warnoptions.remove(_QUIET)
        for number, handler in zip(_OTHERS, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def without_main() -> Iterator[None]:
    """Processes that are started here do not run the script again which started this one.

    They need nothing of it; a script of three lines would train in each of them, unless it kept
    its lines below `if __name__ == "__main__"`.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def kill_at_exit() -> None:
    """Sees to it that loader processes which are left when Python ends are killed.

    Python would ask them to end and wait for that, but they leave signals to this process.
    """
    atexit.unregister(_kill)
    atexit.register(_kill)  # the last to be registered is the first to be called


def _kill() -> None:
    for child in multiprocessing.active_children():
        if child.daemon:
            child.kill()
