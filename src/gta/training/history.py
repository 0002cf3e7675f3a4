"""What is kept and printed of each epoch."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from gta.files import write_text


def write_metrics(path: Path, history: Sequence[dict[str, float]]) -> None:
    """Writes metrics.csv anew, one line for each epoch: an interruption leaves no line twice."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(history[0]), lineterminator="\n")
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
