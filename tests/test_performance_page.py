"""docs/performance.md shows what the result file holds; the benchmark runs."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def speed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("benchmarks.speed")


def test_the_table_is_that_of_the_result_file(speed):
    found = json.loads((ROOT / "benchmarks/results/h200.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
    assert page.split("<!-- speed: benchmarks/results/h200.json -->\n")[1].startswith(
        speed.table(found) + "\n<!-- /speed -->"
    )


@pytest.mark.slow
def test_the_benchmark_runs(tmp_path: Path):
    out = tmp_path / "speed.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.speed", "--models", "r2d50", "r2d50_gta:plain"),
            *("--ways", "inference", "--batch", "1", "--steps", "2", "--device", "cpu"),
            *("--out", str(out)),
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(out.read_text())
    assert set(found["results"]) == {"r2d50 | inference", "r2d50_gta:plain | inference"}
    assert all(one["ms"] > 1 for one in found["results"].values())
    assert "| r2d50 |" in done.stdout
