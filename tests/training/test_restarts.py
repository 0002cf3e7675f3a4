"""Processes and hosts that go away: torchrun starts again, and the run goes on."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import torch

from .test_killed import TIMEOUT, command, environment, newest

pytestmark = pytest.mark.slow
OFTEN = "train.checkpoint_minutes=1e-9"


def torchrun(*options: str) -> list[str]:
    return [sys.executable, "-m", "torch.distributed.run", *options, "-m", "gta"]


@pytest.fixture(scope="module")
def calm(ordered: Path, small_settings, tmp_path_factory) -> Path:
    """The run of two processes that nothing disturbs."""
    out = tmp_path_factory.mktemp("runs") / "calm"
    launcher = torchrun("--standalone", "--nproc-per-node", "2")
    arguments = [*launcher, *command(ordered, out, small_settings, "data.workers=1")]
    subprocess.run(arguments, env=environment(), check=True, timeout=TIMEOUT)
    return out


def workers_of(launcher: int) -> list[int]:
    """The training processes that a torchrun has started, by their rank."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return sorted(int(row[0]) for row in rows if int(row[1]) == launcher and "gta train" in row[2])


def wait_until(what, *processes: subprocess.Popen) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not what():
        assert all(process.poll() is None for process in processes), "it ended before"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def same_weights(one: Path, other: Path) -> bool:
    names = ("last.safetensors", "best.safetensors")
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def killed_once(arguments: list[str], out: Path) -> str:
    """What is printed of two processes, of which one is killed after the first checkpoint."""
    launcher = torchrun("--standalone", "--nproc-per-node", "2", "--max-restarts", "2")
    process = subprocess.Popen(
        [*launcher, *arguments], env=environment(), stdout=subprocess.PIPE, text=True
    )
    wait_until(lambda: newest(out / "checkpoints"), process)
    os.kill(workers_of(process.pid)[-1], signal.SIGKILL)
    told, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, told
    assert "going on after epoch" in told
    return told


def test_torchrun_starts_a_killed_process_again(
    ordered: Path, small_settings, calm: Path, tmp_path: Path
):
    out = tmp_path / "killed"
    killed_once(command(ordered, out, small_settings, "data.workers=1", OFTEN), out)
    assert same_weights(out, calm)


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_torchrun_starts_a_killed_process_again_on_gpus(
    ordered: Path, small_settings, tmp_path: Path
):
    out = tmp_path / "killed"
    arguments = command(ordered, out, small_settings, "data.workers=1", OFTEN, "train.epochs=30")
    assert "epoch 30" in killed_once([*arguments, "--device", "cuda"], out)
    assert (out / "last.safetensors").is_file()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("", 0))
        return found.getsockname()[1]


