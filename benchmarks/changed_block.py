"""The change of Eq. 6 that CONTRIBUTING.md shows, applied, and what it costs.

    python -m benchmarks.changed_block --out benchmarks/results/changed_block.json

Its diff is taken from the guide as it stands there. Counted are the multiply-adds of R2D-50 with
SA and GTA; measured is a step of the block on the res3 feature of one clip, on one thread, in
seconds of computing.
"""

import argparse
import importlib.util
import re
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from benchmarks.output import about, write
from gta.backbones import FrameResNet
from gta.blocks import SpatialAttention, gta
from gta.cost import Cost, count_cost

ROOT = Path(__file__).parent.parent
PLACEMENT = {"res3": [1, 3], "res4": [1, 3, 5]}


def diff() -> str:
    """The guide's diff."""
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return re.findall(r"```diff\n(.*?)```", guide, re.DOTALL)[0]


def changed_files(diff: str) -> list[str]:
    """Paths of the files that a diff changes."""
    return re.findall(r"^\+\+\+ b/(.*)$", diff, re.MULTILINE)


def patched(text: str, diff: str) -> str:
    """A file's text with the hunks of a diff applied.

    Raises:
        ValueError: A hunk is not in the text, or more than once.
    """
    for hunk in re.split(r"^@@.*\n", diff, flags=re.MULTILINE)[1:]:
        lines = hunk.splitlines(keepends=True)
        # of an empty line of context an editor may have taken the blank
        before = "".join(line[1:] or line for line in lines if line[0] in " -\n")
        after = "".join(line[1:] or line for line in lines if line[0] in " +\n")
        if text.count(before) != 1:
            raise ValueError(f"this stands {text.count(before)} times in the file:\n{before}")
        text = text.replace(before, after)
    return text


def changed_module(folder: Path) -> ModuleType:
    """`gta.blocks.gta` as the guide's diff makes it, written into a folder."""
    (path,) = changed_files(diff())
    written = folder / "changed_gta.py"
    written.write_text(patched((ROOT / path).read_text(encoding="utf-8"), diff()), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("changed_gta", written)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cost(block: Callable[[int, int], nn.Module]) -> Cost:
    """Of R2D-50 with SA and the block at the paper's five places."""
    make = partial(
        FrameResNet,
        50,
        num_classes=174,
        num_frames=8,
        blocks=[SpatialAttention, block],
        placement=PLACEMENT,
    )
    return count_cost(make, (3, 8, 224, 224))


def training_step(block: Callable[[int, int], nn.Module]) -> Callable[[], None]:
    """Forward and backward at res3."""
    made = block(512, 8)
    x = torch.randn(1, 512, 8, 28, 28).contiguous(memory_format=torch.channels_last_3d)
    x.requires_grad_()
    return lambda: made(x).square().sum().backward()


def fastest(steps: dict[str, Callable[[], None]], times: int) -> dict[str, float]:
    """Milliseconds of computing of each, in turns."""
    found = {name: float("inf") for name in steps}
    for _ in range(times):
        for name, step in steps.items():
            began = time.process_time()
            step()
            found[name] = min(found[name], 1000 * (time.process_time() - began))
    return found


def table(found: dict[str, Any]) -> str:
    """Markdown: a row for each form of the block."""
    lines = [
        "| Eq. 6 | GFLOPs of R2D-50 + SA + GTA | parameters, M | training step of a block, ms |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, row in found["results"].items():
        cells = f"{row['gflops']:.3f} | {row['params_m']:.3f} | {row['step_ms']:.0f}"
        lines.append(f"| {name} | {cells} |")
    return "\n".join(lines)


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        changed = changed_module(Path(folder))
        blocks = {
            "as it is": gta.GlobalTemporalAttention,
            "changed": changed.GlobalTemporalAttention,
        }
        counted = {name: cost(block) for name, block in blocks.items()}
        steps = {name: training_step(block) for name, block in blocks.items()}
        ms = fastest(steps, given.times)
    results: dict[str, Any] = {
        name: {"gflops": found.gflops, "params_m": found.params_m, "step_ms": ms[name]}
        for name, found in counted.items()
    }
    found = {**about("torch"), "results": results}
    write(found, given.out)
    print(table(found))


if __name__ == "__main__":
    main()
