"""What is kept and printed of each epoch."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from gta.files import write_text


def write_metrics(path: Path, history: Sequence[dict[str, float]]) -> None:
    """Writes metrics.csv anew, one line for each epoch: an interruption leaves no line twice."""
    text = io.StringIO()
    names = list(
        dict.fromkeys(name for entry in history for name in entry)
    )  # older ones have fewer
    writer = csv.DictWriter(text, fieldnames=names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: f"{v:.6g}" for k, v in entry.items()} for entry in history)
    write_text(path, text.getvalue())


def epoch_line(entry: dict[str, float], epochs: int) -> str:
    """One entry of the history in words."""
    waited = entry["waited"] / max(entry["seconds"], 1e-9)
    return (
        f"epoch {entry['epoch']}/{epochs}  loss {entry['train_loss']:.3f}  "
        f"train {entry['train_top1']:.1%}  val top-1 {entry['val_top1']:.1%}  "
        f"top-5 {entry['val_top5']:.1%}  {entry['seconds']:.0f} s, {waited:.0%} waiting for videos"
    )


def left_out_line(left_out: int, steps: int, epoch: int) -> str | None:
    """What is said of steps that changed nothing; None where there were none."""
    if not left_out:
        return None
    return (
        f"{left_out} of {steps} steps of epoch {epoch} changed nothing: their gradient was not "
        f"finite. If it stays so, lower train.lr, lengthen train.warmup_epochs or lower "
        f"train.clip_norm"
    )
