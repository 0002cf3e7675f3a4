"""Runs the server: `gta serve`."""

import asyncio
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

from gta.predict import Predictor
from gta.predict.decoders import Decoders
from gta.serve.app import make_app
from gta.serve.queue import Job
from gta.serve.service import MakePool, Options, Service
from gta.web.guard import Hosts
from gta.web.server import Server, configured, listening_socket
from gta.web.uploads import Limits, Uploads

CONNECTIONS = 256
"""Connections besides those of the queue: slow clients, and requests of pages."""


def run_serve(
    load: Callable[[], Predictor],
    ready: Callable[[str], object],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    hosts: Hosts | None = None,
    options: Options | None = None,
    limits: Limits | None = None,
    asked: Callable[[], bool] = lambda: False,
    make_pool: MakePool = Decoders[Job],
) -> None:
    """Answers requests until it is asked to end; those under way are answered first.

    Args:
        load: Returns the model; meanwhile the server answers that it is starting.
        ready: Called with the address once requests are answered.
        host: Address to listen on.
        port: Port; 0 takes a free port.
        hosts: Host names that are answered; None: those of `host`.
        options: Options of batches and of the queue.
        limits: Limits of a request.
        asked: Whether the server is asked to end.
        make_pool: Makes the pool from (reader, processes, seconds for a video).

    Raises:
        UsageError: The port is taken, or `load` raises it.
        MachineError: Videos cannot be read any more.
    """
    options, hosts = options or Options(), hosts or Hosts(host)
    with (
        listening_socket(port, host) as own,
        tempfile.TemporaryDirectory(prefix="gta-serve-") as at,
    ):
        service = Service(load, Uploads(Path(at), limits or Limits()), options, make_pool)
        config = configured(make_app(service, hosts), connections=CONNECTIONS + options.queue)
        address = _address(host, own)
        try:
            asyncio.run(
                _serve(service, Server(config, asked, service.drained), own, address, ready)
            )
        finally:
            service.close()


async def _serve(
    service: Service,
    server: Server,
    own: socket.socket,
    address: str,
    ready: Callable[[str], object],
) -> None:
    serving = asyncio.create_task(server.serve([own]))
    starting = asyncio.create_task(service.start())
    await asyncio.wait([serving, starting], return_when=asyncio.FIRST_COMPLETED)
    try:
        if starting.done():
            starting.result()
            ready(address)
            assert service.broken is not None
            await asyncio.wait([serving, service.broken], return_when=asyncio.FIRST_COMPLETED)
            if service.broken.done():
                service.broken.result()
    finally:
        server.should_exit = True
        starting.cancel()
        await serving


def _address(host: str, own: socket.socket) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{own.getsockname()[1]}/"
