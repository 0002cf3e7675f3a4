"""A demo that runs: `gta demo` in a process of its own."""

import http.client
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Running:
    """A demo under way."""

    port: int
    uploads: Path
    """The folder in which its own folder for uploads is."""
    videos: list[Path]
    """Some that can be uploaded."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def stored(self) -> list[Path]:
        """Files of uploads that are there now."""
        return [path for path in self.uploads.rglob("*") if path.is_file()]


@pytest.fixture(scope="session")
def running(
    trained: Path, ordered: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    uploads = tmp_path_factory.mktemp("uploads")
    process = subprocess.Popen(
        [sys.executable, "-m", "gta", "demo", str(trained), "--no-browser", "--device", "cpu"],
        env=os.environ | {"TMPDIR": str(uploads), "COLUMNS": "200", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.match(r"http://127\.0\.0\.1:(\d+)/ shows .*; Ctrl-C ends it", line)
    assert found, line + process.stdout.read()
    videos = sorted(path for path in ordered.rglob("*.webm"))
    yield Running(int(found[1]), uploads, videos)
    slow = http.client.HTTPConnection("127.0.0.1", int(found[1]))  # its upload is under way
    slow.request("POST", "/api/clips", b"x", {"Content-Length": "1000"})
    while not any(path.is_file() for path in uploads.glob("*/uploads/*")):
        time.sleep(0.01)
    process.terminate()
    assert process.wait(20) == 143, process.stdout.read()
    assert list(uploads.iterdir()) == []  # its folder has gone with it
