"""`gta export`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gta.cli.options import BestOption, FramesOption, JsonOption, RootOption, RunArgument
from gta.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from gta.export.clips import RealClips
    from gta.runs import Run


def export(
    folder: RunArgument,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The file: *.onnx, or *.pt2 for torch.export's program."),
    ] = None,
    stream: Annotated[
        bool, typer.Option("--stream", help="One step of a causal network instead of whole clips.")
    ] = False,
    precision: Annotated[
        Literal["fp32", "fp16", "int8"],
        typer.Option(help="Precision of an ONNX file; int8 is calibrated on real clips."),
    ] = "fp32",
    allow_loss: Annotated[
        bool,
        typer.Option(
            "--allow-loss", help="Write fp16 or int8 even if more than a point of accuracy is lost."
        ),
    ] = False,
    benchmark: Annotated[
        bool,
        typer.Option("--benchmark", help="Accuracy, time and size of all formats; writes no file."),
    ] = False,
    check: Annotated[
        Path | None,
        typer.Option(
            "--check", help="Check whether an existing .onnx is of this run; writes no file."
        ),
    ] = None,
    videos: Annotated[
        list[Path] | None,
        typer.Option("--videos", help="Real clips to check on, instead of those of the data set."),
    ] = None,
    root: RootOption = None,
    clips: Annotated[
        int | None,
        typer.Option(min=1, help="Number of real clips; default: 4 for a check, 200 to measure."),
    ] = None,
    best: BestOption = False,
    frames: FramesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a trained network for other programs: ONNX, or torch.export's .pt2.

    The file is checked on random and real clips before it is kept. Its metadata holds the labels
    and the preprocessing of frames (docs/export.md).
    """
    if (out is not None) + (check is not None) + benchmark != 1:
        raise UsageError(
            "give one of: --out FILE, such as --out model.onnx, --check FILE, --benchmark"
        )
    if out is not None and out.suffix not in (".onnx", ".pt2"):
        raise UsageError(f"{out}: the file's ending says its format: .onnx or .pt2")
    if out is not None and out.suffix == ".pt2" and precision != "fp32":
        raise UsageError(f"--precision {precision} is for .onnx; a .pt2 is fp32")

    from gta.cli.console import Terminal, print_json
    from gta.export import export_program
    from gta.export.onnx_file import export_onnx
    from gta.runs import open_run

    run = open_run(folder)
    if frames is not None:
        run = run.at_frames(frames)
    terminal = Terminal(stderr=as_json)
    if benchmark:
        _benchmark(run, _real(run, videos, root, clips or 200), stream, best, terminal, as_json)
        return
    if out is not None and precision != "fp32":
        from gta.export.smaller import export_smaller

        real = _real(run, videos, root, clips or 200)
        result = export_smaller(
            run, out, precision, real, stream=stream, best=best, allow_loss=allow_loss
        )
        if as_json:
            print_json({"run": str(folder), "file": str(out), **result.to_dict()})
        else:
            terminal.say(f"{out}: {result}")
        return
    real = _for_a_check(run, videos, root, clips or 4)
    if check is not None:
        from gta.export import verify_onnx

        difference = verify_onnx(run, check, best=best, clips=real)
        if as_json:
            agreement = {"difference": difference, "real_clips": len(real)}
            print_json({"run": str(folder), "file": str(check), **agreement})
        else:
            terminal.say(
                f"{check} is this run's: it differs from torch by {difference:.1g} at most, on "
                f"random input and {len(real)} real clips"
            )
        return
    assert out is not None
    write = export_program if out.suffix == ".pt2" else export_onnx
    made = write(run, out, stream=stream, best=best, clips=real)
    if as_json:
        print_json(
            {
                "run": str(folder),
                "file": str(out),
                "inputs": made.inputs,
                "outputs": made.outputs,
                "difference": made.difference,
                "real_clips": made.clips,
            }
        )
        return
    shapes = [
        f"{name} ({', '.join(map(str, shape))})"
        for name, shape in made.inputs.items()
        if not name.startswith("state.")
    ]
    states = sum(name.startswith("state.") for name in made.inputs)
    taken = ", ".join(shapes) + (f" and {states} states" if states else "")
    terminal.say(
        f"{out}: {taken}; differs from torch by {made.difference:.1g} at most, on random input and "
        f"{made.clips} real clips"
    )


def _for_a_check(
    run: "Run", videos: list[Path] | None, root: str | None, most: int
) -> "list[Tensor]":
    from gta.cli.console import warn
    from gta.errors import DataError

    try:
        return _real(run, videos, root, most).clips
    except DataError as error:
        if videos or root:
            raise
        warn(f"checked on random clips alone ({error}); --videos or --root give real clips")
        return []


def _real(run: "Run", videos: list[Path] | None, root: str | None, most: int) -> "RealClips":
    from gta.errors import DataError
    from gta.export.clips import clips_of_data, clips_of_videos

    if videos:
        return clips_of_videos(run, videos, most)
    try:
        return clips_of_data(run, root, most)
    except UsageError as error:
        raise DataError(str(error)) from error


def _benchmark(run: "Run", real: "RealClips", stream: bool, best: bool, terminal, as_json: bool):
    from dataclasses import asdict

    from gta.cli.console import make_table, print_json
    from gta.export.benchmark import benchmark, cpu_name

    rows = benchmark(run, real, stream=stream, best=best, report=terminal)
    what = "frame" if stream else "clip"
    first = rows[0]
    if as_json:
        print_json(
            {
                "run": str(run.folder),
                "cpu": cpu_name(),
                "clips": len(real),
                "form": "step" if stream else "clips",
                "rows": [asdict(row) | {"loses": row.loses(first.top1)} for row in rows],
            }
        )
        return
    cells = []
    for row in rows:
        loss = "loses more than a point" if row.loses(first.top1) else ""
        cells.append(
            [
                *(row.format, row.precision),
                "" if row.top1 is None else f"{row.top1:.1%}",
                *(f"{row.agrees:.1%}", f"{row.difference:.1e}"),
                *(f"{row.milliseconds:.1f}", f"{row.megabytes:.1f}", loss),
            ]
        )
    terminal.show(
        make_table(
            f"{len(real)} real clips; one thread of {cpu_name()}",
            [
                *("format", "precision", "top-1", "same class as torch", "greatest difference"),
                *(f"ms a {what}", "MB", ""),
            ],
            cells,
            left=2,
        )
    )
