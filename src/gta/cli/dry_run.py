"""`gta train --dry-run`: the time, memory and disk that a training needs."""

import os
from pathlib import Path

import torch

from gta.cli.console import Terminal
from gta.cli.tables import dry_run_table
from gta.config import Recipe
from gta.data.storage.outside import check_outside
from gta.devices import find_device
from gta.errors import UsageError
from gta.figures.contact_sheet import draw_contact_sheet
from gta.pretrained import load_pretrained
from gta.runs import build_network
from gta.training.dry_run import dry_run
from gta.training.processes import Processes
from gta.training.splits import load_splits


def tell(recipe: Recipe, out: Path, device: str) -> None:
    """Measures, prints a table, and draws the first clips beside the run's folder.

    Raises:
        UsageError: Several processes, a run inside the data set, or too little room on the disk.
    """
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise UsageError("--dry-run measures one process; start it without torchrun")
    if recipe.train.freeze:
        raise UsageError(
            "--dry-run measures steps on videos, and with --freeze each video is looked at once: "
            "leave out one of the two; a stopped training goes on with the features it has"
        )
    check_outside("--out", out, recipe.data.root)
    terminal = Terminal()
    processes = Processes(find_device(device))
    splits = load_splits(recipe, terminal)
    torch.manual_seed(recipe.train.seed)
    model = build_network(recipe, len(splits.train.classes))
    loaded = load_pretrained(model, recipe.model)
    if loaded is not None:
        terminal.say(str(loaded))
    dry = dry_run(model, splits, recipe, processes, out)
    terminal.show(dry_run_table(dry))
    for path, reason in dry.batch.failures:
        terminal.say(f"could not be read: {path}: {reason}")
    picture = out.with_name(f"{out.name}-dry-run.png")
    picture.parent.mkdir(parents=True, exist_ok=True)
    names = [splits.train.classes[label] for label in dry.batch.labels]
    draw_contact_sheet(picture, dry.batch.clips.permute(0, 2, 3, 4, 1).numpy(), names)
    terminal.say(f"clips as the network sees them: {picture}")
    if not dry.fits:
        raise UsageError(
            f"the disk of {out} has {dry.disk_free / 2**30:.2f} GiB free, the run needs "
            f"{dry.disk_bytes / 2**30:.2f} GiB: give another --out, or make room"
        )
