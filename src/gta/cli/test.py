"""`gta test`."""

from pathlib import Path
from typing import Annotated

import typer

from gta.cli.options import (
    BestOption,
    DeviceOption,
    FramesOption,
    JsonOption,
    ProtocolOption,
    RootOption,
    RunArgument,
)


def test(
    folder: RunArgument,
    root: RootOption = None,
    protocol: ProtocolOption = None,
    best: BestOption = False,
    frames: FramesOption = None,
    scores: Annotated[
        Path | None, typer.Option(help="Score file; RUN/scores-PROTOCOL.npz if left out.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Loader processes.")] = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Score a run on the validation videos of its data set."""
    import json

    from gta.cli.console import Terminal
    from gta.cli.tables import score_table
    from gta.data.loader import num_workers
    from gta.data.videos import load_videos
    from gta.errors import DataError, UsageError
    from gta.evaluation.evaluate import evaluate
    from gta.evaluation.protocols import parse_protocol
    from gta.files import write_whole
    from gta.runs import Run
    from gta.training.processes import joined_processes

    run = Run.open(folder)
    if frames is not None:
        run = run.at_frames(frames)
    recipe, data = run.recipe, run.recipe.data
    views = parse_protocol(protocol or recipe.test.protocol)
    place = root or (Path(data.root) if data.root else None)
    if place is None:
        raise UsageError("which videos? Give the folder of the data set: --root DIR")
    videos = load_videos(
        data.format, place, "val", val_fraction=data.val_fraction, seed=data.split_seed
    )
    if videos.classes != run.classes:
        raise DataError(_differing(run.folder, run.classes, place, videos.classes))
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
            )
        if not processes.is_main:
            return
        kind = f"{'-best' if best else ''}{f'-{frames}frames' if frames else ''}"
        file = scores or folder / f"scores-{views.name}{kind}.npz"
        write_whole(file, found.save)
        if as_json:
            print(json.dumps(found.summary() | {"scores": str(file)}, ensure_ascii=False))
            return
        terminal.console.print(score_table(found))
        for path, reason in found.failures:
            terminal.say(f"could not be read, in no figure above: {path}: {reason}")
        terminal.say(f"scores of each video: {file}")


def _differing(run: Path, ours: list[str], root: Path, theirs: list[str]) -> str:
    both = set(ours) & set(theirs)
    parts = [
        f"only in {where}: {', '.join(map(repr, only[:5]))}{' ...' * (len(only) > 5)}"
        for where, only in (
            (f"the run ({len(ours)} classes)", [c for c in ours if c not in both]),
            (f"the data ({len(theirs)} classes)", [c for c in theirs if c not in both]),
        )
        if only
    ]
    detail = "; ".join(parts) or "the same names in another order"
    return (
        f"{run} was trained for other classes than those of {root}: {detail}. "
        f"Give the data set that it was trained on with --root."
    )
