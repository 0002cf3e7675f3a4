"""Processes that share a list are killed: each video has one line in the end."""

from pathlib import Path

import pytest
from benchmarks.many_videos import killed

pytestmark = pytest.mark.slow


def test_one_line_for_each_video_over_kills(tmp_path: Path):
    told = killed(tmp_path, kills=6, processes=3, videos=60)
    assert told["kills"] == 6
    assert told["wrong"] == 0
