"""The common parts of `python -m experiments` and `python -m experiments.real`."""

import argparse
import time
from pathlib import Path
from typing import Any

from experiments.results import WORK, Result
from experiments.workers import Limits


def common_arguments(about: str | None, results: Path) -> argparse.ArgumentParser:
    """A parser with the options of both."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=4, help="runs at a time on each device")
    parser.add_argument("--minutes", type=float, help="stop before this time is over")
    parser.add_argument("--device", default="cuda", help="or several, separated by commas")
    parser.add_argument("--work", type=Path, default=WORK, help="where clips and weights are kept")
    parser.add_argument("--commit", help="commit of the code, if git does not know it")
    parser.add_argument("--results", type=Path, default=results)
    return parser


def device_names(given: str) -> tuple[str, ...]:
    """Names of the given devices, or for "cuda" of all GPUs."""
    if given != "cuda":
        return tuple(given.split(","))
    import torch

    names = tuple(f"cuda:{number}" for number in range(torch.cuda.device_count()))
    if not names:
        raise SystemExit("there is no GPU; `--device cpu` takes hours instead of minutes")
    return names


def limits_left(given: argparse.Namespace, devices: tuple[str, ...], began: float) -> Limits:
    """The remaining limits of a command that began at that `time.monotonic()`."""
    spent = time.monotonic() - began
    seconds = None if given.minutes is None else 60 * given.minutes - spent
    return Limits(given.jobs, seconds, devices)


def describe(result: Result) -> str:
    """A finished run on `ordered` in a line."""
    run = result["run"]
    return (
        f"{network(run['model'])} seed {run['seed']}: {result['top1']:.1%} "
        f"(reversed {result['reversed']:.1%}), {result['seconds']:.0f} s"
    )


def network(model: dict[str, Any]) -> str:
    """The blocks of a recorded network, in a word."""
    blocks = "+".join(block["block"] for block in model["blocks"]) or "none"
    return f"tsm {blocks}" if model.get("tsm") else blocks
