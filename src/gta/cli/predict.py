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

SHOWN = 5
"""Places with files that are passed over which the terminal names."""


def predict(
    folder: RunArgument,
    videos: Annotated[
        list[Path],
        typer.Argument(metavar="VIDEO", help="Video files, folders of frames, folders of either."),
    ],
    top: Annotated[int, typer.Option(min=1, help="How many classes to show.")] = 5,
    best: BestOption = False,
    frames: FramesOption = None,
    protocol: ProtocolOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Say what happens in videos: the most probable classes of each.

    A folder is looked through with the folders in it. A folder with pictures alone is one video,
    its frames; pictures beside videos are passed over, and what is passed over is said.

    A video that cannot be read is reported, the others are still predicted, and the exit code is
    that of the error.
    """
    from gta.cli.console import Terminal, print_json, warn
    from gta.cli.tables import prediction_table
    from gta.data.given import find_videos
    from gta.data.records import Video
    from gta.errors import VideoError
    from gta.predict import load

    predictor = load(folder, device=device, best=best, protocol=protocol, num_frames=frames)
    terminal = Terminal(stderr=as_json)
    answers: list[dict[str, object]] = []
    passed_over: list[tuple[Path, str]] = []
    exit_code = 0

    def fail(path: Path, error: VideoError) -> None:
        nonlocal exit_code
        exit_code = error.exit_code
        warn(str(error))
        answers.append({"video": str(path), "error": error.reason})

    for given in videos:
        try:
            found = find_videos(given)
        except VideoError as error:
            fail(given, error)
            continue
        passed_over += found.passed_over
        for path in found.videos:
            try:
                prediction = predictor(Video(str(path), path, None))
            except VideoError as error:
                fail(path, error)
                continue
            answers.append(prediction.to_dict(top))
            if not as_json:
                terminal.show(prediction_table(str(path), prediction.scores[:top]))
    for place, what in passed_over[:SHOWN]:
        terminal.say(f"passed over in {place}, {what}")
    if len(passed_over) > SHOWN:
        terminal.say(f"passed over in {len(passed_over) - SHOWN} more places; --json lists all")
    about = {
        "run": str(folder),
        "weights": predictor.weights,
        "protocol": predictor.protocol.name,
    }
    if as_json:
        told = [{"path": str(place), "reason": what} for place, what in passed_over]
        print_json(about | {"videos": answers, "passed_over": told})
    else:
        predicted = sum("top" in answer for answer in answers)
        counts = f"; {predicted} video{'s' * (predicted != 1)}" if len(answers) > 1 else ""
        if predicted < len(answers):
            counts += f"; {len(answers) - predicted} could not be read"
        terminal.say(f"{folder}: {predictor.weights}, protocol {predictor.protocol}{counts}")
    raise typer.Exit(exit_code)
