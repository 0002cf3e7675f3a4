"""`gta report`."""

from pathlib import Path
from typing import Annotated

import typer

from gta.cli import complete
from gta.cli.options import (
    JsonOption,
    PartBestOption,
    PartFramesOption,
    PartProtocolOption,
    PartSplitOption,
    RootOption,
)


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN ...",
            autocompletion=complete.runs,
            help="Folders of runs; the first is the reference.",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="The file; default: report.html in the first run's folder.")
    ] = None,
    root: RootOption = None,
    videos: Annotated[
        bool,
        typer.Option(
            "--videos", help="Link the names of videos to their files, which are not copied."
        ),
    ] = False,
    protocol: PartProtocolOption = None,
    split: PartSplitOption = "val",
    best: PartBestOption = False,
    frames: PartFramesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a run's report as one HTML file: curves, scores, mistakes, clips, matrices, cost.

    It needs no network and no other file. Several runs are compared on the same videos.
    """
    from gta.cli.console import Terminal, print_json
    from gta.data.storage.outside import check_outside
    from gta.evaluation.score_files import Scored
    from gta.report.write import write_report
    from gta.runs import Run

    file = out or runs[0] / "report.html"
    first = Run.open(runs[0])
    check_outside("--out", file, root or first.recipe.data.root)
    terminal = Terminal(stderr=as_json)
    asked = Scored(protocol, split, best, frames)
    write_report(runs, file, asked=asked, root=root, videos=videos, report=terminal)
    if as_json:
        print_json({"runs": [str(run) for run in runs], "report": str(file)})
    else:
        terminal.say(f"report: {file} ({file.stat().st_size / 2**20:.1f} MB)")
