"""How long `gta predict` takes from the shell to the answer, and where the time goes.

    python -m benchmarks.startup --out benchmarks/results/startup.json

A run of R2D-50 with GTA, weights as they are drawn, says what happens in a clip of 10 seconds
(H.264, 340 x 256, 30 frames a second). Figures are those of the fastest of several fresh processes:
others may use the machine. The stages are those of a process that takes the same steps with a clock
in hand.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.output import about, write

STAGES = {
    "interpreter": "Python itself",
    "parsing": "what parses the arguments",
    "torch": "import torch",
    "av": "import PyAV",
    "gta": "import what is left: gta, pydantic, rich",
    "open": "recipe and labels",
    "load": "network without weights, weights from the file",
    "decode": "decode and transform the clip",
    "forward": "normalise, forward pass",
    "show": "the table",
}
BUDGET = {"predict": 6.0, "help": 0.5}
"""Seconds: what is aimed at."""


def make_run(folder: Path, model: str) -> Path:
    """A run folder with drawn weights, as if trained."""
    import torch

    from gta.recipes import find_recipe, read_recipe
    from gta.runs import Run

    recipe = read_recipe(find_recipe("ssv2", model), ["model.weights=none"])
    run = Run.create(folder, recipe, [f"class {i}" for i in range(174)])
    torch.manual_seed(0)
    run.save_weights(run.build(), "last", epoch=recipe.train.epochs)
    return folder


def stages(began: float, run_folder: Path, clip: Path) -> dict[str, float]:
    """Seconds of each stage in this process, which was started at `began`."""
    moments = [began, time.time()]

    def passed() -> None:
        moments.append(time.time())

    import gta.cli.main  # noqa: F401

    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as `main` does
    passed()
    import torch  # noqa: F401

    passed()
    import av  # noqa: F401

    passed()
    from gta.cli.console import Terminal
    from gta.cli.tables import prediction_table
    from gta.predict import Predictor
    from gta.runs import Run

    passed()
    run = Run.open(run_folder)
    passed()
    predictor = Predictor(run)
    passed()
    views = predictor.views(clip)
    passed()
    scores = predictor.scores(views)
    passed()
    ranked = sorted(zip(run.classes, scores.tolist(), strict=True), key=lambda one: -one[1])
    Terminal(stderr=True).console.print(prediction_table(str(clip), ranked[:5]))
    passed()
    return {
        name: after - before
        for name, (before, after) in zip(STAGES, pairwise(moments), strict=True)
    }


def fresh(arguments: list[str]) -> dict[str, float]:
    """Seconds of a fresh process by the clock, and of its computing on all cores."""
    before, began = os.times(), time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    seconds, after = time.perf_counter() - began, os.times()
    computed = after.children_user + after.children_system
    return {
        "clock": seconds,
        "computing": computed - before.children_user - before.children_system,
    }


def measure(folder: Path, *, model: str, times: int) -> dict[str, Any]:
    """The fastest of fresh processes each; the first, which fills the disk's cache, is left out."""
    run = make_run(folder / "run", model)
    from benchmarks.clips import write_clip  # PyAV, which the stages import on the clock

    clip = write_clip(folder / "clip", "k400")
    predict, told = ["-m", "gta", "predict", str(run), str(clip)], list[dict[str, float]]()
    fresh(predict)
    predicts, helps = [], []
    for _ in range(times):
        predicts.append(fresh(predict))
        helps.append(fresh(["-m", "gta", "--help"]))
        command = ["-m", "benchmarks.startup", "--stages", str(time.time()), str(run), str(clip)]
        done = subprocess.run(
            [sys.executable, *command], check=True, capture_output=True, text=True
        )
        told.append(json.loads(done.stdout))
    return {
        "predict": min(predicts, key=lambda one: one["clock"]),
        "help": min(helps, key=lambda one: one["clock"]),
        "stages": min(told, key=lambda one: sum(one.values())),
    }


def table(found: dict[str, Any]) -> str:
    """Markdown: the stages, then the whole commands beside what is aimed at."""
    results = found["results"]
    lines = ["| stage | s |", "| --- | ---: |"]
    lines += [f"| {STAGES[name]} | {value:.2f} |" for name, value in results["stages"].items()]
    for name, title in (("predict", "`gta predict`, whole"), ("help", "`gta --help`, whole")):
        lines.append(f"| {title} (aim: {BUDGET[name]:g}) | {results[name]['clock']:.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Measures and prints the table; with --stages, is one of the measured processes."""
    if sys.argv[1:2] == ["--stages"]:
        began, run, clip = sys.argv[2:]
        print(json.dumps(stages(float(began), Path(run), Path(clip))))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", default="r2d50_gta", help="of the ssv2 recipes")
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Path(folder), model=given.model, times=given.times)
    found = {
        **about("torch"),
        **{"cores": len(os.sched_getaffinity(0)), "model": given.model, "results": results},
    }
    write(found, given.out)
    print(table(found))


if __name__ == "__main__":
    main()
