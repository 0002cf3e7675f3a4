"""Real processes: killed without warning, run again, and several of them at once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from gta.runs import Run

pytestmark = pytest.mark.slow
TIMEOUT = 300  # seconds; a hang is a failure


def command(root: Path, out: Path, settings: list[str], *more: str) -> list[str]:
    values = [*settings, "model.dropout=0.3", "train.epochs=3", "data.cache_gb=0", *more]
    return [
        *("train", "--model", "tiny_gta", "--data", "ordered"),
        *("--root", str(root), "--out", str(out), "--device", "cpu"),
        *(part for value in values for part in ("--set", value)),
    ]


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1"}


def newest(checkpoints: Path) -> str:
    return max((path.name for path in checkpoints.glob("0*")), default="")


def kill_when(process: subprocess.Popen, checkpoints: Path, after: str) -> None:
    """SIGKILL, once there is a checkpoint later than `after`; all children go with it."""
    deadline = time.monotonic() + 120
    while not (found := newest(checkpoints)) or found <= after:
        assert process.poll() is None, "training ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("processes", [1, 2])
def test_killed_twice_the_weights_are_those_of_an_undisturbed_run(
    ordered: Path, small_settings, tmp_path: Path, processes: int
):
    launcher = [sys.executable, "-m", "gta"]
    if processes > 1:
        launcher = [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", str(processes), "-m", "gta"),
        ]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(
        [*launcher, *command(ordered, whole, small_settings)],
        env=environment(),
        check=True,
        timeout=TIMEOUT,
    )
    often = "train.checkpoint_minutes=1e-9"
    after = ""
    for _ in range(2):
        process = subprocess.Popen(
            [*launcher, *command(ordered, killed, small_settings, often, "data.workers=1")],
            env=environment(),
            start_new_session=True,
        )
        kill_when(process, killed / "checkpoints", after)
        after = newest(killed / "checkpoints")
        assert (
            not (killed / "metrics.csv").exists()
            or "\n3," not in (killed / "metrics.csv").read_text()
        )
    subprocess.run(
        [*launcher, *command(ordered, killed, small_settings, often, "data.workers=2")],
        env=environment(),
        check=True,
        timeout=TIMEOUT,
    )
    for name in ("last.safetensors", "best.safetensors"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    assert not list(killed.glob(".*.part*"))


@pytest.mark.parametrize("processes", [2, 5])  # of 12 videos: the shares of 5 are not equal
def test_several_processes_give_the_scores_of_one(
    ordered: Path, trained: Path, tmp_path: Path, processes: int
):
    test = ["test", str(trained), "--device", "cpu", "--scores"]
    subprocess.run(
        [sys.executable, "-m", "gta", *test, str(tmp_path / "one.npz")],
        env=environment(),
        check=True,
        timeout=TIMEOUT,
    )
    subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", str(processes), "-m", "gta", *test),
            str(tmp_path / "many.npz"),
        ],
        env=environment(),
        check=True,
        timeout=TIMEOUT,
    )
    one, many = np.load(tmp_path / "one.npz"), np.load(tmp_path / "many.npz")
    assert one["ids"].tolist() == many["ids"].tolist()
    assert one["ids"].tolist() == [str(i) for i in range(41, 53)]
    np.testing.assert_allclose(one["scores"], many["scores"], atol=1e-6)
    assert (one["labels"] == many["labels"]).all()


WITHOUT_BATCH_NORM = """
model:
  backbone: frame_wise
  network: timm/convnext_atto
  blocks: [{block: gc}]
  at: [stages.1.blocks.0]
  weights: none
clip: {num_frames: 4, size: 32, resize: null}
augment: {flip: "off"}
train:
  epochs: 2
  batch_size: 12
  optimizer: sgd
  lr: 0.01
  warmup_epochs: 0
  precise_bn: 1
test: {protocol: 1x1-center32}
data: {format: ssv2}
"""


def test_two_processes_train_as_one(ordered: Path, tmp_path: Path):
    """With batch normalisation they cannot: each process has the statistics of its own part."""
    (tmp_path / "recipe.yaml").write_text(WITHOUT_BATCH_NORM)
    ends = []
    for processes in (1, 2):
        out = tmp_path / str(processes)
        subprocess.run(
            [
                *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
                *("--nproc-per-node", str(processes), "-m", "gta", "train", "--device", "cpu"),
                *("--recipe", str(tmp_path / "recipe.yaml"), "--root", str(ordered)),
                *("--out", str(out)),
            ],
            env=environment(),
            check=True,
            timeout=TIMEOUT,
        )
        ends.append((load_file(out / "last.safetensors"), (out / "metrics.csv").read_text()))
    (one, metrics), (two, others) = ends
    start, moved = Run.open(tmp_path / "1").build().state_dict(), 0.0
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-3, atol=1e-5)
        moved = max(moved, float((value - start[name]).abs().max()))
    assert moved > 1e-3
    columns = [line.split(",")[:6] for line in metrics.splitlines()]
    for line, other in zip(
        columns[1:], (x.split(",")[:6] for x in others.splitlines()[1:]), strict=True
    ):
        np.testing.assert_allclose(
            np.array(line, float), np.array(other, float), rtol=1e-3, atol=1e-6
        )


def test_two_processes_learn(ordered: Path, small_settings, tmp_path: Path):
    out = tmp_path / "two"
    subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", "-m", "gta"),
            *command(ordered, out, small_settings, "train.epochs=10", "train.lr=0.003"),
        ],
        env=environment(),
        check=True,
        timeout=TIMEOUT,
    )
    lines = (out / "metrics.csv").read_text().splitlines()
    rows = [dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:]]
    assert len(rows) == 10
    assert float(rows[-1]["train_loss"]) < 0.7 * float(rows[0]["train_loss"])
