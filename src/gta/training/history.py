"""The record of each epoch, as csv and in words."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from gta.evaluation.metrics import top5_tells
from gta.files import write_text
from gta.training.splits import Splits


def write_metrics(path: Path, history: Sequence[dict[str, float]]) -> None:
    """Rewrites metrics.csv with a line for each epoch, so that a resumption repeats no line."""
    text = io.StringIO()
    # entries of earlier versions have fewer
    names = list(dict.fromkeys(name for entry in history for name in entry))
    writer = csv.DictWriter(text, fieldnames=names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: f"{v:.6g}" for k, v in entry.items()} for entry in history)
    write_text(path, text.getvalue())


def epoch_line(entry: dict[str, float], epochs: int, num_classes: int) -> str:
    """An entry of the history in words."""
    waited = entry["waited"] / max(entry["seconds"], 1e-9)
    top5 = f"top-5 {entry['val_top5']:.1%}  " if top5_tells(num_classes) else ""
    return (
        f"epoch {entry['epoch']:.0f}/{epochs}  loss {entry['train_loss']:.3f}  "
        f"train {entry['train_top1']:.1%}  val top-1 {entry['val_top1']:.1%}  "
        f"{top5}{entry['seconds']:.0f} s, {waited:.0%} waiting for videos"
    )


def end_line(entry: dict[str, float], splits: Splits, protocol: str, best: float) -> str:
    """The result of a training, and the number of videos that were scored.

    Args:
        entry: The entry of the last epoch.
        splits: The videos.
        protocol: How the validation videos are scored.
        best: The highest top-1 of all epochs.
    """
    unreadable, total = int(entry["val_unreadable"]), len(splits.val)
    top5 = f"top-5 {entry['val_top5']:.1%} " if top5_tells(len(splits.val.classes)) else ""
    counted = f"{total - unreadable} of {total}" if unreadable else f"{total}"
    left_out = f"; {unreadable} could not be read and are not scored" if unreadable else ""
    return (
        f"top-1 {entry['val_top1']:.1%}{',' * bool(top5)} {top5}on {counted} validation videos"
        f"{left_out}, {protocol}, weights of the last epoch (best epoch: {best:.1%})"
    )


def left_out_line(left_out: int, steps: int, title: str) -> str:
    """The message about steps that changed nothing."""
    return (
        f"{left_out} of {steps} steps of {title} changed nothing: their gradient was not finite. "
        f"If it stays so, lower train.lr, lengthen train.warmup_epochs or lower train.clip_norm"
    )
