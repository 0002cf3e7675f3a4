"""From a click in `gta demo` to the map of that position, on two CPU cores.

    python -m benchmarks.demo_click --out benchmarks/results/demo_click.json

A demo runs in a process of its own, with weights as they are drawn, and is asked as its page asks:
one request for each click, over HTTP, answered with the map as JSON. The first click of a clip
computes the attention of all positions, later ones read it off; figures are of several clicks, and
the greatest of them counts. What the page does then, drawing 448 x 448 pixels, is not in it.
"""

import argparse
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.output import about, write

MODELS = {"tiny_gta": ("ordered", "tiny_gta"), "lite0_gta": ("folder", "lite0_gta")}
BUDGET = 300
"""Milliseconds: what is aimed at."""
THREADS = 2
_CLICKS = 20


def make_run(folder: Path, data: str, model: str, *settings: str) -> Path:
    """A run folder with drawn weights, as if trained."""
    import torch

    from gta.recipes import find_recipe, read_recipe
    from gta.runs import Run

    recipe = read_recipe(find_recipe(data, model), ["model.weights=none", *settings])
    run = Run.create(folder, recipe, [f"class {i}" for i in range(8)])
    torch.manual_seed(0)
    run.save_weights(run.build(), "last", epoch=recipe.train.epochs)
    return folder


def make_video(folder: Path) -> Path:
    """A clip of the built-in data set."""
    from gta.ordered import render_dataset

    size = {"num_frames": 24, "height": 128, "width": 160}
    render_dataset(folder, num_train=2, num_val=2, **size, classes=("up", "down"), workers=1)
    return sorted(folder.rglob("*.webm"))[0]


def measured(run: Path, video: Path) -> dict[str, Any]:
    """Milliseconds of clicks on each kind of map."""
    command = [sys.executable, "-m", "gta", "demo", str(run), "--no-browser", "--device", "cpu"]
    env = os.environ | {"OMP_NUM_THREADS": str(THREADS), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = None
            while found is None:  # it may say first that there are no videos to pick
                line = process.stdout.readline()
                assert line, "the demo has ended"
                found = re.match(r"http://127\.0\.0\.1:(\d+)/", line)
            port = int(found[1])
            began = time.perf_counter()
            clip = _asked(port, "/api/clips", video.read_bytes())
            opened = 1000 * (time.perf_counter() - began)
            clicks = {
                f"{each['kind']}, {each['name']}": _clicks(port, clip["clip"], each)
                for each in clip["maps"]
                if each["query"]
            }
        finally:
            process.terminate()
    return {"opened_ms": opened, "clicks_ms": clicks}


def _clicks(port: int, clip: str, each: dict[str, Any]) -> list[float]:
    times = []
    for number in range(_CLICKS):
        asked = f"kind={each['kind']}&layer={each['layer']}&x={number}&y={number}&frame=1"
        began = time.perf_counter()
        _asked(port, f"/api/clips/{clip}/map?{asked}")
        times.append(1000 * (time.perf_counter() - began))
    return times


def _asked(port: int, path: str, body: bytes | None = None) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("GET" if body is None else "POST", path, body)
    answer = connection.getresponse()
    told = json.loads(answer.read())
    assert answer.status == 200, told
    return told


def table(found: dict[str, Any]) -> str:
    """Of each network: opening a video, the first click, and the slowest and median of all."""
    lines = [
        "| network | a video opened, ms | first click, ms | slowest click | median |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, model in found["models"].items():
        kinds = model["clicks_ms"].values()
        every = [value for clicks in kinds for value in clicks]
        first = max(clicks[0] for clicks in kinds)
        lines.append(
            f"| `{name}` | {model['opened_ms']:.0f} | {first:.0f} | {max(every):.0f} | "
            f"{median(every):.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    arguments = parser.parse_args()
    found: dict[str, Any] = {**about("torch", "av", "starlette"), "threads": THREADS, "models": {}}
    with tempfile.TemporaryDirectory() as place:
        video = make_video(Path(place) / "clips")
        for name in arguments.models:
            run = make_run(Path(place) / name, *MODELS[name])
            found["models"][name] = measured(run, video)
    print(table(found))
    write(found, arguments.out)


if __name__ == "__main__":
    main()
