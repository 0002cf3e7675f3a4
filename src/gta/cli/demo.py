"""`gta demo`."""

from pathlib import Path
from typing import Annotated

import typer

from gta.cli import complete
from gta.cli.options import BestOption, DeviceOption, RootOption
from gta.cli.signals import stop


def demo(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="[RUN]",
            autocompletion=complete.runs,
            help="The folder of a run; default: the model in the package.",
        ),
    ] = Path("ordered"),
    root: RootOption = None,
    best: BestOption = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on this machine; 0 takes a free port.")
    ] = 0,
    browser: Annotated[
        bool, typer.Option(help="Open the page in the browser of this machine.")
    ] = True,
    device: DeviceOption = "auto",
) -> None:
    """A page on this machine: drop a video, see the classes over time and what the model looks at.

    Only this machine can reach the page; a dropped video stays on it and is removed once it is
    read. Ctrl-C ends it. Needs the extra `demo`.
    """
    import webbrowser
    from importlib.util import find_spec

    from gta.cli.console import Terminal
    from gta.errors import UsageError

    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise UsageError(f'gta demo needs {" and ".join(missing)}: pip install "gta-video[demo]"')
    from gta.data.records import Video
    from gta.demo.run import pickable, run_demo
    from gta.predict import Predictor
    from gta.runs import open_run

    terminal = Terminal()
    run = open_run(folder)
    predictor = Predictor(run, device=device, best=best)

    def videos_in(place: Path) -> list[Video]:
        try:
            return pickable(run, root, place)
        except UsageError as error:
            terminal.say(f"no videos of the run to pick: {error}")
            return []

    def ready(address: str) -> None:
        terminal.say(f"{address} shows {folder}; Ctrl-C ends it")
        if browser:
            webbrowser.open(address)

    with stop.held():  # a first signal shuts it down in order, a second at once
        run_demo(predictor, videos_in, port, ready, asked=lambda: stop.asked is not None)
    stop.obey()
