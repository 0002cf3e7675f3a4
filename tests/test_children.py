"""Processes of ours, and Python's own: what they know, and what they leave when killed."""

import os
import signal
import subprocess
import sys
from multiprocessing import spawn
from types import ModuleType

import pytest

from gta.children import without_main

KILLED = """
import multiprocessing, os, signal
from gta.children import start_tracker
start_tracker()
locks = [multiprocessing.get_context("spawn").Lock() for _ in range(3)]
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_processes_know_nothing_of_the_script_that_started_this_one(monkeypatch):
    """What `spawn` and `forkserver` tell a new process: normally to run `__main__` again."""
    main = ModuleType("__main__")
    main.__file__ = __file__
    monkeypatch.setitem(sys.modules, "__main__", main)
    with without_main():
        told = spawn.get_preparation_data("worker")
    assert not [key for key in told if key.startswith("init_main")]
    assert [key for key in spawn.get_preparation_data("worker") if key.startswith("init_main")]
    assert sys.modules["__main__"] is main


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal on Windows")
def test_what_removes_the_shared_memory_of_killed_processes_is_silent():
    # its end closes the pipe
    done = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert done.stderr == b""


def test_warnings_are_not_silenced_here():
    code = "import sys; from gta.children import start_tracker; start_tracker(); "
    code += "import warnings; warnings.warn('resource_tracker of another')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=60, env=os.environ
    )
    assert b"UserWarning: resource_tracker of another" in done.stderr
