"""Imported by the fork server alone: what its processes do with signals, and what they print.

Signals are left to the process that started it. A signal to a whole group of processes would end
the server, and with it the loader processes that a training needs to finish its step. The server
ends when that training and they are gone.
"""

import atexit
import os
import signal
import sys
from types import TracebackType

atexit.register(os._exit, 0)  # to take torch down piece by piece takes seconds, and nothing is kept
for _name in (
    "SIGINT",
    "SIGTERM",
    "SIGHUP",
    "SIGUSR1",
):  # what it forks ignores them too, from the beginning
    if hasattr(signal, _name):
        signal.signal(getattr(signal, _name), signal.SIG_IGN)


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Says nothing of a client that went away: stopped while it began a process or took a batch.

    Python's thread that hands over shared memory would print a traceback of that, and so would a
    process that was about to begin; the client tells why itself.
    """
    if not isinstance(error, ConnectionError | EOFError):
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _tell  # what it forks has it too
