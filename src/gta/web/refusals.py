"""Requests that are refused: a status and a reason, as JSON."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response


class Refused(Exception):
    """A request that is refused.

    Args:
        status: HTTP status.
        reason: Message for the client.
        retry_after: Seconds after which the client may try again.
    """

    def __init__(self, status: int, reason: str, *, retry_after: int | None = None):
        super().__init__(reason)
        self.status = status
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}


async def _refuse(request: Request, error: Refused) -> Response:
    del request
    return JSONResponse({"error": str(error)}, error.status, error.headers)


async def _late(request: Request, error: Exception) -> Response:
    del request, error
    return JSONResponse({"error": "the video did not arrive in time"}, 408)


async def _left(request: Request, error: Exception) -> Response:
    """The client does not read this; the status is nginx's, for the counters."""
    del request, error
    return JSONResponse({"error": "the client is gone"}, 499)


async def _unknown(request: Request, error: HTTPException) -> Response:
    """An unknown address or method."""
    del request
    return JSONResponse({"error": error.detail.lower()}, error.status_code, error.headers)


HANDLERS: Mapping[Any, Any] = {
    Refused: _refuse,
    TimeoutError: _late,
    ClientDisconnect: _left,
    HTTPException: _unknown,
}
"""The exception handlers of an application."""


def without_places(reason: str, *places: object) -> str:
    """A reason without paths of this machine."""
    for place in places:
        reason = re.sub(re.escape(str(place)) + r"[^\s'\",:;]*", "the upload", reason)
    return reason


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Ends a task and waits for it."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
