"""Imported by the fork server alone: signals are left to the process that started it.

A signal to a whole group of processes would end the server, and with it the loader processes that a
training needs to finish its step. The server ends when that training and they are gone.
"""

import atexit
import os
import signal

atexit.register(os._exit, 0)  # to take torch down piece by piece takes seconds, and nothing is kept
for _name in (
    "SIGINT",
    "SIGTERM",
    "SIGHUP",
    "SIGUSR1",
):  # what it forks ignores them too, from the beginning
    if hasattr(signal, _name):
        signal.signal(getattr(signal, _name), signal.SIG_IGN)
