"""`gta probe`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gta.cli.options import (
    BestOption,
    DeviceOption,
    JsonOption,
    ProtocolOption,
    RootOption,
    RunArgument,
)

if TYPE_CHECKING:
    from gta.config import Model


def probe(
    folder: RunArgument,
    root: RootOption = None,
    protocol: ProtocolOption = None,
    best: BestOption = False,
    out: Annotated[
        Path | None, typer.Option(help="Write the accuracies of all classes to this csv file.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Loader processes.")] = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Does my data need time? Score a model on frames in order, shuffled, reversed, frozen, ...

    Each validation video is scored six times. The table shows what is lost, and for which classes.
    A verdict needs a model that has learned its classes; if it has not, the output says so.
    """
    import csv
    import io
    from dataclasses import asdict

    from gta.cli.console import Terminal, print_json
    from gta.cli.tables import class_probe_table, probe_table
    from gta.data.loader import num_workers
    from gta.devices import find_device
    from gta.evaluation.evaluate import evaluate
    from gta.evaluation.probe import DISTURBANCES, Disturbance
    from gta.evaluation.probe import probe as probe_model
    from gta.evaluation.scores import Scores
    from gta.evaluation.videos import run_videos
    from gta.features import feature_batches
    from gta.files import write_text
    from gta.names import shown
    from gta.protocols import parse_protocol
    from gta.runs import Run

    run = Run.open(folder)
    recipe, views = run.recipe, parse_protocol(protocol or run.recipe.test.protocol)
    videos = run_videos(run, root)
    terminal, torch_device = Terminal(stderr=as_json), find_device(device)
    model, weights = run.load(best=best)
    model = model.to(torch_device)
    workers = num_workers(recipe.data.workers if workers is None else workers)
    with terminal.track("probing", len(videos) * (1 + len(DISTURBANCES))) as advance:
        scored = 0

        def score(disturbance: Disturbance) -> Scores:
            nonlocal scored
            batches = feature_batches(
                *(model, videos, recipe, views),
                device=torch_device,
                threads=workers,
                order=disturbance.order,
                keep_every=disturbance.keep_every,
                say=terminal.say,
            )
            scores = evaluate(
                model,
                videos,
                views,
                clip=recipe.clip,
                device=torch_device,
                batch_size=recipe.test.batch_size,
                workers=workers,
                amp=recipe.train.amp,
                order=disturbance.order,
                keep_every=disturbance.keep_every,
                batches=batches,
                progress=lambda done, _: advance(scored + done, disturbance.name),
            )
            scored += len(videos)
            return scores

        probed = probe_model(score)
    rows, can_see_order = probed.by_class(), sees_order(recipe.model)
    verdict = probed.verdict(sees_order=can_see_order)
    if out is not None:
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(out, text.getvalue())
    if as_json:
        result = {
            "model": f"{folder.name}, {weights}",
            "run": str(folder),
            "weights": weights,
            "protocol": views.name,
            "blind": probed.blind,
            "sees_order": can_see_order,
            "disturbances": {
                d.name: {"gain": probed.change(d.name).gain, **asdict(probed.change(d.name))}
                for d in DISTURBANCES
            },
            "classes": rows,
            "verdict": verdict,
        }
        print_json(result)
        return
    terminal.show(probe_table(f"{shown(folder.name)}, {weights}\nprotocol {views}", probed))
    terminal.show(class_probe_table(rows))
    apart = sum(row["low"] > 0 or row["high"] < 0 for row in rows)
    terminal.say(
        f"{apart} of {len(rows)} classes have a 95 % interval that excludes 0; if shuffling "
        f"changed nothing, about {0.05 * len(rows):.1f} would by chance."
    )
    for sentence in verdict:
        terminal.say(sentence)


def sees_order(model: "Model") -> bool:
    """Whether a network has parts that depend on the order of frames."""
    if model.backbone == "slow_fast":
        return True
    if model.backbone == "frame_resnet" and (model.tsm or model.temporal_pool):
        return True
    if model.backbone == "trunk" and model.reader != "mean":
        return True
    return any(block.block in ("gta", "tape") for block in model.blocks)
