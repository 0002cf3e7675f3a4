"""docs/data.md shows what the result file holds; the benchmark runs."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("benchmarks.reading")


def test_the_tables_are_those_of_the_result_file(reading):
    found = json.loads((ROOT / "benchmarks/results/reading.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs/data.md").read_text(encoding="utf-8")
    assert page.split("<!-- reading: benchmarks/results/reading.json -->\n")[1].startswith(
        reading.table(found) + "\n<!-- /reading -->"
    )


@pytest.mark.slow
def test_the_benchmark_runs(tmp_path: Path):
    out = tmp_path / "reading.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.reading", "--videos", "4", "--rounds", "1"),
            *("--forms", "video", "video, shards", "jpeg, 240x320", "--out", str(out)),
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(out.read_text())
    assert {"webm", "video", "video, shards", "jpeg, 240x320"} <= set(found["results"])
    assert all(one["clips"] > 0 for one in found["results"].values())
    assert "| shards by offset, any order |" in done.stdout
