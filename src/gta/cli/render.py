"""`gta render`."""

from pathlib import Path
from typing import Annotated

import typer


def render(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new or unfinished folder.")],
    layout: Annotated[
        str, typer.Option(help="ssv2 (WebM and JSON) or ssv1 (JPEG folders and CSV).")
    ] = "ssv2",
    train: Annotated[int, typer.Option(help="Training clips.")] = 4400,
    val: Annotated[int, typer.Option(help="Held-out clips.")] = 880,
    frames: Annotated[int, typer.Option(help="Frames of a clip.")] = 16,
    height: Annotated[int, typer.Option(help="Pixels.")] = 64,
    width: Annotated[int, typer.Option(help="Pixels.")] = 64,
    fps: Annotated[int, typer.Option(help="Frames per second.")] = 12,
    classes: Annotated[
        str | None,
        typer.Option(help="Keys such as left_to_right,right_to_left,still; default: all."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of all random draws.")] = 0,
    difficulty: Annotated[
        str, typer.Option(help="easy or hard; each of the next options changes a part of it.")
    ] = "easy",
    stillness: Annotated[
        float | None, typer.Option(help="Largest share of the clip before and after the event.")
    ] = None,
    reach: Annotated[
        float | None, typer.Option(help="Share of its way that an event covers.")
    ] = None,
    camera: Annotated[float | None, typer.Option(help="Factor on the camera's movement.")] = None,
    distractors: Annotated[
        int | None, typer.Option(help="Largest number of small things that drift.")
    ] = None,
    noise: Annotated[float | None, typer.Option(help="Factor on the sensor's noise.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; default: one per core.")] = None,
) -> None:
    """Write the built-in data set: clips whose classes differ in the order of events."""
    from dataclasses import replace
    from typing import cast

    from gta.cli.console import Terminal
    from gta.cli.signals import stop
    from gta.ordered import find_difficulty, render_dataset
    from gta.ordered.layouts import Layout

    terminal = Terminal()
    stop.kept = f"the same command goes on in {out}"
    knobs: dict[str, float | int | None] = {
        **{"stillness": stillness, "reach": reach, "camera": camera},
        **{"distractors": distractors, "noise": noise},
    }
    given = {name: value for name, value in knobs.items() if value is not None}
    keys = [key.strip() for key in classes.split(",")] if classes else None
    with terminal.track("rendering", train + val) as advance:
        summary = render_dataset(
            out,
            layout=cast(Layout, layout),  # checked inside
            num_train=train,
            num_val=val,
            num_frames=frames,
            height=height,
            width=width,
            fps=fps,
            classes=keys,
            seed=seed,
            difficulty=replace(find_difficulty(difficulty), **given),
            workers=workers,
            progress=lambda done, _: advance(done, ""),
        )
    terminal.say(
        f"{summary.root}: {summary.num_train} training and {summary.num_val} held-out clips of "
        f"{len(summary.classes)} classes ({summary.num_rendered} new, {summary.seconds:.0f} s). "
        f"No model that is blind to the order of frames can beat "
        f"{summary.order_blind_ceiling:.1%}."
    )
