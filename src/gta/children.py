"""Child processes that end with their parent, whatever ends the parent.

torch's own watch does not ensure it. A loader process comes from a fork server and watches the
server; the server lives until the last holder of a pipe is gone, and each loader process holds it.
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

from gta.kept_memory import keep_memory


def end_with_parent() -> None:
    """Called first in a new process: makes it end with its parent, whatever ends the parent.

    Ctrl-C in a terminal reaches all processes; only the parent acts on it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_wait_for_end, daemon=True).start()


def _wait_for_end() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])  # a pipe whose other end only the parent holds
        shutil.rmtree(util.get_temp_dir(), ignore_errors=True)  # the folder of sockets
        os._exit(1)


def serve(worker: int) -> None:
    """Called first in a loader process, with its number.

    It ignores a signal to the whole group of processes, as `torchrun` and job schedulers send it:
    the training finishes its step first, which may need more batches.
    """
    del worker
    keep_memory()
    for number in (signal.SIGTERM, *_OTHERS):
        signal.signal(number, signal.SIG_IGN)
    end_with_parent()


_OTHERS = [getattr(signal, name) for name in ("SIGHUP", "SIGUSR1") if hasattr(signal, name)]
"""Signals that stop a training, besides Ctrl-C and SIGTERM; none on Windows."""
_QUIET = "ignore:resource_tracker:UserWarning"


def start_tracker() -> None:
    """Starts Python's resource tracker, which removes what killed processes leave in shared memory.

    It ignores Ctrl-C and SIGTERM but not the end of a terminal or a scheduler's warning; signals
    ignored here during its start stay ignored there. So do warnings: it would print a count of what
    it removes.
    """
    if not _OTHERS or threading.current_thread() is not threading.main_thread():
        return
    before = [signal.signal(number, signal.SIG_IGN) for number in _OTHERS]
    sys.warnoptions.append(_QUIET)  # Python passes them to the processes that it starts
    try:
        resource_tracker.ensure_running()
    finally:
        sys.warnoptions.remove(_QUIET)
        for number, handler in zip(_OTHERS, before, strict=True):
            signal.signal(number, handler)


def from_server(*modules: str) -> BaseContext | None:
    """A context that starts processes from a server without threads, which has the modules loaded.

    A forked copy of this process could hang forever in a lock held by one of its threads.

    Args:
        modules: Modules to load, if this process is the first to start the server.

    Returns:
        None if the system has no such server (Windows).
    """
    if "forkserver" not in get_all_start_methods():
        return None
    start_tracker()
    _own_folder()
    context = get_context("forkserver")
    context.set_forkserver_preload(list(modules))
    return context


_folder_of = 0
"""Id of the process that has made its folder for sockets."""


def _own_folder() -> None:
    """Makes a folder for the sockets of processes, removed with the last of them.

    A copy of this process (`os.fork`) makes its own folder, or it would remove this one.
    """
    global _folder_of
    if _folder_of != os.getpid():
        config: dict[str, Any] = getattr(current_process(), "_config", {})
        config.pop("tempdir", None)
        _folder_of = os.getpid()
    util.get_temp_dir()


def _forget_server() -> None:
    """In a copy of this process: forgets the fork server, which is not a child of the copy.

    Python would check whether its child still lives, which is an error (ECHILD). A copy starts its
    own server.
    """
    module = sys.modules.get("multiprocessing.forkserver")
    server: Any = getattr(module, "_forkserver", None)
    if server is None or server._forkserver_pid is None:
        return
    os.close(server._forkserver_alive_fd)  # or the server would live as long as the copy
    modules = server._preload_modules
    server.__init__()  # also resets its lock, which a thread may have held
    server._preload_modules = modules


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget_server)


@contextmanager
def without_main() -> Iterator[None]:
    """Within this context, started processes do not run the main script again.

    They do not need it; a script of three lines without `if __name__ == "__main__"` would train in
    each of them.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def kill_at_exit() -> None:
    """Kills remaining loader processes when Python exits.

    Python would send them a signal and wait, but they ignore signals.
    """
    atexit.unregister(_kill)
    atexit.register(_kill)  # registered last, called first


def _kill() -> None:
    for child in multiprocessing.active_children():
        if child.daemon:
            child.kill()
