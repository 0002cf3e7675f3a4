"""Servers that run: `gta serve` in a process of its own, and others in threads that can be held."""

import http.client
import json
import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

from gta.predict import Predictor, load
from gta.predict.decoders import Closed, Decoded
from gta.predict.reading import answer_of
from gta.serve.queue import Job
from gta.serve.reading import UploadReader
from gta.serve.run import run_serve
from gta.serve.service import Options
from gta.web.uploads import Limits


@dataclass(frozen=True)
class Answer:
    """What a server has answered."""

    status: int
    told: Any
    """The JSON, or text."""
    headers: dict[str, str]


@dataclass
class Client:
    """Asks a server on this machine."""

    port: int

    def ask(
        self,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        method: str | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method or ("GET" if body is None else "POST"), path, body, headers or {})
        answer = connection.getresponse()
        text, kind = answer.read().decode(), answer.headers.get("content-type", "")
        told = json.loads(text) if kind.startswith("application/json") else text
        connection.close()
        return Answer(answer.status, told, {k.lower(): v for k, v in answer.headers.items()})

    def predict(self, body: bytes, path: str = "/predict") -> Answer:
        return self.ask(path, body)

    def form(self, files: Sequence[tuple[str, bytes]], path: str = "/predict") -> Answer:
        return self.ask(path, *form(files))

    def metric(self, name: str) -> float:
        """A line of /metrics."""
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.ask("/metrics").told, re.MULTILINE)
        return 0.0 if found is None else float(found[1])

    def wait_for(self, metric: str, value: float) -> None:
        """Until a line of /metrics has this value."""
        until = time.monotonic() + 30
        while self.metric(metric) != value:
            assert time.monotonic() < until, self.ask("/metrics").told
            time.sleep(0.01)


def form(files: Sequence[tuple[str, bytes]]) -> tuple[bytes, dict[str, str]]:
    """A body of multipart/form-data, and its header."""
    parts = [
        b'--xx\r\nContent-Disposition: form-data; name="file"; filename="'
        + name.encode()
        + b'"\r\n\r\n'
        + content
        + b"\r\n"
        for name, content in files
    ]
    return b"".join(parts) + b"--xx--\r\n", {"Content-Type": "multipart/form-data; boundary=xx"}


@dataclass
class Running(Client):
    """`gta serve` in a process of its own."""

    uploads: Path
    """The folder in which its own folder is."""

    def stored(self) -> list[Path]:
        """Files of uploads that are there now."""
        return [path for path in self.uploads.rglob("*") if path.is_file()]


@pytest.fixture(scope="session")
def running(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    uploads = tmp_path_factory.mktemp("served")
    command = (
        *("serve", str(trained), "--port", "0", "--device", "cpu", "--workers", "2"),
        *("--max-bytes", "2000000", "--delay-ms", "2"),
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "gta", *command],
        env=os.environ | {"TMPDIR": str(uploads), "COLUMNS": "200", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.match(r"http://127\.0\.0\.1:(\d+)/ serves .*; Ctrl-C ends it", line)
    assert found, line + process.stdout.read()
    yield Running(int(found[1]), uploads)
    process.terminate()
    rest = process.stdout.read()
    assert process.wait(20) == 143, rest
    assert rest == "gta: stopped by SIGTERM\n"
    assert [path for path in uploads.iterdir() if path.name.startswith("gta-")] == []


class Threads:
    """Reads in threads of this process, as `Decoders` does in others; `held` stops them."""

    def __init__(self, read: UploadReader, count: int, limit: float):
        del limit
        self.read, self.asked = read, queue.SimpleQueue[tuple[Job, Any]]()
        self.answers = queue.SimpleQueue[Decoded[Job] | Exception]()
        self.held = threading.Event()
        self.held.set()
        for _ in range(count):
            threading.Thread(target=self._serve, daemon=True).start()

    def ask(self, key: Job, path: Any) -> None:
        self.asked.put((key, path))

    def answer(self) -> Decoded[Job]:
        answer = self.answers.get()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.answers.put(Closed())

    def _serve(self) -> None:
        while True:
            key, path = self.asked.get()
            self.held.wait(30)
            about, stored = answer_of(self.read, path)
            if stored is None:
                self.answers.put(Decoded(key, None, about))
                continue
            _, order, seen = about
            axes = sorted(range(len(order)), key=order.__getitem__)
            self.answers.put(Decoded(key, stored.permute(axes), None, seen))


@dataclass
class Held(Client):
    """A server in a thread of this process, whose network and readers can be held."""

    predictor: Predictor
    network: threading.Event
    """Set: the network computes."""
    pools: list[Threads]
    batches: list[int]
    """How many videos each batch had since it was ready."""
    stop: threading.Event
    thread: threading.Thread
    ended: list[BaseException] = field(default_factory=list)
    """What it ended by."""


@contextmanager
def serving(
    run: Path,
    *,
    options: Options | None = None,
    limits: Limits | None = None,
    change: Callable[[Predictor], object] = lambda _: None,
    loading: threading.Event | None = None,
) -> Iterator[Held]:
    """A server in a thread; `change` may break its predictor."""
    predictor, network, stop = load(run, device="cpu"), threading.Event(), threading.Event()
    network.set()
    change(predictor)
    pools, batches, ports = list[Threads](), list[int](), queue.SimpleQueue[int]()
    scores = predictor.scores_of

    def held_scores(views: Sequence[torch.Tensor]) -> torch.Tensor:
        batches.append(len(views))
        network.wait(30)
        return scores(views)

    predictor.scores_of = held_scores  # type: ignore[method-assign]

    def made(read: UploadReader, count: int, limit: float) -> Threads:
        pools.append(Threads(read, count, limit))
        return pools[-1]

    def loaded() -> Predictor:
        if loading is not None:
            loading.wait(30)
        return predictor

    def body() -> None:
        try:
            run_serve(
                loaded,
                lambda address: ports.put(int(address.rstrip("/").rpartition(":")[2])),
                port=port,
                options=options,
                limits=limits,
                asked=stop.is_set,
                make_pool=made,
            )
        except BaseException as error:
            held.ended.append(error)
            ports.put(0)

    port = free_port() if loading is not None else 0
    thread = threading.Thread(target=body)
    held = Held(port, predictor, network, pools, batches, stop, thread)
    thread.start()
    try:
        if loading is None:
            held.port = ports.get(timeout=60)
        batches.clear()
        yield held
    finally:
        network.set()
        if loading is not None:
            loading.set()
        for pool in pools:
            pool.held.set()
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def free_port() -> int:
    """A port that nobody has."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def in_background(work: Callable[[], Answer]) -> Callable[[], Answer]:
    """Begins a request; what is given waits for its answer."""
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(work()))
    thread.start()

    def answer() -> Answer:
        thread.join(60)
        return answers[0]

    return answer


@pytest.fixture(scope="session")
def videos(ordered: Path) -> list[Path]:
    """Some that can be uploaded."""
    return sorted(ordered.rglob("*.webm"))
