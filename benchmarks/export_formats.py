"""What exporting costs in accuracy, time and size: the shipped network in each format.

    python -m benchmarks.export_formats formats --out benchmarks/results/export_formats.json
    python -m benchmarks.export_formats step --out benchmarks/results/export_formats.json

`formats` is `gta export ordered --benchmark` on held-out clips, which are rendered first. `step`
times one frame of a causal network in onnxruntime, with fresh weights: what a network has learned
does not change its time. Each keeps its own part of the file.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.output import about, write
from gta.cores import available_cores
from gta.export.agreement import session
from gta.export.benchmark import benchmark, cpu_name
from gta.export.clips import clips_of_data
from gta.export.forms import form_of
from gta.export.onnx_file import onnx_model
from gta.models import MODELS, build
from gta.ordered import render_dataset
from gta.runs import Run

NUM_VAL = 480
STEP, STEP_FRAMES, STEP_SIZE = "lite0_gta_causal", 8, 224
STEPS = 200


def formats() -> dict[str, Any]:
    """Every format of the shipped network on the held-out clips of all its classes."""
    run = Run.open("ordered")
    with tempfile.TemporaryDirectory() as folder:
        render_dataset(Path(folder), num_train=22, num_val=NUM_VAL)
        clips = clips_of_data(run, folder, NUM_VAL)
    rows = benchmark(run, clips)
    return {
        "clips": len(clips),
        "rows": [asdict(row) | {"loses": row.loses(rows[0].top1)} for row in rows],
    }


def step() -> dict[str, Any]:
    """Milliseconds of one frame: by the clock, and of the processor."""
    torch.manual_seed(0)
    network = build(MODELS[STEP], num_classes=174, num_frames=STEP_FRAMES).eval()
    form = form_of(network, frames=STEP_FRAMES, size=STEP_SIZE, stream=True)
    content = onnx_model(form).SerializeToString()
    opened = session(content)
    names = [given.name for given in opened.get_inputs()]
    fed = [np.ascontiguousarray(a[:1].numpy()) for a in form.arguments]

    def one(state: list[np.ndarray]) -> list[np.ndarray]:
        return opened.run(None, dict(zip(names, [fed[0], *state], strict=True)))[1:]

    state, taken = one(fed[1:]), list[tuple[float, float]]()
    for _ in range(STEPS):
        began = time.perf_counter(), time.process_time()
        state = one(state)
        taken.append((time.perf_counter() - began[0], time.process_time() - began[1]))
    wall, cpu = (1000 * statistics.median(column) for column in zip(*taken, strict=True))
    least = 1000 * min(wall for wall, _ in taken)
    return {
        **{"model": STEP, "frames": STEP_FRAMES, "size": STEP_SIZE, "steps": STEPS},
        **{"wall_ms": wall, "least_ms": least, "cpu_ms": cpu},
    }


def table(found: dict[str, Any]) -> str:
    """Markdown: a row for each format and precision."""
    lines = [
        "| format | precision | top-1 | same class as torch | greatest difference | ms a clip | "
        "MB | |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for row in found["formats"]["rows"]:
        said = "loses more than a point" if row["loses"] else ""
        cells = (
            f"{row['format']} | {row['precision']} | {100 * row['top1']:.1f} % | "
            f"{100 * row['agrees']:.1f} % | {row['difference']:.1g} | "
            f"{row['cpu_milliseconds']:.1f} | {row['megabytes']:.2f} | {said}"
        )
        lines.append(f"| {cells.rstrip()} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("part", choices=["formats", "step"])
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    load = os.getloadavg()[0] / available_cores()
    part = formats() if given.part == "formats" else step()
    found = json.loads(given.out.read_text()) if given.out and given.out.is_file() else {}
    machine = {"cpu": cpu_name(), "load": round(load, 1)}
    found |= about("torch", "onnx", "onnxruntime") | {given.part: machine | part}
    write(found, given.out)
    print(json.dumps(found[given.part], indent=1))


if __name__ == "__main__":
    main()
