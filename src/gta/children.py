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
from multiprocessing import (
    connection,
    current_process,
    get_all_start_methods,
    get_context,
    parent_process,
    resource_tracker,
    util,
)
from multiprocessing.context import BaseContext
from types import ModuleType
from typing import Any


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


def from_server(*modules: str) -> BaseContext | None:
    """Starts processes from a server without threads, which has imported what they need.

    A forked copy of this process could hang for ever in a lock that one of its threads held.

    Args:
        modules: What they need; imported by the server that this process starts first.

    Returns:
        None where the system has no such server (Windows).
    """
    if "forkserver" not in get_all_start_methods():
        return None
    start_tracker()
    _own_folder()
    context = get_context("forkserver")
    context.set_forkserver_preload(list(modules))
    return context


_folder_of = 0
"""The process that has made its folder for sockets."""


def _own_folder() -> None:
    """Makes a folder for the sockets of processes, removed with the last of them.

    A copy of this process (`os.fork`) makes one of its own: it would remove that of this one.
    """
    global _folder_of
    if _folder_of != os.getpid():
        config: dict[str, Any] = getattr(current_process(), "_config", {})
        config.pop("tempdir", None)
        _folder_of = os.getpid()
    util.get_temp_dir()


def _forget_server() -> None:
    """In a copy of this process: the fork server is no child of it.

    Python would ask whether its child still lives, which is an error (ECHILD). A copy starts a
    server of its own.
    """
    module = sys.modules.get("multiprocessing.forkserver")
    server: Any = getattr(module, "_forkserver", None)
    if server is None or server._forkserver_pid is None:
        return
    os.close(server._forkserver_alive_fd)  # or the server would live as long as the copy
    modules = server._preload_modules
    server.__init__()  # also its lock, which a thread may have held
    server._preload_modules = modules


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget_server)


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
