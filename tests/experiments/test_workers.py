"""Training processes: what fails, what dies, and a limit of time."""

import importlib
import time
from dataclasses import replace
from pathlib import Path

import pytest

TOY = """
import os, time

def setup(device):
    return run

def run(job, say):
    say("step 1: loss 2.0")
    if job.seed == 1:
        raise ValueError("no luck")
    if job.seed == 2:
        os._exit(7)
    time.sleep(100 if job.seed == 3 else 0.5)
    return {"top1": 0.25}
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
def test_a_limit_of_time(toy):
    began = time.monotonic()
    assert toy([0, 3], jobs=2, seconds=20)[:2] == (0, [0])  # what is not done then is stopped
    assert 20 <= time.monotonic() - began < 60
    # the second would take some thousand times as long as the first; the third is begun
    assert toy([0, 4, 5], longer=(1,), jobs=1, seconds=60)[:2] == (0, [0, 5])
