"""Training processes: what fails, what dies, and a limit of time."""

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TOY = """
import inspect, os, signal, time
from pathlib import Path

def setup(device):
    if device.index == 1:
        os._exit(8)
    return run

def run(job, say):
    say("step 1: loss 2.0")
    if job.seed == 1:
        raise ValueError("no luck")
    if job.seed == 2:
        os._exit(7)
    if job.seed == 7:  # what it has started lives longer, and has its end of the pipe
        child = os.fork()
        if child == 0:
            time.sleep(100)
            os._exit(0)
        Path(__file__).with_name("child").write_text(str(child))
        os._exit(9)
    if job.seed == 6:  # killed in the middle of a message: of a thousand bytes only eight are sent
        pipe = inspect.getclosurevars(say).nonlocals["pipe"]
        os.write(pipe.fileno(), (1000).to_bytes(4, "big") + b"8 bytes.")
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(100 if job.seed == 3 else 0.5)
    return {"top1": 0.25}
"""

COMMAND = """
import os, sys, time
from pathlib import Path

sys.path.insert(0, sys.argv[1])

def setup(device):
    return run

def run(job, say):
    say("step 1: loss 2.0")
    started = Path(__file__).with_name("started")
    started.with_name("part").write_text(str(os.getpid()))
    started.with_name("part").rename(started)
    time.sleep(2)
    return {"top1": 0.25}

if __name__ == "__main__":
    from experiments.tables import EXPERIMENTS
    from experiments.workers import Limits, run_jobs

    jobs = [job for _, job in EXPERIMENTS["table2b"].jobs(1)]
    run_jobs(jobs, Limits(1, None, ("cpu",)), print, {"cpu": setup}, print)
"""


@pytest.fixture
def toy(ours, small, tmp_path: Path, monkeypatch):
    """Runs jobs that train nothing; what has failed, the seeds done, the log and what was said."""
    (tmp_path / "toy_runner.py").write_text(TOY)
    monkeypatch.syspath_prepend(str(tmp_path))
    setup = importlib.import_module("toy_runner").setup

    def call(seeds: list[int], longer: tuple[int, ...] = (), **limits):
        jobs = [replace(small, seed=seed) for seed in seeds]
        for index in longer:
            jobs[index] = replace(jobs[index], settings=replace(small.settings, steps=10_000))
        done, log, said = [], [], []
        devices = limits.pop("devices", ("cpu",))
        failed = ours.workers.run_jobs(
            jobs,
            ours.workers.Limits(devices=devices, **limits),
            done.append,
            dict.fromkeys(devices, setup),
            lambda run, words: log.append((run, words)),
            say=said.append,
        )
        return failed, sorted(one["run"]["seed"] for one in done), log, said

    return call


@pytest.mark.slow
def test_what_fails_does_not_stop_the_others(ours, small, toy):
    failed, done, log, said = toy([0, 1, 2, 4, 5], devices=("cpu", "cpu:0"), jobs=2)
    assert (failed, done) == (2, [0, 4, 5])
    assert any("ValueError: no luck" in words for words in said)
    assert "a training process has died (exit code 7)" in said
    name = ours.logs.run_id(replace(small, seed=0).identity())
    words = [words for run, words in log if run == name]
    assert words[0] in ("begins on cpu", "begins on cpu:0")
    assert words[1] == "step 1: loss 2.0"
    assert words[-1].startswith("ends: top-1 0.25, ")
    assert [words for _, words in log].count("fails") == 2
    with pytest.raises(RuntimeError, match="all training processes have died"):
        toy([2, 2, 0], jobs=2)


@pytest.mark.slow
def test_a_process_that_is_killed_in_the_middle_of_a_message(toy):
    failed, done, log, said = toy([6, 0, 4], jobs=2)
    assert (failed, done) == (1, [0, 4])
    assert said == ["a training process has died (exit code -9)"]
    assert [words for _, words in log].count("fails") == 1


@pytest.mark.slow
def test_a_process_that_dies_before_what_it_has_started(toy, tmp_path: Path):
    failed, done, _, said = toy([7], jobs=1)
    child = int((tmp_path / "child").read_text())
    assert is_running(child)  # it has the pipe still, which so does not end
    os.kill(child, signal.SIGKILL)
    assert (failed, done, said) == (1, [], ["a training process has died (exit code 9)"])


@pytest.mark.slow
def test_a_process_that_dies_before_its_its_run_begins_loses_none(toy):
    failed, done, log, said = toy([0, 4, 5], devices=("cpu", "cpu:1"), jobs=1)
    assert (failed, done) == (0, [0, 4, 5])
    assert said == ["a training process has died (exit code 8)"]
    assert "fails" not in [words for _, words in log]
    with pytest.raises(RuntimeError, match="all training processes have died"):
        toy([0, 4], devices=("cpu:1",), jobs=2)


@pytest.mark.slow
def test_training_processes_end_with_the_command(tmp_path: Path):
    """Also where it is killed and cannot tell them."""
    (tmp_path / "command.py").write_text(COMMAND)
    command = subprocess.Popen([sys.executable, tmp_path / "command.py", ROOT])
    started = tmp_path / "started"
    try:
        wait_until(lambda: started.exists() or command.poll() is not None)
        assert command.poll() is None
    finally:
        command.kill()
        command.wait()
    process = int(started.read_text())
    wait_until(lambda: not is_running(process))


def wait_until(true: Callable[[], bool]) -> None:
    for _ in range(600):
        if true():
            return
        time.sleep(0.1)
    pytest.fail("it did not happen in a minute")


def is_running(process: int) -> bool:
    """Whether a process is there, and not merely its exit code."""
    told = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True)
    return told.stdout.strip()[:1] not in ("", "Z")


@pytest.mark.slow
def test_a_limit_of_time(toy):
    began = time.monotonic()
    assert toy([0, 3], jobs=2, seconds=40)[:2] == (0, [0])  # what is not done then is stopped
    assert time.monotonic() - began >= 40
    # the second would take some thousand times as long as the first; the third is begun
    assert toy([0, 4, 5], longer=(1,), jobs=1, seconds=60)[:2] == (0, [0, 5])
