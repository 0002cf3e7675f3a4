"""Data folders with annotations; videos are empty files, since reading a list opens none."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest


@pytest.fixture
def make(tmp_path) -> Callable[..., Path]:
    """Writes annotations (text by name), files of videos, and folders of that many frames."""

    def write(
        annotations: Mapping[str, str | bytes],
        videos: tuple[str, ...] | list[str] = (),
        frames: Mapping[str, int] | None = None,
    ) -> Path:
        for name in videos:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        for name, count in (frames or {}).items():
            (tmp_path / name).mkdir(parents=True, exist_ok=True)
            for i in range(count):
                (tmp_path / name / f"{i:05d}.jpg").touch()
        for name, text in annotations.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            content = text if isinstance(text, bytes) else text.encode()
            (tmp_path / name).write_bytes(content)
        return tmp_path

    return write
