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
        typer.Option(help="The validation videos, or those of the test set."),
    ] = "val",
    scores: Annotated[
        Path | None, typer.Option(help="Score file; RUN/scores-PROTOCOL.npz if left out.")
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
    from gta.cli.console import Terminal, print_json
    from gta.cli.results import check_npz, write_results
    from gta.cli.tables import score_table
    from gta.cli.videos import run_videos
    from gta.data.loader import num_workers
    from gta.data.storage.outside import check_outside
    from gta.evaluation.evaluate import evaluate
    from gta.evaluation.protocols import parse_protocol
    from gta.evaluation.score_files import Scored
    from gta.evaluation.submission import check_submission, write_submission
    from gta.runs import Run
    from gta.training.processes import joined_processes

    check_npz("--scores", scores)
    run = Run.open(folder)
    if frames is not None:
        run = run.at_frames(frames)
    recipe, data = run.recipe, run.recipe.data
    for option, path in (("--scores", scores), ("--submission", submission)):
        if path is not None:
            check_outside(option, path, root or data.root)
    views = parse_protocol(protocol or recipe.test.protocol)
    if submission is not None:
        check_submission(data.format)
    videos = run_videos(run, root, split)
    with joined_processes(device) as processes:
        terminal = Terminal(quiet=not processes.is_main, stderr=as_json)
        model, weights = run.load(best=best)
        with terminal.track("testing", len(videos)) as advance:
            found = evaluate(
                model.to(processes.device),
                videos,
                views,
                clip=recipe.clip,
                device=processes.device,
                batch_size=recipe.test.batch_size,
                workers=num_workers(
                    data.workers if workers is None else workers, world_size=processes.world_size
                ),
                amp=recipe.train.amp,
                rank=processes.rank,
                world_size=processes.world_size,
                progress=lambda done, _: advance(done * processes.world_size, ""),
                name=f"{folder.name}, {weights}",
                dataset=data.format,
                split=split,
            )
        if not processes.is_main:
            return
        name = Scored(views.name, split, best, frames).file_name
        written = write_results(found, scores or folder / name)
        if submission is not None:
            write_submission(submission, found)
            written["submission"] = str(submission)
        if as_json:
            print_json({"run": str(folder), "weights": weights} | found.summary() | written)
            return
        terminal.show(score_table(found))
        for path, reason in found.failures:
            terminal.say(f"could not be read, in no figure above: {path}: {reason}")
        for kind, path in written.items():
            terminal.say(f"{kind.replace('_', ' ')}: {path}")
