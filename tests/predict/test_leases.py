"""Who is at which shard: living processes keep theirs, the dead and the silent lose them."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gta.predict.leases import Leases, began, this_process
from gta.predict.open_shards import OpenShards, share_of
from gta.predict.work import Job, Work, digest_of


def leases(folder: Path, **options: float) -> Leases:
    return Leases(folder, **{"stuck": 100.0, **options})


def test_one_process_has_it(tmp_path: Path):
    a, b = leases(tmp_path), leases(tmp_path)
    assert a.take("1")
    assert not b.take("1")
    assert b.take("2")
    a.release("1")
    assert b.take("1")
    b.close()
    assert not list(tmp_path.iterdir())


def test_a_process_that_ended_has_none(tmp_path: Path):
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    theirs = this_process() | {"pid": other.pid, "began": began(other.pid)}
    (tmp_path / "1").write_text(json.dumps(theirs))
    (tmp_path / "2").write_text(json.dumps(theirs | {"began": "an earlier one of this number"}))
    ours = leases(tmp_path)
    assert not ours.take("1")
    assert ours.take("2")
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # dead, and not buried
    assert ours.take("1")
    other.wait()
    assert json.loads((tmp_path / "1").read_text())["pid"] == os.getpid()


def test_a_host_that_gives_no_sign_of_life_loses_it(tmp_path: Path):
    theirs = {"host": "another", "kernel": "another", "pid": 1, "began": "1"}
    for text in (json.dumps(theirs), ""):  # killed before it wrote its name
        (tmp_path / "1").write_text(text)
        ours = leases(tmp_path, patience=0.2)
        for beat in range(3):
            os.utime(tmp_path / "1", ns=(beat, beat))  # whatever its clock says
            assert not ours.take("1")
            time.sleep(0.1)
        time.sleep(0.3)
        assert ours.take("1")
        ours.close()


def test_signs_of_life_end_with_the_work(tmp_path: Path):
    ours = leases(tmp_path, beat=0.02, stuck=0.2)
    assert ours.take("1")
    os.utime(tmp_path / "1", ns=(1, 1))
    deadline = time.monotonic() + 10
    while (tmp_path / "1").stat().st_mtime_ns == 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.4)  # no progress
    os.utime(tmp_path / "1", ns=(1, 1))
    time.sleep(0.2)
    assert (tmp_path / "1").stat().st_mtime_ns == 1


@pytest.fixture
def work(tmp_path: Path) -> Work:
    (tmp_path / "v").touch()
    file = tmp_path / "list.txt"
    file.write_text("\n".join(["v", *map(str, range(9))]))
    job = Job(digest_of(file), str(tmp_path), "model", "1x1-center32", 5)
    return Work.begin(tmp_path / "work", file, job, size=4)


def test_what_one_gives_up_another_does(work: Work):
    ours = OpenShards(work, leases(work.leases), (0, 2))
    theirs = OpenShards(work, leases(work.leases), (1, 2))
    first, other = ours.next(), theirs.next()
    assert first is not None
    assert other is not None
    assert (first.shard, first.place, first.video, other.shard) == (0, 0, "v", 1)
    theirs.leases.close()  # as when it is stopped
    done = []
    while not ours.is_done:
        task = first if not done else ours.next()
        if task is None:
            ours._looked = 0.0
            continue
        done.append(task.video)
        ours.put(task, task.video)
    assert done == ["v", *map(str, range(9))]
    lines = [line for shard in range(3) for line in work.path(shard).read_text().splitlines()]
    assert lines == done
    assert ours.finished == 3
    assert not list(work.leases.iterdir())


def test_a_shard_that_was_finished_meanwhile_is_left(work: Work):
    ours = OpenShards(work, leases(work.leases), (0, 1))
    assert ours.next() is not None
    work.write(1, ["another"] * 4)
    shards = set()
    while (task := ours.next()) is not None:
        shards.add(task.shard)
        ours.put(task, "ours")
    assert shards == {0, 2}
    assert work.path(1).read_text() == "another\n" * 4


@pytest.mark.parametrize(
    ("told", "share"),
    [
        ({"RANK": "3", "WORLD_SIZE": "8"}, (3, 8)),
        (
            {
                **{"SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_COUNT": "4"},
                **{"SLURM_ARRAY_TASK_MIN": "5"},
            },
            (2, 4),
        ),
        (
            {
                **{"SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_COUNT": "2"},
                **{"SLURM_ARRAY_TASK_MIN": "1", "SLURM_PROCID": "1", "SLURM_NTASKS": "4"},
            },
            (5, 8),
        ),
        ({"SLURM_PROCID": "1", "SLURM_NTASKS": "2"}, (1, 2)),
        ({}, (os.getpid() % 64, 64)),
    ],
)  # fmt: skip
def test_where_a_process_begins(told: dict[str, str], share: tuple[int, int]):
    assert share_of(told) == share