def test_a_host_that_is_killed_comes_back_and_the_run_goes_on(
    ordered: Path, small_settings, calm: Path, tmp_path: Path
):
    """Two torchruns, as on two hosts. The second goes, with all its processes, and is replaced."""
    out, port = tmp_path / "killed", free_port()
    launcher = torchrun(
        *("--nnodes", "2", "--nproc-per-node", "1", "--max-restarts", "3"),
        *("--rdzv-backend", "c10d", "--rdzv-id", "test"),
        *("--rdzv-endpoint", f"127.0.0.1:{port}"),
        *("--rdzv-conf", "keep_alive_interval=3,keep_alive_max_attempt=3"),
    )

    def host(is_first: bool) -> subprocess.Popen[str]:
        arguments = command(ordered, out, small_settings, "data.workers=1", OFTEN)
        place = launcher.index("-m", 2)
        conf = launcher[place - 1] + f",is_host={int(is_first)}"
        return subprocess.Popen(
            [*launcher[: place - 1], conf, *launcher[place:], *arguments],
            # or a host that is new waits for a word that those before it have heard (torch 2.14)
            env=environment() | {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"},
            start_new_session=True,
            stdout=subprocess.PIPE,
            text=True,
        )

    first, second = host(True), host(False)
    wait_until(lambda: newest(out / "checkpoints"), first, second)
    workers = workers_of(second.pid)
    os.killpg(second.pid, signal.SIGKILL)
    for pid in workers:  # they may be of a session of their own
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    second.communicate(timeout=TIMEOUT)
    again = host(False)
    told = [process.communicate(timeout=TIMEOUT)[0] for process in (first, again)]
    assert (first.returncode, again.returncode) == (0, 0), told
    assert "going on after epoch" in "".join(told)
    assert same_weights(out, calm)


@contextmanager
def two_hosts() -> Iterator[str]:
    """A network namespace beside this one, joined to it by a cable; its name, and the cable's."""
    name = f"gta{os.getpid() % 100000}"
    commands = [
        f"ip netns add {name}",
        f"ip link add {name}a type veth peer name {name}b",
        f"ip link set {name}b netns {name}",
        f"ip addr add 10.213.7.1/24 dev {name}a",
        f"ip link set {name}a up",
        f"ip netns exec {name} ip addr add 10.213.7.2/24 dev {name}b",
        f"ip netns exec {name} ip link set {name}b up",
        f"ip netns exec {name} ip link set lo up",
    ]
    try:
        for words in commands:
            if subprocess.run(words.split(), capture_output=True).returncode:
                pytest.skip("needs the right to make network namespaces")
        yield name
    finally:
        subprocess.run(["ip", "link", "del", f"{name}a"], capture_output=True)
        subprocess.run(["ip", "netns", "del", name], capture_output=True)


@pytest.mark.skipif(shutil.which("ip") is None, reason="needs iproute2")
@pytest.mark.skipif(
    "GTA_CUT_CABLE" not in os.environ,
    reason="makes network namespaces and waits for torchrun's own limits: set GTA_CUT_CABLE=1",
)
def test_a_cable_that_is_cut(ordered: Path, small_settings, calm: Path, tmp_path: Path):
    """No connection is closed then: the other host is silent, is named, and is waited for."""
    out, port = tmp_path / "cut", free_port()
    with two_hosts() as name:

        def host(number: int) -> subprocess.Popen[str]:
            launcher = torchrun(
                *("--nnodes", "2", "--nproc-per-node", "1", "--max-restarts", "3"),
                *("--rdzv-backend", "c10d", "--rdzv-id", "test"),
                *("--rdzv-endpoint", f"10.213.7.1:{port}", "--local-addr", f"10.213.7.{number}"),
                *("--rdzv-conf", f"keep_alive_interval=3,is_host={2 - number}"),
            )
            arguments = command(ordered, out, small_settings, "data.workers=1", OFTEN)
            there = [] if number == 1 else ["ip", "netns", "exec", name]
            return subprocess.Popen(
                [*there, *launcher, *arguments],
                env=environment()
                | {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
                | {"GLOO_SOCKET_IFNAME": f"{name}{'ab'[number - 1]}"},
                start_new_session=True,
                stdout=subprocess.DEVNULL,
                stderr=(tmp_path / f"said{number}").open("a"),
            )

        def is_said(number: int, who: str) -> bool:
            text = (tmp_path / f"said{number}").read_text()
            return re.search(rf"gta: {who}.* has not answered for \d+ s: the run", text) is not None

        first, second = host(1), host(2)
        wait_until(lambda: newest(out / "checkpoints"), first, second)
        subprocess.run(["ip", "link", "set", f"{name}a", "down"], check=True)
        wait_until(lambda: is_said(1, r"process 1 \(pid \d+ on "), first)
        wait_until(lambda: is_said(2, r"\S+, where the processes meet"))
        workers = workers_of(second.pid)
        for pid in (second.pid, *workers):  # torchrun waits for the other host for minutes
            with suppress(ProcessLookupError):
                os.killpg(os.getpgid(pid), signal.SIGKILL)
        second.wait()
        subprocess.run(["ip", "link", "set", f"{name}a", "up"], check=True)
        again = host(2)
        assert [process.wait(TIMEOUT) for process in (first, again)] == [0, 0]
    assert "going on after epoch" in (out / "log.txt").read_text()
    assert same_weights(out, calm)
