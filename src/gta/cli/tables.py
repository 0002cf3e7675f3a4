"""Tables on the terminal."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from gta.evaluation.comparison import Difference
from gta.evaluation.metrics import top5_tells
from gta.evaluation.probe import DISTURBANCES, IN_ORDER, Probe
from gta.evaluation.scores import Scores

if TYPE_CHECKING:  # torch's counter of operations and the training take time to import
    from gta.cost import Cost
    from gta.paper import Row
    from gta.training.dry_run import DryRun


def score_table(scores: Scores) -> Table:
    """The figures of a test, with everything that one needs to quote them."""
    table = Table(title=f"{escape(scores.model)}\nprotocol {scores.protocol}, {len(scores)} videos")
    for name in (*_columns(scores), "unreadable"):
        table.add_column(name, justify="right")
    table.add_row(*_figures(scores), str(len(scores.failures)))
    return table


def parts_table(scores: Sequence[Scores], names: Sequence[str] = ()) -> Table:
    """The figures of several tests of the same videos."""
    table = Table(title=f"{len(scores[0])} videos")
    for name in ((" ",) if names else ()) + ("model", "protocol"):
        table.add_column(name, overflow="fold")
    for name in _columns(scores[0]):
        table.add_column(name, justify="right", no_wrap=name != "mean of classes")
    for index, one in enumerate(scores):
        table.add_row(*names[index : index + 1], escape(one.model), one.protocol, *_figures(one))
    return table


def _columns(scores: Scores) -> list[str]:
    top5 = ["top-5"] if top5_tells(len(scores.classes)) else []
    return ["top-1", "95 % interval", *top5, "mean of classes"]


def _figures(scores: Scores) -> list[str]:
    """What stands in `_columns`."""
    if scores.num_labelled == 0:
        return ["no labels", *[""] * (len(_columns(scores)) - 1)]
    low, high = scores.interval()
    top5 = [] if scores.top5 is None else [f"{scores.top5:.1%}"]
    interval = f"{100 * low:.1f} to {100 * high:.1f}"
    return [f"{scores.top(1):.1%}", interval, *top5, f"{scores.mean_class():.1%}"]


def class_gain_table(classes: Sequence[tuple[str, Difference]], most: int = 10) -> Table:
    """The classes with the greatest gains and losses, the greatest gain first."""
    ups = [one for one in classes if one[1].gain > 0][:most]
    downs = [one for one in classes if one[1].gain < 0][-most:]
    rest = len(classes) - len(ups) - len(downs)
    left = f"; of the other {rest} see --json" if rest else ""
    table = Table(title=f"Classes that change most, B minus A{left}")
    table.add_column("class", overflow="fold")
    for name in ("videos", "A", "B", "points", "95 % interval"):
        table.add_column(name, justify="right")
    for part in (ups, downs):
        for name, one in part:
            accuracies = (f"{one.a:.0%}", f"{one.b:.0%}", f"{100 * one.gain:+.1f}")
            ends = f"{100 * one.low:+.1f} to {100 * one.high:+.1f}"
            table.add_row(escape(name), str(one.videos), *accuracies, ends)
        table.add_section()
    return table


def prediction_table(title: str, ranked: list[tuple[str, float]]) -> Table:
    """The most probable classes of one video."""
    table = Table(title=title, title_justify="left")
    table.add_column("class", overflow="fold")
    table.add_column("score", justify="right")
    for name, score in ranked:
        table.add_row(name, f"{score:.1%}")
    return table


def paper_table(rows: "Sequence[tuple[Row, Cost]]") -> Table:
    """The paper's cost figures beside ours; numbers in brackets refer to the notes, in order."""
    table = Table(title="Cost of one clip: GFLOPs are multiply-adds / 1e9")
    for name in ("table", "row", "clip"):
        table.add_column(name)
    for name in ("GFLOPs", "paper", "params (M)", "paper", "activations (MiB)", "note"):
        table.add_column(name, justify="right")
    notes: list[str] = []
    previous = None
    for row, cost in rows:
        if row.table != previous:
            table.add_section()
        if row.note and row.note not in notes:
            notes.append(row.note)
        _, T, H, W = row.clip
        table.add_row(
            row.table if row.table != previous else "",
            row.row,
            f"{T}x{H}x{W}",
            f"{cost.gflops:.2f}",
            f"{row.gflops:.{0 if row.table == '4' else 1}f}",
            f"{cost.params_m:.2f}",
            "" if row.params_m is None else f"{row.params_m:.1f}",
            f"{cost.activations_mib:.0f}",
            f"\\[{notes.index(row.note) + 1}]" if row.note else "",
        )
        previous = row.table
    return table


