"""`gta figure`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gta.cli.options import BestOption, DeviceOption, RootOption
from gta.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Which = Literal["1", "3", "4", "5", "6", "7", "gains", "confused"]


def figure(
    which: Annotated[
        Which,
        typer.Argument(
            metavar="FIGURE",
            help="A figure of the paper, 1, 3, 4, 5, 6 or 7; `gains`: run B over run A by class; "
            "`confused`: the pairs of classes that are confused most, with clips.",
        ),
    ],
    more: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUN]...", help="Runs, after --runs or without.")
    ] = None,
    runs: Annotated[
        list[Path] | None,
        typer.Option(
            "--runs",
            metavar="RUN...",
            help="NL and DNL for 1, 3 and 6; one run with Region GTA for 4 and 7; several group "
            "counts for 5; A and B for gains; one run for confused.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The picture, .png, .svg or .webp (small).")] = Path(
        "figure.png"
    ),
    clips: Annotated[
        str | None,
        typer.Option(
            metavar="ID,ID",
            help="Names of held-out clips; default: clips that the last run has "
            "right and, if there are any, the first wrong.",
        ),
    ] = None,
    root: RootOption = None,
    dpi: Annotated[int, typer.Option(min=20, max=600, help="Pixels per inch.")] = 110,
    best: BestOption = False,
    device: DeviceOption = "auto",
) -> None:
    """Lay out a figure of the paper, or of classes, from runs and their held-out clips.

    Figures 5, gains and confused read the scores that `gta test` has written.
    """
    from gta.cli.console import Terminal
    from gta.cli.figure_clips import subjects_of
    from gta.figures.lettering import save
    from gta.figures.paper_figures import LAYOUTS, paper_figure
    from gta.files import write_atomically
    from gta.predict import load

    runs = [*(runs or ()), *(more or ())]
    if out.suffix not in (".png", ".svg", ".webp"):
        raise UsageError(f"--out {out}: a figure ends in .png, .svg or .webp")
    if which in LAYOUTS:
        layout = LAYOUTS[which]
        if len(runs) != layout.num_models:
            raise UsageError(
                f"Figure {which} takes {layout.num_models} runs, {layout.models}: give them "
                f"as --runs RUN...; got {len(runs)}"
            )
        predictors = [load(run, device=device, best=best) for run in runs]
        asked = None if clips is None else clips.split(",")
        made = paper_figure(which, subjects_of(predictors, root, asked, layout.num_clips))
    elif which == "5":
        made = _groups(runs)
    elif which == "gains":
        made = _gains(runs)
    else:
        made = _confused(runs, root)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, lambda part: save(made, part, dpi=dpi))
    Terminal().say(str(out))


def _groups(runs: list[Path]) -> "Figure":
    from gta.config import GlobalTemporalAttentionBlock
    from gta.evaluation.score_files import read_matching
    from gta.figures.class_figures import GroupsResult, groups_figure
    from gta.runs import Run

    if len(runs) < 2:
        raise UsageError(f"Figure 5 takes 2 runs or more, of several group counts; got {len(runs)}")
    _, scores = read_matching(runs)
    results = []
    for path, each in zip(runs, scores, strict=True):
        run = Run.open(path)
        blocks = getattr(run.recipe.model, "blocks", ())
        groups = [b.groups for b in blocks if isinstance(b, GlobalTemporalAttentionBlock)]
        if not groups:
            raise UsageError(f"{path} has no GTA block, so no number of groups")
        results.append(GroupsResult(groups[0], each.top(1), each.interval()))
    return groups_figure(results)


def _gains(runs: list[Path]) -> "Figure":
    from gta.evaluation.comparison import compare
    from gta.evaluation.score_files import read_matching
    from gta.figures.class_figures import gains_figure

    if len(runs) != 2:
        raise UsageError(f"gains takes 2 runs, A and B; got {len(runs)}")
    _, scores = read_matching(runs)
    return gains_figure(compare(*scores), *(path.resolve().name for path in runs))


def _confused(runs: list[Path], root: str | None) -> "Figure":
    from gta.cli.show import chosen_view
    from gta.evaluation.confusion import confused_pairs, confusion
    from gta.evaluation.score_files import find_score_file
    from gta.evaluation.scores import Scores
    from gta.evaluation.videos import run_videos
    from gta.figures.class_figures import confused_figure
    from gta.predict import Predictor
    from gta.runs import Run

    if len(runs) != 1:
        raise UsageError(f"confused takes 1 run; got {len(runs)}")
    run = Run.open(runs[0])
    scores = Scores.load(find_score_file(runs[0]))
    predictor = Predictor(run, device="cpu")
    videos = {video.id: video for video in run_videos(run, root).videos}
    answers = scores.scores.argmax(1).tolist()
    labels = scores.labels.tolist()
    shown = []
    for pair in confused_pairs(confusion(scores), scores.classes, 6):
        wanted = (scores.classes.index(pair.label), scores.classes.index(pair.prediction))
        clips = [
            chosen_view(predictor, videos[id], None).permute(1, 2, 3, 0).numpy()
            for id, label, answer in zip(scores.ids, labels, answers, strict=True)
            if (label, answer) == wanted and id in videos
        ][:3]
        how_often = f"{pair.count} of {pair.videos} clips ({pair.share:.0%})"
        shown.append((pair.label, pair.prediction, how_often, clips))
    title = f"{run.folder.resolve().name}: what it confuses most, top-1 {scores.top(1):.1%}"
    return confused_figure(shown, title)
