"""Tables on the terminal."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from gta.cli.console import make_table
from gta.evaluation.comparison import Difference
from gta.evaluation.metrics import top5_tells
from gta.evaluation.probe import DISTURBANCES, IN_ORDER, Probe
from gta.evaluation.scores import Scores
from gta.names import shown

if TYPE_CHECKING:  # torch's counter of operations and the training take time to import
    from gta.cost import Cost
    from gta.paper import Row
    from gta.training.dry_run import DryRun


def score_table(scores: Scores) -> Table:
    """The scores of a test, with everything that is needed to quote them."""
    return make_table(
        f"{shown(scores.model)}\nprotocol {scores.protocol}, {len(scores)} videos",
        [*_columns(scores), "unreadable"],
        [[*_figures(scores), str(len(scores.failures))]],
        left=0,
    )


def parts_table(scores: Sequence[Scores], names: Sequence[str] = ()) -> Table:
    """The scores of several tests of the same videos."""
    words = [*([""] if names else []), "model", "protocol"]
    rows = [
        [*names[index : index + 1], part.model, part.protocol, *_figures(part)]
        for index, part in enumerate(scores)
    ]
    columns = [*words, *_columns(scores[0])]
    return make_table(f"{len(scores[0])} videos", columns, rows, left=len(words))


def _columns(scores: Scores) -> list[str]:
    top5 = ["top-5"] if top5_tells(len(scores.classes)) else []
    return ["top-1", "95 % interval", *top5, "mean of classes"]


def _figures(scores: Scores) -> list[str]:
    """The values of `_columns`."""
    if scores.num_labeled == 0:
        return ["no labels", *[""] * (len(_columns(scores)) - 1)]
    low, high = scores.interval()
    top5 = [] if scores.top5 is None else [f"{scores.top5:.1%}"]
    interval = f"{100 * low:.1f} to {100 * high:.1f}"
    return [f"{scores.top(1):.1%}", interval, *top5, f"{scores.mean_class():.1%}"]


def class_gain_table(classes: Sequence[tuple[str, Difference]], most: int = 10) -> Table:
    """The classes with the greatest gains and losses, the greatest gain first."""
    ups = [(name, change) for name, change in classes if change.gain > 0][:most]
    downs = [(name, change) for name, change in classes if change.gain < 0][-most:]
    rest = len(classes) - len(ups) - len(downs)
    left = f"; of the other {rest} see --json" if rest else ""
    rows = [
        [
            name,
            str(change.videos),
            f"{change.a:.0%}",
            f"{change.b:.0%}",
            f"{100 * change.gain:+.1f}",
            f"{100 * change.low:+.1f} to {100 * change.high:+.1f}",
        ]
        for name, change in (*ups, *downs)
    ]
    return make_table(
        f"Classes that change most, B minus A{left}",
        ["class", "videos", "A", "B", "points", "95 % interval"],
        [*rows[: len(ups)], None, *rows[len(ups) :]],
    )


def prediction_table(title: str, ranked: Sequence[tuple[str, float]]) -> Table:
    """The most probable classes of one video."""
    table = make_table(
        shown(title), ["class", "score"], [[name, f"{score:.1%}"] for name, score in ranked]
    )
    table.title_justify = "left"
    return table


def paper_table(rows: "Sequence[tuple[Row, Cost]]") -> Table:
    """The paper's cost figures beside ours; numbers in brackets refer to the notes, in order."""
    notes = list(dict.fromkeys(row.note for row, _ in rows if row.note))
    lines: list[list[str] | None] = []
    previous = None
    for row, cost in rows:
        if row.table != previous:
            lines.append(None)
        _, T, H, W = row.clip
        lines.append(
            [
                row.table if row.table != previous else "",
                row.row,
                f"{T}x{H}x{W}",
                f"{cost.gflops:.2f}",
                f"{row.gflops:.{0 if row.table == '4' else 1}f}",
                f"{cost.params_m:.2f}",
                "" if row.params_m is None else f"{row.params_m:.1f}",
                f"{cost.activations_mib:.0f}",
                f"[{notes.index(row.note) + 1}]" if row.note else "",
            ]
        )
        previous = row.table
    return make_table(
        "Cost of one clip: GFLOPs are multiply-adds / 1e9",
        [
            *("table", "row", "clip", "GFLOPs", "paper"),
            *("params (M)", "paper", "activations (MiB)", "note"),
        ],
        lines,
        left=3,
    )