def summary_table(summary: Mapping[str, Any]) -> Table:
    """What `gta check` counted in each split."""
    table = Table(title=f"{summary['classes']} classes")
    table.add_column("split")
    for name in ("videos", "unreadable", "frames: least", "median", "most"):
        table.add_column(name, justify="right")
    table.add_column("sizes (width x height)")
    for split in ("train", "val"):
        part = summary[split]
        frames = part["frames"]
        sizes = ", ".join(f"{size} ({count})" for size, count in part["sizes"].items())
        counts = (part["videos"], part["unreadable"], frames["min"], frames["median"])
        table.add_row(split, *(f"{count:g}" for count in counts), f"{frames['max']}", sizes)
    return table


def probe_table(title: str, found: Probe) -> Table:
    """What disturbed frames do to a model."""
    table = Table(title=title)
    table.add_column("frames")
    for name in ("top-1", "difference", "95 %", "p"):
        table.add_column(name, justify="right")
    table.add_row(IN_ORDER.name, f"{found.right(IN_ORDER.name).double().mean():.1%}")
    for name in (disturbance.name for disturbance in DISTURBANCES):
        one = found.change(name)
        low, high = (100 * end for end in (one.low, one.high))
        figures = (f"{100 * one.gain:+.1f}", f"{low:+.1f} to {high:+.1f}", f"{one.p:.2g}")
        table.add_row(name, f"{one.b:.1%}", *figures)
    return table


def class_probe_table(rows: Sequence[Mapping[str, Any]], most: int = 10) -> Table:
    """The classes that lose most when their frames are shuffled."""
    table = Table(
        title=f"Classes that need the order of frames most, {min(most, len(rows))} of {len(rows)}"
    )
    table.add_column("class", overflow="fold", min_width=30)
    table.add_column("videos", justify="right")
    names = [IN_ORDER.name, *(one.name for one in DISTURBANCES if one.keep_every == 1)]
    for name in names:
        table.add_column(name, justify="right")
    for row in rows[:most]:
        accuracies = (f"{row[name]:.0%}" for name in names)
        table.add_row(row["class"], str(row["videos"]), *accuracies)
    return table


def dry_run_table(found: "DryRun") -> Table:
    """What a training will take."""
    table = Table(title=f"{found.epochs} epochs of {found.steps} steps", show_header=False)
    table.add_column()
    table.add_column()
    limit = f" of {found.memory_limit / 2**30:.0f}" if found.memory_limit else ""
    where = "of the GPU" if found.memory_limit else "of this process"
    epoch = found.epoch_seconds
    table.add_row("a step", f"{found.step_seconds:.2f} s for {found.batch_size} clips")
    table.add_row("reading a clip", f"{1000 * found.load_seconds:.0f} ms on one core")
    table.add_row("who waits", found.waits)
    table.add_row("an epoch", f"{_duration(epoch)}, with {found.videos} validation videos")
    table.add_row("all", _duration(epoch * found.epochs))
    table.add_row("memory", f"{found.memory_bytes / 2**30:.1f}{limit} GiB {where}")
    free = f"{found.disk_free / 2**30:.1f} GiB free"
    table.add_row("disk", f"{found.disk_bytes / 2**30:.2f} GiB for the run's folder, {free}")
    table.add_row("first loss", f"{found.loss:.3f}")
    return table


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"
