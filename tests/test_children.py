"""Processes of ours, and Python's own, when the one that started them is killed."""

import os
import signal
import subprocess
import sys

import pytest

KILLED = """
import multiprocessing, os, signal
from gta.children import start_tracker
start_tracker()
locks = [multiprocessing.get_context("spawn").Lock() for _ in range(3)]
os.kill(os.getpid(), signal.SIGKILL)
"""


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
