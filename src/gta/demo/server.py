"""The server of the demo's page: one model, on this machine only.

It answers only its own page, within limits; `gta.web` holds the parts shared with `gta serve`.
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from gta.data.records import Video
from gta.data.storage.sources import Source
from gta.demo.clips import Clips, load, map_of
from gta.demo.reading import Deadline, read_views, read_windows
from gta.errors import UsageError, VideoError
from gta.figures.maps import Query
from gta.names import shown
from gta.predict import Predictor
from gta.report.facts import matrix_facts, network_line
from gta.web.guard import Guard, Hosts
from gta.web.refusals import HANDLERS, Refused, without_places
from gta.web.uploads import Limits, Uploads

LISTED = 300
"""Most videos of the run that can be picked."""
_TOP = 5
_PARTS = {
    "/": ("gta.demo", "demo.html", "text/html"),
    "/demo.css": ("gta.demo", "demo.css", "text/css"),
    "/demo.js": ("gta.demo", "demo.js", "text/javascript"),
    "/numbers.js": ("gta.report", "numbers.js", "text/javascript"),
    "/charts.js": ("gta.report", "charts.js", "text/javascript"),
}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
}


class Demo:
    """The state of the server.

    Args:
        predictor: The model.
        videos: The videos that can be picked.
        folder: Folder for uploads, each for as long as it is read.
        limits: Limits of a request.
    """

    def __init__(self, predictor: Predictor, videos: Sequence[Video], folder: Path, limits: Limits):
        self.predictor, self.uploads = predictor, Uploads(folder, limits)
        self.videos = _spread(videos)
        self.clips, self.lock, self.at_work = Clips(), Lock(), 0

    def about(self) -> dict[str, Any]:
        """The model, and the videos that can be picked."""
        run = self.predictor.run
        return {
            "run": shown(run.folder.name),
            "network": network_line(run.recipe),
            "weights": self.predictor.weights,
            "classes": len(run.classes),
            "size": self.predictor.protocol.size,
            "videos": [
                {"id": v.id, "class": None if v.label is None else run.classes[v.label]}
                for v in self.videos
            ],
            "matrices": matrix_facts(self.predictor.model),
            "limit": self.uploads.limits.bytes,
        }

    def open(self, path: Source) -> dict[str, Any]:
        """Reads a video, scores it, and keeps its clip.

        Raises:
            VideoError: It cannot be read in time.
        """
        deadline, predictor = Deadline(path, self.uploads.limits.seconds), self.predictor
        views = read_views(predictor.view_clips, path, deadline)
        windows = read_windows(predictor.view_clips, path, deadline)
        middle = views[predictor.protocol.middle_view]
        with self.lock:
            scores = predictor.scores(views).cpu().numpy()
            loaded = load(predictor.model, middle, predictor.run.recipe.clip, int(scores.argmax()))
            over_time = [predictor.scores(clip[None]) for clip in windows.views]
        classes = predictor.run.classes
        top = scores.argsort()[::-1][:_TOP].tolist()
        return {
            "clip": self.clips.add(loaded),
            "frames": len(loaded.seen.frames),
            "top": [{"class": classes[i], "score": float(scores[i])} for i in top],
            "times": windows.times,
            "over_time": [[float(each[i]) for each in over_time] for i in top],
            "maps": loaded.kinds(),
        }

    async def work(self, job: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Runs a job in a thread, unless too many are under way."""
        if self.at_work >= self.uploads.limits.waiting:
            raise Refused(503, f"busy with {self.at_work} videos; try again in a moment")
        self.at_work += 1
        try:
            return await run_in_threadpool(job)
        except VideoError as error:
            reason = without_places(error.reason, self.uploads.folder)
            raise Refused(422, f"this cannot be read as a video: {reason}") from error
        finally:
            self.at_work -= 1

    async def page(self, request: Request) -> Response:
        """The page and its parts."""
        package, name, kind = _PARTS[request.url.path]
        text = (files(package) / "page" / name).read_text(encoding="utf-8")
        return Response(text, media_type=f"{kind}; charset=utf-8")

    async def tell(self, request: Request) -> Response:
        """`about`, as JSON."""
        del request
        return JSONResponse(self.about())

    async def upload(self, request: Request) -> Response:
        """A video as the body of a request; it counts as work once it has arrived."""
        with self.uploads.incoming() as body:
            body.begin()
            await self.uploads.receive(request, body.write)
            return JSONResponse(await self.work(partial(self.open, body.files[0])))

    async def pick(self, request: Request) -> Response:
        """One of the run's videos."""
        number = _number(request.path_params["number"], 0, len(self.videos) - 1)
        path = self.videos[round(number)].path
        return JSONResponse(await self.work(partial(self.open, path)))

    async def picture(self, request: Request) -> Response:
        """A frame of a clip."""
        loaded = self._clip(request)
        frame = round(_number(request.path_params["frame"], 0, len(loaded.seen.frames) - 1))
        return Response(loaded.picture(frame), media_type="image/webp")

    async def map(self, request: Request) -> Response:
        """A map of a clip, for a query."""
        loaded, asked = self._clip(request), request.query_params
        height, width = loaded.seen.frames.shape[1:3]
        query = Query(
            _number(asked.get("x", "0"), 0, width),
            _number(asked.get("y", "0"), 0, height),
            round(_number(asked.get("frame", "0"), 0, len(loaded.seen.frames) - 1)),
        )
        layer = round(_number(asked.get("layer", "0"), -1, len(loaded.seen.layers)))

        def draw() -> dict[str, Any]:
            with self.lock:
                return map_of(loaded, asked.get("kind", ""), layer, query)

        try:
            return JSONResponse(await run_in_threadpool(draw))
        except UsageError as error:
            raise Refused(422, str(error)) from error

    def _clip(self, request: Request):
        loaded = self.clips.get(request.path_params["clip"])
        if loaded is None:
            raise Refused(410, "this clip is no longer in memory; open the video again")
        return loaded


def make_app(demo: Demo) -> ASGIApp:
    """The application behind its guard."""
    routes = [
        *(Route(path, demo.page) for path in _PARTS),
        Route("/api/about", demo.tell),
        Route("/api/clips", demo.upload, methods=["POST"]),
        Route("/api/videos/{number}", demo.pick, methods=["POST"]),
        Route("/api/clips/{clip}/frames/{frame}", demo.picture),
        Route("/api/clips/{clip}/map", demo.map),
    ]
    app = Starlette(routes=routes, exception_handlers=dict(HANDLERS))
    return Guard(app, Hosts(), _HEADERS, "this server answers its own page on this machine only")


def _number(text: str, low: float, high: float) -> float:
    """A number of a request, within bounds."""
    try:
        value = float(json.loads(text))
    except (ValueError, TypeError):
        raise Refused(422, "a number was expected") from None
    if not low <= value <= high:
        raise Refused(422, f"a number from {low:g} to {high:g} was expected")
    return value


def _spread(videos: Sequence[Video]) -> list[Video]:
    """A selection of the video files, from all parts of the list."""
    there = [video for video in videos if isinstance(video.path, str | Path)]
    step = max(1, -(-len(there) // LISTED))
    return there[::step]
