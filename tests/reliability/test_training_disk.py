"""The exam's lines 5 and 6: disks that are full, read-only or gone, on real file systems."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gta.errors import MachineError
from gta.training.checkpoint_folder import CheckpointFolder, name_of
from gta.training.writing import explained

LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
size = int(sys.argv.pop(1))
from gta.__main__ import main
import gta.training.keeping as keeping
save = keeping.Keeping.save_epoch

def limited(self, entry):
    if entry["epoch"] == 2:
        self.background.wait()  # for what is kept of the first epoch
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    save(self, entry)
    if entry["epoch"] == 2:
        self.background.wait()  # before anything else is written

keeping.Keeping.save_epoch = limited
if __name__ == "__main__":
    main()
"""


@pytest.mark.slow
def test_files_that_may_not_be_so_large(ordered: Path, small_settings, tmp_path: Path, gta):
    """As on a full disk: the write ends in the middle of a file."""
    pytest.importorskip("resource")
    script, out = tmp_path / "limited.py", tmp_path / "run"
    script.write_text(LIMITED)
    arguments = ["train", "--model", "tiny_gta", "--data", "ordered", "--root", str(ordered)]
    arguments += ["--out", str(out), "--device", "cpu"]
    arguments += [part for setting in small_settings for part in ("--set", setting)]
    done = subprocess.run(
        [sys.executable, str(script), "30000", *arguments],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"gta: the weights in {out} could not be written: a file may not be so large there. What "
        f"was saved before stays: raise that limit, and the same command goes on from there"
    )
    assert "Traceback" not in done.stderr
    assert not [path for path in out.rglob("*") if ".part" in path.name]
    assert [path.name for path in (out / "checkpoints").iterdir()] == ["00001-000000"]
    again = gta(*arguments)
    assert again.returncode == 0, again.stderr
    assert "going on after epoch 1, batch 0" in again.stdout


@pytest.mark.slow
def test_a_real_full_disk(ordered: Path, small_settings, tmp_path: Path, gta):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        arguments = ["train", "--model", "tiny_gta", "--data", "ordered", "--root", str(ordered)]
        arguments += ["--out", str(small / "run"), "--device", "cpu"]
        arguments += [part for setting in small_settings for part in ("--set", setting)]
        (small / "filler").write_bytes(bytes(900_000))
        done = gta(*arguments)
        assert done.returncode == 1
        last = done.stderr.splitlines()[-1]
        assert last.startswith("gta: ")
        assert "could not be written: the disk is full" in last
        assert "Traceback" not in done.stderr
        (small / "filler").unlink()
        subprocess.run(["mount", "-o", "remount,size=64m", small], check=True)
        assert gta(*arguments).returncode == 0
    finally:
        subprocess.run(["umount", small], check=True)


def test_no_permission(tmp_path: Path):
    folder = tmp_path / "run"
    folder.mkdir()
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        if os.access(folder, os.W_OK):
            pytest.skip("root may write everywhere")
        with (
            pytest.raises(
                MachineError, match=r"a checkpoint in .*run could not be written: its per"
            ),
            explained("a checkpoint", folder),
        ):
            CheckpointFolder(folder / "checkpoints", keep=1).write(name_of(1, 0), {})
    finally:
        folder.chmod(stat.S_IRWXU)


def test_a_folder_that_is_gone(tmp_path: Path):
    folder = tmp_path / "run"
    folder.mkdir()
    shutil.rmtree(folder)
    with (
        pytest.raises(MachineError, match=r"could not be written: the folder is gone. What was"),
        explained("a checkpoint", folder),
    ):
        CheckpointFolder(folder / "checkpoints", keep=1).write(name_of(1, 0), {})
    assert not folder.exists()


def test_what_no_one_knows_is_said_as_the_system_says_it(tmp_path: Path):
    with (
        pytest.raises(MachineError, match=r"could not be written: Broken thing. What was saved"),
        explained("a checkpoint", tmp_path),
    ):
        raise OSError(9999, "Broken thing")