def summary_table(summary: Mapping[str, Any]) -> Table:
    """What `gta check` counted in each split."""
    rows = []
    for split in ("train", "val"):
        part = summary[split]
        frames = part["frames"]
        sizes = ", ".join(f"{size} ({count})" for size, count in part["sizes"].items())
        counts = (part["videos"], part["unreadable"], frames["min"], frames["median"])
        rows.append([split, *(f"{count:g}" for count in counts), f"{frames['max']}", sizes])
    return make_table(
        f"{summary['classes']} classes",
        [
            *("split", "videos", "unreadable", "frames: least", "median", "most"),
            "sizes (width x height)",
        ],
        rows,
    )


def probe_table(title: str, probe: Probe) -> Table:
    """A model's scores on disturbed frames."""
    rows = [[IN_ORDER.name, f"{probe.correct(IN_ORDER.name).double().mean():.1%}", "", "", ""]]
    for name in (disturbance.name for disturbance in DISTURBANCES):
        change = probe.change(name)
        low, high = (100 * end for end in (change.low, change.high))
        figures = (f"{100 * change.gain:+.1f}", f"{low:+.1f} to {high:+.1f}", f"{change.p:.2g}")
        rows.append([name, f"{change.b:.1%}", *figures])
    return make_table(title, ["frames", "top-1", "difference", "95 %", "p"], rows)


def class_probe_table(rows: Sequence[Mapping[str, Any]], most: int = 10) -> Table:
    """The classes that lose most when their frames are shuffled, with the interval of the loss."""
    names = [IN_ORDER.name, *(d.name for d in DISTURBANCES if d.keep_every == 1)]
    cells = []
    for row in rows[:most]:
        low, high = (100 * row[end] for end in ("low", "high"))
        figures = [f"{row[name]:.0%}" for name in names]
        change = [f"{100 * row['gain']:+.1f}", f"{low:+.1f} to {high:+.1f}"]
        cells.append([row["class"], str(row["videos"]), *figures, *change])
    return make_table(
        f"Classes by what shuffling loses, {min(most, len(rows))} of {len(rows)}",
        ["class", "videos", *names, "shuffled - in order", "95 %"],
        cells,
    )


def dry_run_table(dry: "DryRun") -> Table:
    """The time, memory and disk that a training needs."""
    limit = f" of {dry.memory_limit / 2**30:.0f}" if dry.memory_limit else ""
    where = "of the GPU" if dry.memory_limit else "of this process"
    epoch, free = dry.epoch_seconds, f"{dry.disk_free / 2**30:.1f} GiB free"
    return make_table(
        f"{dry.epochs} epochs of {dry.steps} steps",
        ["", ""],
        [
            ["a step", f"{dry.step_seconds:.2f} s for {dry.batch_size} clips"],
            ["reading a clip", f"{1000 * dry.load_seconds:.0f} ms on one core"],
            ["bottleneck", dry.waits],
            ["an epoch", f"{_duration(epoch)}, with {dry.videos} validation videos"],
            ["all", _duration(epoch * dry.epochs)],
            ["memory", f"{dry.memory_bytes / 2**30:.1f}{limit} GiB {where}"],
            ["disk", f"{dry.disk_bytes / 2**30:.2f} GiB for the run's folder, {free}"],
            ["first loss", f"{dry.loss:.3f}"],
        ],
        left=2,
    )


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"
