"""`gta serve`."""

from typing import Annotated

import typer

from gta.cli.options import (
    BestOption,
    DeviceOption,
    FramesOption,
    PrecisionOption,
    ProtocolOption,
    RunArgument,
)
from gta.cli.signals import stop

_REQUESTS, _BATCHES = "Requests", "Batches"


def serve(
    folder: RunArgument,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0: all networks of this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free port.")] = 8000,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Another host name that clients use, as a proxy's; repeatable."
        ),
    ] = None,
    best: BestOption = False,
    frames: FramesOption = None,
    protocol: ProtocolOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    batch: Annotated[
        int | None,
        typer.Option(
            min=1, rich_help_panel=_BATCHES, help="Views in a batch; default 32, on a CPU 8."
        ),
    ] = None,
    delay_ms: Annotated[
        float,
        typer.Option(
            min=0,
            max=10_000,
            rich_help_panel=_BATCHES,
            help="Milliseconds a view waits for its batch to fill while others are being decoded.",
        ),
    ] = 5.0,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            rich_help_panel=_BATCHES,
            help="Processes that decode; default: one per core, at most 8.",
        ),
    ] = None,
    queue: Annotated[
        int,
        typer.Option(
            min=1, rich_help_panel=_REQUESTS, help="Requests at a time; more are answered with 429."
        ),
    ] = 64,
    timeout: Annotated[
        float,
        typer.Option(
            min=0.1,
            max=86400,
            rich_help_panel=_REQUESTS,
            help="Seconds for a body to arrive, and as many again for the answer.",
        ),
    ] = 30.0,
    max_bytes: Annotated[
        int,
        typer.Option(
            min=1, rich_help_panel=_REQUESTS, help="Size of a body; more is answered with 413."
        ),
    ] = 64 * 2**20,
    top: Annotated[
        int,
        typer.Option(
            "--topk",
            "--top",
            min=1,
            rich_help_panel=_REQUESTS,
            help="Classes in an answer; a request may say ?top=N.",
        ),
    ] = 5,
) -> None:
    """Serve a model over HTTP: uploaded videos are scored in batches.

    POST /predict takes a video file, frames as .npy or .npz, or several pictures, and answers what
    `gta predict --json` prints; /docs describes it; /metrics, /healthz and /readyz are for
    monitoring. By default only this machine can reach it. After Ctrl-C or SIGTERM, requests under
    way are still answered, new requests are not. Needs the extra `demo`; docs/serving.md.
    """
    from importlib.util import find_spec

    from gta.cli.console import Terminal
    from gta.errors import UsageError

    needed = ("prometheus_client", "python_multipart", "starlette", "uvicorn")
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise UsageError(f'gta serve needs {" and ".join(missing)}: pip install "gta-video[demo]"')
    from gta.cores import available_cores
    from gta.predict import load
    from gta.runs import open_run
    from gta.serve.run import run_serve
    from gta.serve.service import Options
    from gta.web.guard import Hosts
    from gta.web.uploads import Limits

    terminal, run = Terminal(), open_run(folder)
    # room for 16 bodies of the largest size; most are far smaller
    space = min(queue, 16) * max_bytes

    def ready(address: str) -> None:
        terminal.say(f"{address} serves {folder}; {address}docs describes it; Ctrl-C ends it")

    with stop.held():  # a first signal shuts it down in order, a second at once
        run_serve(
            lambda: load(
                run,
                device=device,
                best=best,
                protocol=protocol,
                num_frames=frames,
                precision=precision,
            ),
            ready,
            host=host,
            port=port,
            hosts=Hosts(host, allow_host or ()),
            options=Options(
                batch, delay_ms / 1000, queue, workers or min(available_cores(), 8), top
            ),
            limits=Limits(max_bytes, timeout, queue, space),
            asked=lambda: stop.asked is not None,
        )
    stop.obey()
