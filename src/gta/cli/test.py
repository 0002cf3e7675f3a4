"""`gta test`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from gta.cli.options import (
    BestOption,
    DeviceOption,
    FramesOption,
    JsonOption,
    ProtocolOption,
    RootOption,
    RunArgument,
    SubmissionOption,
)


def test(
    folder: RunArgument,
    root: RootOption = None,
    protocol: ProtocolOption = None,
    best: BestOption = False,
    frames: FramesOption = None,
    split: Annotated[
        Literal["val", "test"],
        typer.Option(help="The validation or the test videos."),
    ] = "val",
    scores: Annotated[
        Path | None, typer.Option(help="Score file; default: RUN/scores-PROTOCOL.npz.")
    ] = None,
    submission: SubmissionOption = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Loader processes.")] = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Score a run on the validation videos of its data set.

    Writes the scores of each video and, beside them, the table of the classes and the confusion
    matrix, as csv and as a picture.
    """
    from gta.cli.by_scene import by_scene
    from gta.cli.console import Terminal, print_json
    from gta.cli.results import check_npz, write_results
    from gta.cli.tables import score_table
    from gta.data.storage.outside import check_outside
    from gta.evaluation.run import evaluate
    from gta.evaluation.score_files import Scored
    from gta.evaluation.submission import check_submission, write_submission
    from gta.runs import Run
    from gta.training.processes import joined_processes

    check_npz("--scores", scores)
    run = Run.open(folder)
    for option, path in (("--scores", scores), ("--submission", submission)):
        if path is not None:
            check_outside(option, path, root or run.recipe.data.root)
    if submission is not None:
        check_submission(run.recipe.data.format)
    with joined_processes(device) as processes:
        terminal = Terminal(quiet=not processes.is_main, stderr=as_json)
        result = evaluate(
            run,
            root,
            protocol=protocol,
            best=best,
            num_frames=frames,
            split=split,
            workers=workers,
            device=processes.device,
            report=terminal,
        )
        if not processes.is_main:
            return
        name = Scored(result.protocol, split, best, frames).file_name
        written = write_results(result, scores or folder / name)
        if submission is not None:
            write_submission(submission, result)
            written["submission"] = str(submission)
        if as_json:
            weights = result.model.removeprefix(f"{folder.name}, ")
            print_json({"run": str(folder), "weights": weights} | result.summary() | written)
            return
        terminal.show(score_table(result))
        for line in by_scene(result, run.recipe.data.scenes):
            terminal.say(line)
        for path, reason in result.failures:
            terminal.say(f"could not be read, not in the scores above: {path}: {reason}")
        for kind, path in written.items():
            terminal.say(f"{kind.replace('_', ' ')}: {path}")
