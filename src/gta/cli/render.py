"""`gta render`."""

from pathlib import Path
from typing import Annotated

import typer


def render(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder, or one to go on with.")],
    layout: Annotated[
        str, typer.Option(help="ssv2 (WebM and JSON) or ssv1 (JPEG folders and CSV).")
    ] = "ssv2",
    train: Annotated[int, typer.Option(help="Training clips.")] = 4400,
    val: Annotated[int, typer.Option(help="Held-out clips.")] = 880,
    frames: Annotated[int, typer.Option(help="Frames of a clip.")] = 16,
    height: Annotated[int, typer.Option(help="Pixels.")] = 64,
    width: Annotated[int, typer.Option(help="Pixels.")] = 64,
    fps: Annotated[int, typer.Option(help="Frames a second.")] = 12,
    classes: Annotated[
        str | None,
        typer.Option(help="Keys such as left_to_right,right_to_left,still; all if left out."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = 0,
    workers: Annotated[int | None, typer.Option(help="Processes; one a core if left out.")] = None,
) -> None:
    """Write the built-in data set: clips whose classes differ in the order of events."""
    from typing import cast

    from gta.cli.console import Terminal
    from gta.data.ordered import render_dataset
    from gta.data.ordered.layouts import Layout

    terminal = Terminal()
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
            workers=workers,
            progress=lambda done, _: advance(done, ""),
        )
    terminal.say(
        f"{summary.root}: {summary.num_train} training and {summary.num_val} held-out clips of "
        f"{len(summary.classes)} classes ({summary.num_rendered} new, {summary.seconds:.0f} s). "
        f"No model that is blind to the order of frames can beat "
        f"{summary.order_blind_ceiling:.1%}."
    )
