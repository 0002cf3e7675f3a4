"""How the cost of a block grows: with frames, resolution, batch, number of blocks, G and R.

    python -m benchmarks.growth --out growth.json --picture growth.png

One block (NL; SA and TA, which is DNL; SA and GTA) at res4 of a ResNet-50 (1024 channels, a
sixteenth of the clip's side), forward and backward in bf16: milliseconds of a CUDA graph of both,
so that what counts is the GPU's time and not Python's, and the GiB that it needs at most beyond its
input. From 8 frames of 224 pixels, 32 clips, one block, G = R = 8, one number is changed at a time.
"out of memory" is a result too.
"""

import argparse
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import nn

from benchmarks.output import write
from benchmarks.timing import timed
from gta.blocks import GlobalTemporalAttention, NonLocal, SpatialAttention, TemporalAttention
from gta.devices import autocast

CHANNELS, STRIDE = 1024, 16


@dataclass(frozen=True)
class Case:
    """What a block is measured on."""

    frames: int = 8
    size: int = 224
    batch: int = 32
    blocks: int = 1
    groups: int = 8
    regions: int = 8


AXES: dict[str, tuple[int, ...]] = {
    "frames": (4, 8, 16, 32, 64),
    "size": (112, 160, 224, 320, 448),
    "batch": (8, 16, 32, 64),
    "blocks": (1, 2, 3, 4, 5),
    "groups": (1, 2, 4, 8, 16, 32),
    "regions": (4, 8, 16, 32, 64),
}
MAKE: dict[str, Callable[[Case], list[nn.Module]]] = {
    "NL": lambda case: [NonLocal(CHANNELS, case.frames)],
    "DNL": lambda case: [
        SpatialAttention(CHANNELS, case.frames),
        TemporalAttention(CHANNELS, case.frames),
    ],
    "GTA": lambda case: [
        SpatialAttention(CHANNELS, case.frames),
        GlobalTemporalAttention(CHANNELS, case.frames, groups=case.groups, regions=case.regions),
    ],
}


def measure(name: str, case: Case, *, steps: int, device: torch.device) -> dict[str, Any]:
    """Milliseconds and GiB of forward and backward of some blocks in a row."""
    torch.manual_seed(0)
    blocks = [part for _ in range(case.blocks) for part in MAKE[name](case)]
    model = nn.Sequential(*blocks).to(device)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm3d):  # zero in a new block
            nn.init.constant_(module.weight, 0.1)
    side = case.size // STRIDE
    x = torch.randn(case.batch, CHANNELS, case.frames, side, side, device=device)
    x = x.to(torch.bfloat16 if x.is_cuda else torch.float32)
    x = x.contiguous(memory_format=torch.channels_last_3d).requires_grad_()
    upstream = torch.randn_like(x)

    def step() -> None:
        with autocast(device):
            y = model(x)
        y.backward(upstream)
        model.zero_grad()
        x.grad = None

    if device.type != "cuda":
        return {"ms": median(timed(step, steps, device)[0]), "gib": None}
    before = torch.cuda.memory_allocated()
    try:
        timed(step, 1, device)
        gib = (torch.cuda.max_memory_allocated() - before) / 2**30
        return {"ms": median(timed(graphed(step), steps, device)[0]), "gib": gib}
    except torch.cuda.OutOfMemoryError:
        return {"ms": None, "gib": None}


def graphed(step: Callable[[], None]) -> Callable[[], None]:
    """The step, recorded once; replaying it costs Python nothing."""
    torch.cuda.empty_cache()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def sweep(
    steps: int, device: torch.device, axes: dict[str, tuple[int, ...]], base: Case
) -> dict[str, Any]:
    """All cases of all axes: rows of axis, value, block, ms and GiB."""
    rows = []
    for axis, values in axes.items():
        for value in values:
            for name in MAKE if axis not in ("groups", "regions") else ("GTA",):
                case = replace(base, **{axis: value})
                found = measure(name, case, steps=steps, device=device)
                rows.append({"axis": axis, "value": value, "block": name, **found})
                print(rows[-1], flush=True)
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    return {
        **{"date": date.today().isoformat(), "torch": torch.__version__, "device": card},
        **{"base": asdict(base), "rows": rows},
    }


def table(found: dict[str, Any]) -> str:
    """Markdown: a row for each value, time and memory of each block beside each other."""
    lines = [
        "| | | " + " | ".join(f"{name}, ms | GiB" for name in MAKE) + " |",
        "| --- | ---: |" + " ---: | ---: |" * len(MAKE),
    ]
    keys = dict.fromkeys((row["axis"], row["value"]) for row in found["rows"])
    for axis, value in keys:
        cells = []
        for name in MAKE:
            row = next(
                (
                    r
                    for r in found["rows"]
                    if (r["axis"], r["value"], r["block"]) == (axis, value, name)
                ),
                None,
            )
            if row is None:
                cells.append(" | ")
            elif row["ms"] is None:
                cells.append("out of memory | ")
            else:
                gib = "" if row["gib"] is None else f"{row['gib']:.2f}"
                cells.append(f"{row['ms']:.2f} | {gib}")
        lines.append(f"| {axis} | {value} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def picture(found: dict[str, Any], path: Path) -> None:
    """Time over each axis, both on logarithmic scales, in one panel each."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6.2), layout="constrained")
    panels = figure.subplots(2, 3, sharey=True).flat
    for axes, axis in zip(panels, AXES, strict=True):
        rows = [row for row in found["rows"] if row["axis"] == axis and row["ms"] is not None]
        for number, name in enumerate(MAKE):
            mine = [(row["value"], row["ms"]) for row in rows if row["block"] == name]
            if mine:
                axes.plot(*zip(*mine, strict=True), "o-", color=f"C{number}", label=name)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        values = sorted({row["value"] for row in rows})
        axes.set_xticks(values, [str(value) for value in values])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set_xlabel({"size": "side of the clip, pixels", "groups": "groups G"}.get(axis, axis))
        axes.set_ylabel("ms")
        axes.grid(alpha=0.3)
    figure.axes[0].legend()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measures, prints the table, and writes what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--axes", nargs="+", default=tuple(AXES), choices=tuple(AXES))
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=Case.batch)
    parser.add_argument("--size", type=int, default=Case.size)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    base = Case(batch=given.batch, size=given.size)
    axes = {axis: AXES[axis] for axis in given.axes}
    found = sweep(given.steps, torch.device(given.device), axes, base)
    write(found, given.out)
    if given.picture is not None:
        picture(found, given.picture)
    print(table(found))


if __name__ == "__main__":
    main()
