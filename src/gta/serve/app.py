"""The endpoints of the server."""

import asyncio
import json
import math
import time
from collections.abc import Awaitable
from importlib.resources import files
from typing import TypeVar

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gta.errors import nearest
from gta.names import as_utf8
from gta.serve.metrics import CONTENT_TYPE, Metrics
from gta.serve.openapi import description
from gta.serve.page import page_of
from gta.serve.parts import upload_of
from gta.serve.service import Service
from gta.web.guard import Guard, Hosts
from gta.web.refusals import HANDLERS, Refused, cancelled, without_places

Answer = TypeVar("Answer")
_POLICY = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
}
_QUERY = ("top", "fps")
"""What may stand in the query of /predict."""
_METHODS = ("GET", "HEAD", "POST")
STRANGE = (
    "this server does not answer to that Host or Origin: see --host and --allow-host of gta serve"
)


class Pages:
    """The endpoints.

    Args:
        service: The model.
    """

    def __init__(self, service: Service):
        self.service, self.uploads = service, service.uploads
        self.described = description(service.options, service.uploads.limits)

    async def predict(self, request: Request) -> Response:
        """POST /predict."""
        _require_known(request)
        top = _number(request, "top", whole=True)
        fps = _number(request, "fps")
        self.service.require_ready()
        with self.uploads.incoming() as body:
            upload, name = await upload_of(request, self.uploads, body, fps)
            answer = self.service.predict(upload, name, None if top is None else int(top))
            try:
                content = await _while_there(request, answer)
            except Refused as error:
                if error.status != 422:
                    raise
                reason = without_places(str(error), self.uploads.folder)
                raise Refused(422, reason) from error
        text = as_utf8(json.dumps(content, ensure_ascii=False, indent=1))
        return Response(text + "\n", media_type="application/json")

    async def healthz(self, request: Request) -> Response:
        """GET /healthz: whether the process works."""
        del request
        if (stuck := self.service.stuck) is not None:
            error = f"the network has been at one batch for {stuck:.0f} seconds"
            return JSONResponse({"status": "stuck", "error": error}, 503)
        return JSONResponse({"status": "ok"})

    async def readyz(self, request: Request) -> Response:
        """GET /readyz: whether requests are answered."""
        del request
        state = self.service.state
        if state != "ready":
            return JSONResponse({"status": state}, 503, {"Retry-After": "1"})
        return JSONResponse({"status": state, **self.service.facts})

    async def metrics(self, request: Request) -> Response:
        """GET /metrics."""
        del request
        return Response(self.service.metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    async def openapi(self, request: Request) -> Response:
        """GET /openapi.json."""
        del request
        return JSONResponse(self.described)

    async def docs(self, request: Request) -> Response:
        """GET /docs: the same for people, without other hosts."""
        return Response(page_of(self.described, str(request.base_url)), media_type="text/html")

    async def style(self, request: Request) -> Response:
        """GET /docs.css."""
        del request
        text = (files("gta.serve") / "page" / "docs.css").read_text(encoding="utf-8")
        return Response(text, media_type="text/css")

    async def root(self, request: Request) -> Response:
        """GET /: leads to the page."""
        del request
        return Response(status_code=307, headers={"Location": "/docs"})


def make_app(service: Service, hosts: Hosts) -> ASGIApp:
    """The application behind its guard and counters."""
    pages = Pages(service)
    routes = [
        Route("/", pages.root),
        Route("/predict", pages.predict, methods=["POST"]),
        Route("/healthz", pages.healthz),
        Route("/readyz", pages.readyz),
        Route("/metrics", pages.metrics),
        Route("/openapi.json", pages.openapi),
        Route("/docs", pages.docs),
        Route("/docs.css", pages.style),
    ]
    app = Starlette(routes=routes, exception_handlers=dict(HANDLERS))
    app.router.redirect_slashes = False
    guarded = Guard(app, hosts, _POLICY, STRANGE)
    return Counted(guarded, service.metrics, {route.path for route in routes})


class Counted:
    """An ASGI application whose answers are counted and timed.

    Args:
        app: The application.
        metrics: The counters.
        paths: Paths that are counted separately; others are counted together.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: set[str]):
        self.app, self.metrics, self.paths = app, metrics, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"] if scope["path"] in self.paths else "other"
        method = scope["method"] if scope["method"] in _METHODS else "other"
        began, status = time.perf_counter(), 500

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, seen)
        finally:
            self.metrics.requests.labels(method, path, str(status)).inc()
            self.metrics.seconds.labels(path).observe(time.perf_counter() - began)


async def _while_there(request: Request, answer: Awaitable[Answer]) -> Answer:
    """An answer, unless the client disconnects before it.

    Raises:
        ClientDisconnect: It did; work for it is cancelled.
    """
    working = asyncio.ensure_future(answer)
    leaving = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait([working, leaving], return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        await cancelled(leaving)
        if not working.done():
            await cancelled(working)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _require_known(request: Request) -> None:
    """Refuses a name that the query may not have: it would be ignored without a word."""
    for name in request.query_params:
        if name not in _QUERY:
            raise Refused(
                422,
                f"this server knows no {name[:20]!r}; it knows "
                f"{' and '.join(_QUERY)}.{nearest(name[:20], list(_QUERY))}",
            )


def _number(request: Request, name: str, *, whole: bool = False) -> float | None:
    """A number of the query, above 0; None if it is not given."""
    text = request.query_params.get(name)
    if text is None:
        return None
    kind = "a whole number from 1" if whole else "a number above 0"
    try:
        value = int(text) if whole and len(text) < 10 else float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf or (whole and value != int(value)):
        raise Refused(422, f"{name} is {kind}; got {text[:20]!r}")
    return value
