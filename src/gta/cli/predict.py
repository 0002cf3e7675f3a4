"""`gta predict`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from gta.cli.list_options import (
    DecodersOption,
    EngineOption,
    LimitOption,
    NetworksOption,
    ShardOption,
    WorkOption,
)
from gta.cli.options import (
    BestOption,
    DeviceOption,
    FramesOption,
    JsonOption,
    PrecisionOption,
    ProtocolOption,
    RunArgument,
)
from gta.cli.stream import (
    CameraOption,
    LiveOption,
    StreamOption,
    StreamOptions,
    predict_stream,
)
from gta.errors import UsageError

_INPUT, _OUTPUT, _LONG = "Input", "Output", "Long videos"


def predict(
    folder: RunArgument,
    videos: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="VIDEO",
            help="Video files, folders of frames, folders of either, - for standard input.",
        ),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many classes to show.")] = 5,
    best: BestOption = False,
    frames: FramesOption = None,
    protocol: ProtocolOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Views in a batch; default: the recipe's, on a CPU 8.")
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(min=0, help="Threads that decode ahead; default: one per core, at most 8."),
    ] = None,
    lists: Annotated[
        list[Path] | None,
        typer.Option(
            "--list",
            rich_help_panel=_INPUT,
            help="A file with paths of videos: csv, txt or json, as the lists of data sets.",
        ),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(
            rich_help_panel=_INPUT,
            help="Folder of the paths in a list; default: the folder of the list.",
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WIDTHxHEIGHT",
            rich_help_panel=_INPUT,
            help="Standard input holds raw RGB frames (rgb24) of this size, not a video file.",
        ),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(
            rich_help_panel=_INPUT,
            help="Frame rate of frames without times; of a file, in place of its own.",
        ),
    ] = None,
    as_json: JsonOption = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", rich_help_panel=_OUTPUT, help="Print csv instead of tables.")
    ] = False,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=_OUTPUT,
            help="Write a .csv or .json file; of a timeline also .srt, .vtt, .otio, .edl, .png, "
            ".mp4. Repeatable.",
        ),
    ] = None,
    embeddings: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=_OUTPUT,
            help="Write the features that the classifier gets of each video: .safetensors or .npz.",
        ),
    ] = None,
    timeline: Annotated[
        bool,
        typer.Option(
            "--timeline",
            rich_help_panel=_LONG,
            help="Say what happens when: a label for each part.",
        ),
    ] = False,
    window: Annotated[
        float | None,
        typer.Option(
            rich_help_panel=_LONG,
            help="Seconds that the network sees at a time; default: the recipe's.",
        ),
    ] = None,
    stride: Annotated[
        float | None,
        typer.Option(
            rich_help_panel=_LONG,
            help="Seconds from one window to the next; default: an eighth of a window.",
        ),
    ] = None,
    smoothing: Annotated[
        float | None,
        typer.Option(
            rich_help_panel=_LONG,
            help="Seconds over which scores are averaged; default: half a window.",
        ),
    ] = None,
    least: Annotated[
        float | None,
        typer.Option(
            rich_help_panel=_LONG,
            help="Least seconds of a part; a shorter part is joined to the part before it.",
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(rich_help_panel=_LONG, help="Leave out parts where no class has this score."),
    ] = None,
    background: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CLASS",
            rich_help_panel=_LONG,
            help="Leave out parts of this class; repeatable.",
        ),
    ] = None,
    cut: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            rich_help_panel=_LONG,
            help="Write each part as a video file, in a folder for its class.",
        ),
    ] = None,
    work: WorkOption = None,
    engine: EngineOption = "local",
    decoders: DecodersOption = None,
    networks: NetworksOption = None,
    limit: LimitOption = None,
    shard: ShardOption = None,
    stream: StreamOption = False,
    camera: CameraOption = None,
    live: LiveOption = False,
) -> None:
    """Say what happens in videos: the most probable classes of each.

    A folder is searched at any depth. A folder with nothing but pictures is one video, its frames;
    pictures beside videos are passed over. What is passed over is counted and reported.

    A video that cannot be read is reported, the others are still predicted, and the exit code is
    that of the error, 3. Of a file that is cut off, the readable part is predicted, with a warning.

    With --timeline, what happens when: windows slide over a video of any length.

    With --list and --work, many videos are predicted in shards, by any number of processes on any
    number of hosts (torchrun, a SLURM array, or neither); the same command again resumes.

    A stream, `gta predict RUN - --stream` or --camera N, needs a causal network (docs/streams.md).
    """
    if as_json and as_csv:
        raise UsageError("--json and --csv are two forms of the same output: give one of them")
    outs, parts = tuple(out or ()), (window, stride, smoothing, least, threshold, background, cut)
    of_files = {
        "--csv": as_csv,
        "--fps": fps is not None,
        "--embeddings": embeddings is not None,
        "--batch-size": batch_size is not None,
        "--threads": threads is not None,
        "--timeline and its options": timeline or any(part is not None for part in parts),
    }
    streamed = StreamOptions(stream, camera, size, live)
    if streamed.asked:
        beside = {
            "--work": work is not None,
            "--list": bool(lists),
            "--root": root is not None,
            "--out": bool(outs),
        }
        streamed.require_alone(videos or (), names_given(of_files | beside))
    streamed.require_fit()
    model = {"best": best, "protocol": protocol, "num_frames": frames, "precision": precision}
    if streamed.asked:
        from gta.predict import load

        predict_stream(load(folder, device=device, **model), streamed, top=top, as_json=as_json)
        return
    if work is not None:
        from gta.cli.many_videos import ListOptions, predict_list

        given = ListOptions(
            *(tuple(lists or ()), work, root, outs, engine, decoders, networks, limit, shard)
        )
        given.require_alone(videos or (), names_given(of_files | {"--size": size is not None}))
        predict_list(folder, given, model, device=device, top=top, as_json=as_json)
    of_many = {
        "--engine": engine != "local",
        "--decoders": decoders is not None,
        "--networks": networks is not None,
        "--limit": limit is not None,
        "--shard": shard is not None,
    }
    for name in names_given(of_many):
        raise UsageError(f"{name} is for many videos in shards: add --list FILE --work FOLDER")
    from gta.cli.predict_inputs import inputs_of
    from gta.cli.predict_run import Wanted, predict_all
    from gta.cli.predict_timeline import WantedTimeline, show_timelines
    from gta.predict import load

    if timeline and threads is not None:
        raise UsageError("--threads is for many videos: a timeline is decoded by one thread")
    if timeline:
        wanted = WantedTimeline(
            *(window, stride, smoothing, least or 0.0, threshold or 0.0, tuple(background or ())),
            *(batch_size, as_json, as_csv, outs, cut, embeddings),
        )
    elif any(part is not None for part in parts):
        raise UsageError(
            "--window, --stride, --smoothing, --least, --threshold, --background and --cut are for "
            "timelines: add --timeline"
        )
    else:
        wanted = Wanted(top, batch_size, threads, as_json, as_csv, outs, embeddings)
    with inputs_of(videos or (), lists or (), root=root, size=size, fps=fps) as inputs:
        predictor = load(folder, device=device, **model)
        if isinstance(wanted, WantedTimeline):
            exit_code = show_timelines(predictor, str(folder), inputs, wanted, fps)
        else:
            exit_code = predict_all(predictor, str(folder), inputs, wanted, fps)
    raise typer.Exit(exit_code)


def names_given(options: Mapping[str, bool]) -> list[str]:
    """The options that are given."""
    return [name for name, there in options.items() if there]
