"""Writes the report of one or more runs."""

import time
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from torch import nn

import gta
from gta.data.records import Video, VideoList
from gta.errors import UsageError
from gta.evaluation.comparison import compare
from gta.evaluation.score_files import Scored, find_score_file, read_matching
from gta.evaluation.scores import Scores
from gta.evaluation.videos import run_videos
from gta.files import write_text
from gta.inference import protocol_views
from gta.names import shown
from gta.progress import Report, Silent
from gta.protocols import parse_protocol
from gta.report.chosen import choose
from gta.report.facts import matrix_facts, run_facts, speed
from gta.report.html import page
from gta.report.previews import previews
from gta.report.scored import numbers, packed
from gta.runs import Run, open_run


def write_report(
    runs: Sequence[Run | str | Path],
    out: str | Path,
    *,
    asked: Scored | None = None,
    root: str | Path | None = None,
    videos: bool = False,
    report: Report | None = None,
) -> Path:
    """Writes one HTML file that shows runs: training, scores, mistakes, clips, cost, environment.

    Scores are those of `gta test`; a run may have none. Previews and maps are made from the videos
    of the first run, if they are available.

    Args:
        runs: Trained runs; the others are compared with the first, on the same videos.
        out: The file.
        asked: Which scores of the runs, as for `gta compare`; None: those of the last weights.
        root: The folder of the videos; None: that of the first run's training.
        videos: Link the names of videos to the files on this machine.
        report: Where messages and progress go; None: nowhere.

    Raises:
        UsageError: There is no such run, or several score files fit.
        DataError: The score files differ in videos, labels or classes.
    """
    told, out = report or Silent(), Path(out).expanduser()
    opened = [open_run(run) for run in runs]
    scores = _scores(opened, asked, told)
    facts = [run_facts(run, name) for run, name in zip(opened, _names(opened), strict=True)]
    models = [_model(run, told) for run in opened]
    for fact, run, model, scored in zip(facts, opened, models, scores, strict=True):
        fact["scores"] = None if scored is None else packed(scored)
        fact["matrices"] = [] if model is None else matrix_facts(model)
        fact["speed"] = None if model is None else speed(run, model)
    first = next((scored for scored in scores if scored is not None), None)
    data: dict[str, Any] = {
        "title": ", ".join(fact["name"] for fact in facts),
        "made": time.strftime("%Y-%m-%d %H:%M"),
        "version": gta.__version__,
        "classes": opened[0].classes if first is None else first.classes,
        "runs": facts,
        "comparisons": _comparisons(scores),
        "videos": None,
        "clips": [],
    }
    if first is not None:
        data["videos"] = {"names": first.ids, "labels": numbers(first.labels.numpy())}
        place = next(place for place, scored in enumerate(scores) if scored is not None)
        listed = _videos(opened[place], first, root, told)
        if videos and listed is not None:
            data["videos"]["links"] = _links(first, listed)
        if listed is not None:
            data["clips"] = _clips(opened[place], models[place], first, listed, told)
    write_text(out, page(f"{shown(data['title'])} · gta report", data))
    return out


def _scores(runs: Sequence[Run], asked: Scored | None, report: Report) -> list[Scores | None]:
    """The scores of each run, in the order of the first run's videos; None without scores."""
    there = [any(run.folder.glob("scores-*.npz")) for run in runs]
    for run, has in zip(runs, there, strict=True):
        if not has:
            report.say(
                f"{run.folder} has no scores: `gta test {quote(str(run.folder))}` makes them"
            )
    if sum(there) == 0:
        return [None] * len(runs)
    scored = [run.folder for run, has in zip(runs, there, strict=True) if has]
    if len(scored) == 1:
        read = [Scores.load(find_score_file(scored[0], asked))]
    else:
        read = read_matching(scored, asked)[1]
    left = iter(read)
    return [next(left) if has else None for has in there]


def _names(runs: Sequence[Run]) -> list[str]:
    """The names of their folders; of folders with equal names, with the folder above."""
    names = [run.folder.resolve().name for run in runs]
    if len(set(names)) == len(names):
        return names
    return [str(Path(*run.folder.resolve().parts[-2:])) for run in runs]


def _model(run: Run, report: Report) -> nn.Module | None:
    try:
        return run.load()[0]
    except UsageError as error:
        report.say(f"without matrices, maps and speed: {error}")
        return None


def _comparisons(scores: Sequence[Scores | None]) -> list[str | None]:
    """The verdict for each run, B, against the first, A."""
    first = scores[0]
    return [
        compare(first, other).conclusion
        if place and first is not None and other is not None and first.num_labeled
        else None
        for place, other in enumerate(scores)
    ]


def _videos(run: Run, scores: Scores, root: str | Path | None, report: Report) -> VideoList | None:
    """The scored videos, or None and a message if they are not available."""
    split = "test" if scores.about.split == "test" else "val"
    try:
        return run_videos(run, None if root is None else str(root), split)
    except UsageError as error:
        report.say(f"no previews of clips: {error}")
        return None


def _links(scores: Scores, listed: VideoList) -> list[str]:
    """URLs of files on this machine; empty for a video that is not a file of its own."""
    paths = {video.id: video.path for video in listed.videos}
    paths_in_order = [paths.get(id) for id in scores.ids]
    return [
        Path(path).absolute().as_uri() if isinstance(path, str | Path) else ""
        for path in paths_in_order
    ]


def _clips(
    run: Run, model: nn.Module | None, scores: Scores, listed: VideoList, report: Report
) -> list[dict[str, Any]]:
    chosen, by_id = choose(scores), {video.id: video for video in listed.videos}
    by_id = {scores.ids[choice.index]: by_id.get(scores.ids[choice.index]) for choice in chosen}
    there: dict[str, Video] = {id: video for id, video in by_id.items() if video is not None}
    protocol = parse_protocol(scores.protocol)
    views = protocol_views(VideoList([], run.classes), protocol, run.recipe.clip)
    clips: list[dict[str, Any]] = []
    with report.track("previews", len(chosen)) as advance:
        made = previews(
            *(chosen, there, scores.ids, views, model, run.recipe.clip), shown=protocol.middle_view
        )
        for clip in made:
            clips.append(clip)
            advance(len(clips), "")
    if len(clips) < len(chosen):
        report.say(f"{len(clips)} of {len(chosen)} chosen clips have previews")
    return clips
