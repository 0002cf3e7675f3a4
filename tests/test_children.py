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

COPIED = """
import os, sys, time
from gta.children import from_server
from multiprocessing import util

def started():
    process = from_server("gta.data.fork_server").Process(target=time.sleep, args=(0.0,))
    process.start()
    process.join()
    return process.exitcode, util.get_temp_dir()

def copied(work):
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:  # torch and others would end a second time
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

code, folder = started()
assert code == 0
server = sys.modules["multiprocessing.forkserver"]._forkserver
of_server = server._forkserver_pid, server._forkserver_address

def in_a_copy():
    code, another = started()
    util._run_finalizers()  # as at the end of a process
    os._exit(2 if code or another == folder or os.path.exists(another) else 0)

assert copied(in_a_copy) == 0
assert os.path.isdir(folder)
assert started() == (0, folder)
assert (server._forkserver_pid, server._forkserver_address) == of_server
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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_copy_of_a_process_starts_processes_of_its_own():
    """Such as one that a web server forks after it has read a video."""
    done = subprocess.run(
        [sys.executable, "-c", COPIED], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
