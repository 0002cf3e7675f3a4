"""environment.json: the environment at the start of a run, and at each resumption."""

import json
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

import gta
from gta.files import read_object, write_text
from gta.training.checkpoint import TrainState
from gta.training.processes import Processes

_PATIENCE = 5
"""Seconds that git may take."""


def write_environment(path: Path, processes: Processes, position: TrainState) -> None:
    """Writes the file of a new run, or adds to the file of a resumed run.

    The top level describes the start; "resumptions" has an entry for each resumption from a
    checkpoint, with its position and what had changed.

    Args:
        path: The file.
        processes: This process among all that train.
        position: Where training begins now.
    """
    now, before = environment(processes), read_object(path)
    if before and position.place != (0, 0):
        differs = {name: value for name, value in now.items() if before.get(name) != value}
        entry = {"epoch": position.epoch, "batch": position.batch, **differs}
        before["resumptions"] = [*before.get("resumptions", []), entry]
        now = before
    write_text(path, json.dumps(now, indent=1))


def environment(processes: Processes) -> dict[str, Any]:
    """Versions, hardware, time, arguments, and the git state of this package and of the folder."""
    from importlib.metadata import version

    import av

    device = processes.device
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "gta": gta.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": version("torchvision"),
        "av": av.__version__,
        "platform": platform.platform(),
        "device": str(device),
        "gpu": gpu,
        "processes": processes.world_size,
        "threads": torch.get_num_threads(),
        "arguments": sys.argv[1:],
        "began": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "git": {"gta": git_state(Path(gta.__file__)), "folder": git_state(Path.cwd())},
    }


def git_state(path: Path) -> dict[str, object] | None:
    """The commit of the checkout that a file is tracked in, or that a folder is in, and changes.

    Returns:
        {"commit": SHA, "changed": number of tracked files that differ from it}; None: no checkout,
        no commit, or no git.
    """
    folder = path if path.is_dir() else path.parent
    # a package installed somewhere inside a checkout does not belong to it
    tracked = path.is_dir() or _git(folder, "ls-files", "--error-unmatch", path.name) is not None
    commit = _git(folder, "rev-parse", "--verify", "HEAD") if tracked else None
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no") if commit else None
    if commit is None or changes is None:
        return None
    return {"commit": commit.strip(), "changed": len(changes.splitlines())}


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), "--no-optional-locks", *arguments]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None
