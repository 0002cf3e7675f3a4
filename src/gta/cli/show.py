"""`gta show`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gta.cli.options import (
    BestOption,
    DeviceOption,
    FramesOption,
    JsonOption,
    ProtocolOption,
    RunArgument,
)
from gta.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from gta.data.records import Video
    from gta.figures.maps import Query
    from gta.figures.subject import Subject
    from gta.predict import Predictor


def show(
    folder: RunArgument,
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="A video or folder of frames.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the pictures; default: show-VIDEO.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,FRAME",
            help="The query position: pixels of the clip from its left and top edge, and the frame "
            "from 0; default: the most active position.",
        ),
    ] = None,
    place: Annotated[
        str | None,
        typer.Option(
            "--place",
            help="Where the drawn blocks are, such as res3_0; default: those of the finest grid.",
        ),
    ] = None,
    asked: Annotated[
        str | None,
        typer.Option(
            "--class", metavar="NAME", help="The class of the evidence; default: the most probable."
        ),
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(help="Module of Grad-CAM and components, such as layer3; default: chosen."),
    ] = None,
    beside: Annotated[
        list[Path] | None,
        typer.Option("--beside", metavar="RUN", help="Another run on the same clip; repeatable."),
    ] = None,
    view: Annotated[
        int | None,
        typer.Option(min=0, help="Which view of the protocol, from 0; default: the middle."),
    ] = None,
    best: BestOption = False,
    frames: FramesOption = None,
    protocol: ProtocolOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Draw what a model attends to in a video, from what it computes itself.

    Writes an overlay in motion (mp4, webm, gif) and sheets (png, svg): attention of a position over
    space and time, swapped attention, regions, the evidence for a class (Grad-CAM), principal
    components of features, and GTA's learned matrices, as far as the network has them.
    """
    from dataclasses import replace

    from gta.cli.console import Terminal, print_json
    from gta.figures.beside import write_beside
    from gta.figures.show import numbers
    from gta.figures.show import show as write
    from gta.predict import load

    out = out or Path(f"show-{video.stem or video.name}")
    query = None if at is None else parse_query(at)
    predictors = [
        load(run, device=device, best=best, protocol=protocol, num_frames=frames)
        for run in (folder, *(beside or ()))
    ]
    subjects = [
        subject_of(predictor, chosen_view(predictor, video, view), at=query, asked=asked)
        for predictor in predictors
    ]
    # --layer and --place name modules of the first run
    subjects[0] = replace(subjects[0], place=place, layer=layer)
    terminal = Terminal(stderr=as_json)
    first = subjects[0]
    written = write(first, out, say=terminal.say)
    if len(subjects) > 1:
        written["beside"] = write_beside(subjects, out)
        for path in written["beside"]:
            terminal.say(path)
    if as_json:
        print_json(
            {
                "run": str(folder),
                "weights": predictors[0].weights,
                "protocol": predictors[0].protocol.name,
                "video": str(video),
                **numbers(first),
                "beside": [
                    {"run": str(run), **numbers(subject)}
                    for run, subject in zip(beside or (), subjects[1:], strict=True)
                ],
                "files": written,
            }
        )
        return
    query = first.query
    terminal.say(
        f"{folder}: {predictors[0].weights}, {first.answer}; query position "
        f"--at {query.x:g},{query.y:g},{query.frame}"
    )


def parse_query(text: str) -> "Query":
    """The position of "x,y,frame".

    Raises:
        UsageError: The text has another form.
    """
    from gta.figures.maps import Query

    try:
        x, y, frame = text.split(",")
        return Query(float(x), float(y), int(frame))
    except ValueError:
        raise UsageError(
            f"--at {text}: give x,y,frame, such as --at 30,42,5: pixels of the clip from its left "
            f"and top edge, and the frame from 0"
        ) from None


def chosen_view(predictor: "Predictor", video: "Path | Video", view: int | None) -> "Tensor":
    """One view of a video, uint8 (3, T, H, W): the middle crop of the middle clip by default.

    Raises:
        UsageError: The protocol has fewer views.
    """
    protocol = predictor.protocol
    if view is None:
        view = protocol.middle_view
    if view >= protocol.num_views:
        raise UsageError(
            f"--view {view}: protocol {protocol.name} has {protocol.num_views} views, 0 to "
            f"{protocol.num_views - 1}; --protocol chooses another"
        )
    return predictor.views(video)[view]


def subject_of(
    predictor: "Predictor", view: "Tensor", *, at: "Query | None" = None, asked: str | None = None
) -> "Subject":
    """What the pictures are made from."""
    from gta.figures.subject import Subject

    run = predictor.run
    return Subject(
        run.folder.resolve().name,
        predictor.model,
        view,
        run.recipe.clip,
        run.classes,
        at=at,
        asked=asked,
    )
