"""Real signals to real processes: what ends, what is said, what is left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .real_processes import TIMEOUT, alive, descendants, shared_names, wait_for

pytestmark = pytest.mark.slow
SETTINGS = ("train.epochs=500", "train.checkpoint_minutes=1000", "data.cache_gb=0")


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def training(root: Path, out: Path, settings: list[str], *more: str) -> list[str | Path]:
    values = [*settings, *SETTINGS, "data.workers=2", *more]
    return [
        *("-m", "gta", "train", "--model", "tiny_gta", "--data", "ordered", "--device", "cpu"),
        *("--root", root, "--out", out),
        *(part for value in values for part in ("--set", value)),
    ]


def has_epoch(out: Path, line: str = "\n1,") -> bool:
    return (out / "metrics.csv").is_file() and line in (out / "metrics.csv").read_text()


@pytest.mark.parametrize(
    ("number", "group"),
    [
        (signal.SIGINT, True),  # as a terminal sends it: to the loader processes too
        (signal.SIGTERM, False),
        (signal.SIGTERM, True),
        (signal.SIGHUP, True),
        (signal.SIGUSR1, False),  # a scheduler warns before it takes the machine
    ],
)
def test_a_signal_ends_a_training_and_keeps_it(
    ordered: Path, small_settings, tmp_path: Path, number: signal.Signals, group: bool
):
    out = tmp_path / "run"
    process = start(*training(ordered, out, small_settings))
    wait_for(lambda: has_epoch(out), process)
    began, names = descendants(process.pid), shared_names(descendants(process.pid))
    assert len(began) >= 5  # a resource tracker, a fork server and two loader processes with it
    (os.killpg if group else os.kill)(process.pid, number)
    told, error = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 128 + number
    by = "Ctrl-C" if number == signal.SIGINT else number.name
    assert f"gta: stopped by {by}; the same command goes on" in error
    assert f"kept in {out / 'checkpoints'}: " in told
    assert "Traceback" not in error
    wait_for(lambda: not alive(began))
    assert not [name for name in names if name.exists()]


def test_nothing_outlives_a_killed_training(ordered: Path, small_settings, tmp_path: Path):
    out = tmp_path / "run"
    process = start(*training(ordered, out, small_settings))
    wait_for(lambda: has_epoch(out), process)
    began = descendants(process.pid)
    names = shared_names(began)
    assert names or not Path("/dev/shm").is_dir()
    process.kill()
    process.communicate(timeout=TIMEOUT)  # its processes have the pipes too
    wait_for(lambda: not alive(began))
    assert not [name for name in names if name.exists()]


ENDLESS = """
import sys, time
from pathlib import Path
from gta.__main__ import main
from gta.training.step import Step


def endless(self, *arguments):
    Path(MARK).touch()
    time.sleep(1000)


if __name__ == "__main__":
    MARK, Step.__call__ = sys.argv.pop(), endless
    main()
"""


def test_the_second_signal_ends_at_once(ordered: Path, small_settings, tmp_path: Path):
    (tmp_path / "endless.py").write_text(ENDLESS)
    _, _, *arguments = training(ordered, tmp_path / "run", small_settings)
    mark = tmp_path / "mark"
    process = start(tmp_path / "endless.py", *arguments, mark)
    wait_for(mark.exists, process)
    began = descendants(process.pid)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)  # `timeout` sends it twice: still the first
    time.sleep(1)
    assert process.poll() is None  # a step is finished, however long it takes
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 143
    assert error.startswith("gta: stopped by SIGTERM\n")
    wait_for(lambda: not alive(began))


def test_a_start_that_is_stopped_leaves_nothing(ordered: Path, small_settings, tmp_path: Path):
    out = tmp_path / "runs" / "mine"
    process = start(*training(ordered, out, small_settings))
    wait_for((out / ".lock").is_file, process)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, "Traceback" in error) == (130, False)
    assert not (tmp_path / "runs").exists() or (out / "checkpoints").is_dir()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_test_ends_with_its_processes(trained: Path, tmp_path: Path, number: signal.Signals):
    script = tmp_path / "slow.py"  # so slow that it is still at work when it is stopped
    script.write_text(
        "import time, torch\n"
        "from gta.__main__ import main\n"
        "if __name__ == '__main__':\n"
        "    forward = torch.nn.Module.__call__\n"
        "    torch.nn.Module.__call__ = lambda *a, **k: (time.sleep(0.2), forward(*a, **k))[1]\n"
        "    main()\n"
    )
    process = start(script, "test", trained, "--workers", "2", "--device", "cpu")
    wait_for(lambda: len(descendants(process.pid)) >= 5, process)
    began = descendants(process.pid)
    process.send_signal(number)
    _, error = process.communicate(timeout=TIMEOUT)
    assert process.returncode == (-9 if number == signal.SIGKILL else 128 + number)
    assert "Traceback" not in error
    wait_for(lambda: not alive(began))


@pytest.mark.parametrize("verb", ["render", "quickstart"])
def test_rendering_ends_with_its_processes(tmp_path: Path, verb: str):
    options = ["--workers", "2"] if verb == "render" else ["--out"]
    process = start("-m", "gta", verb, *options, tmp_path / "out")
    wait_for(lambda: len(descendants(process.pid)) >= 2, process)
    began = descendants(process.pid)
    process.kill()
    process.communicate(timeout=TIMEOUT)
    wait_for(lambda: not alive(began))


def launched(root: Path, out: Path, settings: list[str], *more: str) -> list[str | Path]:
    command = training(root, out, settings, "data.workers=1", *more)
    return [
        *("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
        *("--signals-to-handle", "SIGTERM,SIGUSR1"),
        *command,
    ]


@pytest.mark.parametrize("sent_to", ["one", "torchrun", "torchrun, killed", "torchrun, warned"])
def test_several_processes_stop_after_the_same_step(
    ordered: Path, small_settings, tmp_path: Path, sent_to: str
):
    out = tmp_path / "run"
    process = start(*launched(ordered, out, small_settings))
    wait_for(lambda: has_epoch(out), process)
    began = descendants(process.pid)
    assert len(began) >= 9
    if sent_to == "one":
        last = max(pid for pid, arguments in began.items() if "gta train" in arguments)
        os.kill(last, signal.SIGTERM)
    else:
        kinds = {"torchrun": signal.SIGTERM, "torchrun, warned": signal.SIGUSR1}
        process.send_signal(kinds.get(sent_to, signal.SIGKILL))
    told, error = process.communicate(timeout=TIMEOUT)
    wait_for(lambda: not alive(began))
    assert f"kept in {out / 'checkpoints'}: " in told
    by = "SIGUSR1" if sent_to == "torchrun, warned" else "SIGTERM"
    assert error.count(f"gta: stopped by {by}; the same command goes on") == 1
