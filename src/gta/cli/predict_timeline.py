"""Timelines of all inputs of `gta predict --timeline`."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.table import Table

from gta.cli.console import Terminal, make_table, print_json, warn
from gta.cli.predict_inputs import Inputs, reason_of
from gta.cli.predict_output import csv_text, print_csv
from gta.cli.predict_run import say_passed_over
from gta.data.spent import Spent
from gta.errors import UsageError, VideoError
from gta.names import shown
from gta.predict import Predictor, Timeline
from gta.predict.clock import clock
from gta.predict.timeline import check_timeline_ending

COLUMNS = ("video", "label", "start", "end", "score", "error")


@dataclass(frozen=True, slots=True)
class WantedTimeline:
    """How timelines are made, shown and written."""

    window: float | None
    stride: float | None
    smoothing: float | None
    least: float
    threshold: float
    background: tuple[str, ...]
    batch_size: int | None
    as_json: bool
    as_csv: bool
    out: tuple[Path, ...]
    cut: Path | None
    embeddings: Path | None

    def __post_init__(self):
        for path in self.out:
            check_timeline_ending(path)
        if self.embeddings is not None:
            raise UsageError("--embeddings are of whole videos: leave out --timeline")


def show_timelines(
    predictor: Predictor, run: str, inputs: Inputs, wanted: WantedTimeline, fps: float | None
) -> int:
    """Makes, shows and writes timelines; returns the exit code."""
    terminal = Terminal(stderr=wanted.as_json or wanted.as_csv)
    if wanted.out and len(inputs.items) != 1:
        raise UsageError(
            f"--out is for the timeline of one video, got {len(inputs.items)} videos: give one "
            f"video, or --json or --csv for all"
        )
    answers: list[dict[str, Any]] = []
    spent, exit_code = Spent(), 0
    for name, item in zip(inputs.names, inputs.items, strict=True):
        try:
            if isinstance(item, VideoError):
                raise item
            timeline = _timeline(predictor, name, item, wanted, fps, spent, terminal)
        except VideoError as error:
            exit_code = error.exit_code
            warn(f"{shown(name)}: {reason_of(error)}")
            answers.append({"video": name, "error": reason_of(error)})
            continue
        answers.append(timeline.to_dict() | {"video": name})
        _say_losses(name, timeline)
        if not (wanted.as_json or wanted.as_csv):
            terminal.show(timeline_table(name, timeline))
        _write(timeline, name, run, wanted, terminal)
    say_passed_over(terminal, inputs)
    if wanted.as_json:
        not_videos = [{"path": str(place), "reason": what} for place, what in inputs.passed_over]
        print_json(
            {
                **{"run": run, "weights": predictor.weights, "protocol": predictor.protocol.name},
                **{"videos": answers, "passed_over": not_videos, "speed": spent.per_clip()},
            }
        )
    elif wanted.as_csv:
        print_csv(csv_text(COLUMNS, _rows(answers)))
    stages = ", ".join(f"{k.removesuffix('_ms')} {v:.1f}" for k, v in spent.per_clip().items())
    terminal.say(f"ms a window: {stages}")
    terminal.say(f"{run}: {predictor.weights}, protocol {predictor.protocol}")
    return exit_code


def timeline_table(name: str, timeline: Timeline) -> Table:
    """A row for each segment."""
    rows = [
        [segment.label, clock(segment.start), clock(segment.end), f"{segment.score:.1%}"]
        for segment in timeline.segments
    ]
    table = make_table(
        f"{shown(name)}\n{clock(timeline.duration)}, windows of {timeline.window:g} s, "
        f"{timeline.stride:g} s apart",
        ["class", "start", "end", "score"],
        rows,
    )
    table.title_justify = "left"
    return table


def _timeline(
    predictor: Predictor,
    name: str,
    item: Any,
    wanted: WantedTimeline,
    fps: float | None,
    spent: Spent,
    terminal: Terminal,
) -> Timeline:
    with terminal.track(f"{shown(name)}, %", 100) as advance:

        def show(seconds: float, expected: float | None) -> None:
            whole = f" of {clock(expected)[:8]}" if expected else ""
            done = min(int(100 * seconds / expected), 100) if expected else 0
            advance(done, f"{clock(seconds)[:8]}{whole}")

        return predictor.timeline(
            item,
            window=wanted.window,
            stride=wanted.stride,
            smoothing=wanted.smoothing,
            least=wanted.least,
            threshold=wanted.threshold,
            background=wanted.background,
            fps=fps,
            batch_size=wanted.batch_size or 8,
            spent=spent,
            progress=show,
        )


def _say_losses(name: str, timeline: Timeline) -> None:
    if timeline.cut_off is not None:
        warn(
            f"{name} is cut off: {timeline.cut_off}. This is what its beginning shows; "
            f"copy or download it again"
        )
    if timeline.damage:
        places = f"{timeline.damage} place{'s' * (timeline.damage > 1)}"
        warn(f"{name} is damaged in {places}: frames there are missing or damaged")


def _write(
    timeline: Timeline, name: str, run: str, wanted: WantedTimeline, terminal: Terminal
) -> None:
    # a piped video lies in a temporary folder, and a run may lie in the package
    named = replace(timeline, path=Path(name), about=timeline.about | {"run": run})
    for path in wanted.out:
        (timeline if path.suffix.lower() == ".mp4" else named).save(path)
        terminal.say(f"written: {path}")
    if wanted.cut is not None:
        files = timeline.cut(wanted.cut)
        terminal.say(f"written: {len(files)} video{'s' * (len(files) != 1)} in {wanted.cut}")


def _rows(answers: list[dict[str, Any]]) -> list[list[str]]:
    rows = []
    for answer in answers:
        for part in answer.get("segments", ()):
            times = (f"{part['start']:.3f}", f"{part['end']:.3f}", f"{part['score']:.6g}")
            rows.append([answer["video"], part["label"], *times, ""])
        if "error" in answer:
            rows.append([answer["video"], "", "", "", "", answer["error"]])
    return rows
