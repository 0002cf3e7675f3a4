"""What several parts of the tests need: a small rendered data set and the command line."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from gta.ordered import render_dataset

torch.set_num_threads(1)
if not torch.cuda.is_available():  # kernels are interpreted; read when Triton is imported
    os.environ.setdefault("TRITON_INTERPRET", "1")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # begun in the background by a script
    # Inherited by what the tests start, where Ctrl-C would do nothing.
    signal.signal(signal.SIGINT, signal.default_int_handler)

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
CLASSES = ("left_to_right", "right_to_left", "up", "down")


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Fresh weights are the same whichever tests ran before."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def ordered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 training and 12 held-out clips of 4 classes, 32 pixels, 8 frames, in the v2 layout."""
    root = tmp_path_factory.mktemp("data") / "ordered"
    render_dataset(
        root,
        num_train=40,
        num_val=12,
        num_frames=8,
        height=32,
        width=32,
        classes=CLASSES,
        workers=1,
    )
    return root


SMALL = (
    *("clip.size=32", "clip.num_frames=4", "test.protocol=1x1-center32", "model.width=16"),
    *("train.batch_size=8", "train.epochs=2", "train.warmup_epochs=1"),
)
"""Settings that make the built-in recipes small enough for a test."""


@pytest.fixture(scope="session")
def small_settings() -> list[str]:
    """`--set` values that make the built-in recipes small enough for a test."""
    return list(SMALL)


Gta = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def gta() -> Gta:
    """Runs the command line in a process of its own: `gta("cost", "--model", "r2d50")`."""

    def run(*arguments: str | Path, cwd: Path | None = None, timeout: float = 300):
        return subprocess.run(
            [sys.executable, "-m", "gta", *map(str, arguments)],
            cwd=cwd,
            env=os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    return run


@pytest.fixture(scope="session")
def trained(ordered: Path, gta: Gta, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small finished run."""
    out = tmp_path_factory.mktemp("runs") / "trained"
    settings = [part for setting in SMALL for part in ("--set", setting)]
    done = gta(
        *("train", "--model", "tiny_gta", "--data", "ordered", "--root", ordered, "--out", out),
        *settings,
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium of the system, driven by playwright; with a camera that is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the extra `browser`")
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(CHROMIUM)} is on the path")
    camera = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with playwright.sync_playwright() as driver:
        # the sandbox cannot be had by root, nor in most containers
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", *camera])
        yield browser
        browser.close()
