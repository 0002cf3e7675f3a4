"""`gta predict`."""

from pathlib import Path
from typing import Annotated

import typer

from gta.cli.options import (
    BestOption,
    DeviceOption,
    FramesOption,
    JsonOption,
    ProtocolOption,
    RunArgument,
)


def predict(
    folder: RunArgument,
    videos: Annotated[
        list[Path],
        typer.Argument(metavar="VIDEO", help="Video files, folders of frames, folders of videos."),
    ],
    top: Annotated[int, typer.Option(min=1, help="How many classes to show.")] = 5,
    best: BestOption = False,
    frames: FramesOption = None,
    protocol: ProtocolOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Say what happens in videos: the most probable classes of each.

    A video that cannot be read is reported, the others are still predicted, and the exit code is
    that of the error.
    """
    from gta.cli.console import Terminal, print_json, warn
    from gta.cli.tables import prediction_table
    from gta.errors import VideoError
    from gta.evaluation.protocols import parse_protocol
    from gta.predict import Predictor, find_videos
    from gta.runs import Run
    from gta.training.processes import find_device

    run = Run.open(folder)
    predictor = Predictor(
        run if frames is None else run.at_frames(frames),
        device=find_device(device),
        best=best,
        protocol=parse_protocol(protocol) if protocol else None,
    )
    terminal = Terminal()
    answers: list[dict[str, object]] = []
    exit_code = 0
    for given in videos:
        try:
            found = list(find_videos(given))
        except VideoError as error:
            found, exit_code = [], error.exit_code
            warn(str(error))
            answers.append({"video": str(given), "error": error.reason})
        for path in found:
            try:
                scores = predictor(path).scores[:top]
            except VideoError as error:
                exit_code = error.exit_code
                warn(str(error))
                answers.append({"video": str(path), "error": error.reason})
                continue
            answers.append(
                {"video": str(path), "top": [{"class": c, "score": s} for c, s in scores]}
            )
            if not as_json:
                terminal.show(prediction_table(str(path), scores))
    about = {
        "run": str(folder),
        "weights": predictor.weights,
        "protocol": predictor.protocol.name,
    }
    if as_json:
        print_json(about | {"videos": answers})
    else:
        terminal.say(f"{folder}: {predictor.weights}, protocol {predictor.protocol}")
    raise typer.Exit(exit_code)
