"""Requests on their way to an answer: read by processes, scored in batches by one thread.

Everything here runs in the thread of the event loop, except the work that `read` and `score` hand
on. So no lock is needed, and a request that is given up is dropped before it costs anything.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial

from torch import Tensor

from gta.predict.decoders import Decoded
from gta.predict.reading import Seen
from gta.serve.metrics import Metrics
from gta.serve.reading import Upload
from gta.web.refusals import Refused

Score = Callable[[Sequence[Tensor]], "list[Tensor | Exception]"]
"""For views (V, C, T, H, W) each: probabilities (num_classes,), or the error."""


@dataclass(frozen=True, slots=True)
class Batching:
    """The sizes of batches, queue and waiting times."""

    size: int
    """Most videos of a batch."""
    delay: float
    """Seconds that a video waits for its batch to fill while others are on their way."""
    places: int
    """Most requests at a time; more are refused."""
    readers: int
    """Most videos read at a time."""


@dataclass(slots=True, eq=False)
class Scored:
    """The result of a request."""

    scores: Tensor
    seen: Seen
    network: float
    """Its share of the seconds of its batch."""


@dataclass(slots=True, eq=False)
class Job:
    """A request that waits for its answer."""

    upload: Upload
    answer: asyncio.Future[Scored]
    read: "Decoded[Job] | None" = None
    since: float = field(default_factory=time.monotonic)
    """When it began to wait: first for a reader, then for its batch."""

    @property
    def given_up(self) -> bool:
        """Whether the client no longer waits for the answer."""
        return self.answer.done()


class Queue:
    """The requests under way.

    Args:
        batching: Sizes and waiting times.
        read: Begins to read an upload; `was_read` is called with the result.
        score: Scores a batch; runs in `network`.
        network: An executor of one thread.
        arriving: How many requests are sending their bodies.
        metrics: The counters.
    """

    def __init__(
        self,
        batching: Batching,
        read: Callable[[Job], object],
        score: Score,
        network: Executor,
        arriving: Callable[[], int],
        metrics: Metrics,
    ):
        self.batching, self.read, self.score = batching, read, score
        self.network, self.arriving, self.metrics = network, arriving, metrics
        self.there = 0
        self.to_read, self.ready = deque[Job](), deque[Job]()
        self.reading, self.scoring = set[Job](), 0
        self.scoring_since: float | None = None
        self._alarm: asyncio.TimerHandle | None = None
        metrics.watch("waiting", lambda: sum(not job.given_up for job in self.to_read))
        metrics.watch("reading", lambda: len(self.reading))
        metrics.watch("ready", lambda: len(self.ready))
        metrics.watch("scoring", lambda: self.scoring)
        metrics.watch("arriving", arriving)

    def require_room(self) -> None:
        """Raises `Refused` if the queue is full."""
        if self.there >= self.batching.places:
            self.metrics.turned_away.inc()
            raise Refused(
                429, f"{self.there} requests are under way; try again in a moment", retry_after=1
            )

    async def scored(self, upload: Upload) -> Scored:
        """Waits for a reader, a batch and the network; a cancelled request leaves the queue.

        Raises:
            Refused: The queue is full, or the upload cannot be read or scored.
        """
        self.require_room()
        job = Job(upload, asyncio.get_running_loop().create_future())
        self.there += 1
        self.to_read.append(job)
        self._read_on()
        try:
            return await job.answer
        finally:
            self.there -= 1
            if job.answer.cancelled():
                self.metrics.given_up.inc()
            self._form()  # a batch no longer waits for this job
            self._read_on()

    def was_read(self, read: "Decoded[Job]") -> None:
        """An upload has been read, or cannot be."""
        job = read.key
        self.reading.discard(job)
        if not job.given_up:
            if read.views is None:
                job.answer.set_exception(Refused(422, read.error or ""))
            else:
                spent = read.seen.spent
                self.metrics.decode_seconds.observe(spent.decode + spent.transform)
                job.read, job.since = read, time.monotonic()
                self.ready.append(job)
        self._form()
        self._read_on()

    def fail(self, error: Exception) -> None:
        """Ends all requests that wait for a reader with an error."""
        for job in (*self.to_read, *self.reading):
            if not job.given_up:
                job.answer.set_exception(error)
        self.to_read.clear()

    def _read_on(self) -> None:
        """Begins to read more, unless the ready views would fill the memory."""
        batching = self.batching
        most = 2 * batching.size + batching.readers
        while (
            self.to_read
            and len(self.reading) < batching.readers
            and len(self.reading) + len(self.ready) < most
        ):
            job = self.to_read.popleft()
            if not job.given_up:
                self.reading.add(job)
                self.read(job)

    def _form(self) -> None:
        """Begins a batch if the network is free and waiting would not fill it."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self.ready = deque(job for job in self.ready if not job.given_up)
        if self.scoring or not self.ready:
            return
        loop, over = asyncio.get_running_loop(), self.ready[0].since + self.batching.delay
        left = over - time.monotonic()
        if len(self.ready) < self.batching.size and left > 0 and self._company():
            self._alarm = loop.call_later(left, self._form)
            return
        batch = [self.ready.popleft() for _ in range(min(self.batching.size, len(self.ready)))]
        views = [job.read.views for job in batch if job.read and job.read.views is not None]
        self.scoring, self.scoring_since = len(batch), time.monotonic()
        self.metrics.batch_size.observe(len(batch))
        scoring = loop.run_in_executor(self.network, self.score, views)
        scoring.add_done_callback(partial(self._was_scored, batch))
        self._read_on()

    def _company(self) -> bool:
        """Whether other requests may be ready soon."""
        return bool(self.to_read or self.reading or self.arriving())

    def _was_scored(
        self, batch: list[Job], scoring: "asyncio.Future[list[Tensor | Exception]]"
    ) -> None:
        took = time.monotonic() - (self.scoring_since or 0.0)
        self.metrics.network_seconds.observe(took)
        self.scoring, self.scoring_since = 0, None
        failed = scoring.exception()
        rows = [failed] * len(batch) if failed is not None else scoring.result()
        for job, row in zip(batch, rows, strict=True):
            if job.given_up or job.read is None:
                continue
            if isinstance(row, Tensor):
                job.answer.set_result(Scored(row, job.read.seen, took / len(batch)))
            else:
                job.answer.set_exception(row)
        self._form()
