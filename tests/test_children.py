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

GONE = """
import os, socket, struct
from multiprocessing import forkserver, resource_sharer
from gta.children import from_server

context = from_server("gta.data.fork_server")
with context.Pool(1) as pool:
    shared = pool.apply(resource_sharer.DupFd, (1,))  # as torch hands a batch over
    for how in (b"closed", struct.pack("ii", 1, 0)):  # the second cuts off what is under way
        gone = socket.socket(socket.AF_UNIX)
        gone.connect(shared._id[0])
        if how != b"closed":
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, how)
        gone.close()
    os.close(shared.detach())  # it is asked one after the other: those before are over
    status, data = forkserver.connect_to_new_process([])
    os.close(data)  # who began it was stopped before it was told what to do
    forkserver.read_signed(status)
    assert forkserver.read_signed(status)
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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_nothing_is_said_of_one_who_went_away():
    """A training that a signal stops while it takes a batch, or while it begins a process."""
    done = subprocess.run([sys.executable, "-c", GONE], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_other_errors_of_what_the_server_starts_are_told():
    code = "import sys, gta.data.fork_server; sys.excepthook(ValueError, ValueError('seen'), None)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr == "ValueError: seen\n"
