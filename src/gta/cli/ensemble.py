"""`gta ensemble`."""

from pathlib import Path
from typing import Annotated

import typer

from gta.cli.options import (
    JsonOption,
    PartBestOption,
    PartFramesOption,
    PartProtocolOption,
    PartSplitOption,
    SubmissionOption,
)


def ensemble(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="A B ...", help="Score files, or folders of runs that `gta test` has scored."
        ),
    ],
    weights: Annotated[
        str | None,
        typer.Option(metavar="NUMBERS", help="Weights of the files, such as 1,2; default: equal."),
    ] = None,
    protocol: PartProtocolOption = None,
    split: PartSplitOption = "val",
    best: PartBestOption = False,
    frames: PartFramesOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the mean as a score file, NAME.npz.")
    ] = None,
    submission: SubmissionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Average the scores of several models, video by video (GTA_En).

    The files must have the same videos, labels and classes.
    """
    from gta.cli.console import Terminal, print_json
    from gta.cli.results import check_npz, write_results
    from gta.cli.tables import parts_table
    from gta.errors import UsageError
    from gta.evaluation.ensemble import ensemble as average
    from gta.evaluation.ensemble import parse_weights
    from gta.evaluation.score_files import Scored, read_matching
    from gta.evaluation.submission import write_submission

    check_npz("--out", out)
    weight_list = None if weights is None else parse_weights(weights)
    paths, parts = read_matching(files, Scored(protocol, split, best, frames))
    if out is not None and out.resolve() in [path.resolve() for path in paths]:
        raise UsageError(f"--out {out} is one of the files that are averaged; give another name")
    combined = average(parts, weight_list)
    if submission is not None:
        write_submission(submission, combined)
    written = {} if out is None else write_results(combined, out)
    if submission is not None:
        written["submission"] = str(submission)
    if as_json:
        members = [
            part.summary() | {"scores": str(path)} for path, part in zip(paths, parts, strict=True)
        ]
        print_json(combined.summary() | written | {"members": members})
        return
    terminal = Terminal()
    terminal.show(parts_table([*parts, combined]))
    for kind, path in written.items():
        terminal.say(f"{kind.replace('_', ' ')}: {path}")
