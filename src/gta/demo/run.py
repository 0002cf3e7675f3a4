"""Runs the demo: `gta demo`."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from gta import shipped
from gta.data.records import Video
from gta.demo.server import Demo, make_app
from gta.evaluation.videos import run_videos
from gta.ordered import render_dataset
from gta.predict import Predictor
from gta.runs import Run
from gta.web.server import Server, configured, listening_socket
from gta.web.uploads import Limits


def pickable(run: Run, root: str | None, folder: Path) -> list[Video]:
    """Videos of a run's data set; for the model in the package, some rendered clips.

    Raises:
        UsageError: The run's videos are not available.
    """
    if root is None and run.folder == shipped.FOLDER:
        root = str(folder / "ordered")
        each = len(run.classes)
        render_dataset(Path(root), num_train=each, num_val=each)
    return run_videos(run, root).videos


def run_demo(
    predictor: Predictor,
    videos_in: Callable[[Path], Sequence[Video]],
    port: int,
    ready: Callable[[str], object],
    *,
    limits: Limits | None = None,
    asked: Callable[[], bool] = lambda: False,
) -> None:
    """Serves the page until it is asked to end; uploads are removed then.

    Args:
        predictor: The model.
        videos_in: Returns the videos that can be picked; may write some into a temporary folder.
        port: Port on this machine; 0 takes a free port.
        ready: Called with the page's address.
        limits: Limits of a request.
        asked: Whether the server is asked to end.

    Raises:
        UsageError: The port is taken.
    """
    with listening_socket(port) as own, tempfile.TemporaryDirectory(prefix="gta-demo-") as place:
        videos, folder = videos_in(Path(place)), Path(place) / "uploads"
        folder.mkdir()
        app = make_app(Demo(predictor, videos, folder, limits or Limits()))
        ready(f"http://127.0.0.1:{own.getsockname()[1]}/")
        Server(configured(app, connections=256), asked).run(sockets=[own])
