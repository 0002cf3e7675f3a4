"""One model that answers requests: it starts, is ready, and stops in order."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import Any, Literal, Protocol

from torch import Tensor

from gta.data.spent import Spent
from gta.devices import beside_readers
from gta.errors import UsageError
from gta.names import shown
from gta.predict import Predictor
from gta.predict.decoders import Closed, Decoded, Decoders
from gta.predict.reading import Reader
from gta.predict.told import told
from gta.serve.metrics import Metrics
from gta.serve.queue import Batching, Job, Queue, Scored
from gta.serve.reading import Upload, UploadReader
from gta.serve.try_out import require_fit, try_out
from gta.web.refusals import Refused
from gta.web.uploads import Uploads

_READING = 0.8
"""Of the time in which an answer is there, that reading a video may take."""
BROKEN = "the scores are not finite: the weights of this model are broken"


class Pool(Protocol):
    """What reads uploads apart from this process: `Decoders`."""

    def ask(self, key: Job, path: Any) -> None: ...
    def answer(self) -> Decoded[Job]: ...
    def close(self) -> None: ...


MakePool = Callable[[UploadReader, int, float], Pool]


@dataclass(frozen=True, slots=True)
class Options:
    """How requests are served."""

    batch: int | None = None
    """Views scored at a time; None: 32, and on a CPU 8."""
    delay: float = 0.005
    """Seconds that a request waits for company, while others are on their way."""
    queue: int = 64
    """Requests that are there; more are sent away."""
    workers: int = 1
    """Processes that read."""
    top: int = 5
    """Classes of an answer, where a request does not say it."""


State = Literal["starting", "ready", "stopping"]


class Service:
    """The model, those who read for it, and the queue between them.

    Args:
        load: Gives the model; called in a thread, while the server answers that it is starting.
        uploads: Where uploads are kept, and within which limits.
        options: Of batches and of the queue.
        make_pool: Of (reader, processes, seconds for a video).
    """

    def __init__(
        self,
        load: Callable[[], Predictor],
        uploads: Uploads,
        options: Options,
        make_pool: MakePool = Decoders[Job],
    ):
        self.load, self.uploads, self.options = load, uploads, options
        self.make_pool, self.metrics = make_pool, Metrics()
        self.state: State = "starting"
        self.broken: asyncio.Future[None] | None = None
        """Has an error once nothing can be read any more."""
        self._network = ThreadPoolExecutor(1, thread_name_prefix="gta-network")
        self._made: tuple[Predictor, Queue, Pool] | None = None

    async def start(self) -> None:
        """Loads the model, and lets it answer once, so that the first client does not wait.

        Raises:
            UsageError: The run has no weights, or processes cannot be started.
        """
        loop = asyncio.get_running_loop()
        self.broken = loop.create_future()
        predictor = await loop.run_in_executor(self._network, self.load)
        run, options, limits = predictor.run, self.options, self.uploads.limits
        reader = Reader(predictor.protocol, run.recipe.clip, run.classes)
        pool = self.make_pool(
            UploadReader(reader, limits.bytes), options.workers, _READING * limits.seconds
        )
        views = 32 if predictor.device.type != "cpu" else 8
        queue = Queue(
            Batching(
                size=max(1, (options.batch or views) // predictor.protocol.num_views),
                delay=options.delay,
                places=options.queue,
                readers=options.workers,
            ),
            lambda job: pool.ask(job, job.upload),
            lambda views: self._score(predictor, views),
            self._network,
            lambda: self.uploads.arriving,
            self.metrics,
        )
        self._made = predictor, queue, pool
        Thread(target=self._hear, args=(pool, queue, loop), daemon=True).start()
        try:
            await try_out(queue, predictor, self.uploads.folder)
        except Refused as error:
            if self.broken.done():
                self.broken.result()  # says more
            raise UsageError(f"{run.folder} cannot answer: {error}") from error
        size = queue.batching.size
        await loop.run_in_executor(self._network, require_fit, predictor, reader.clips.shape, size)
        if self.state == "starting":
            self.state = "ready"

    async def predict(self, upload: Upload, name: str, top: int | None) -> dict[str, Any]:
        """The answer to a request, as `gta predict --json` prints it.

        Raises:
            Refused: There is none.
        """
        predictor, queue, _ = self._require_made()
        began = time.monotonic()
        try:
            async with asyncio.timeout(self.uploads.limits.seconds):
                scored = await queue.scored(upload)
        except TimeoutError:
            told_seconds = f"{self.uploads.limits.seconds:g}"
            raise Refused(
                504, f"there was no answer within {told_seconds} seconds: too much is asked for"
            ) from None
        return self._told(predictor, scored, name, top or self.options.top, began)

    def require_ready(self) -> None:
        """Raises `Refused` while it starts or stops, and where there is no place in the queue."""
        if self.state != "ready":
            raise Refused(503, f"the server is {self.state}", retry_after=1)
        self._require_made()[1].require_room()

    @property
    def stuck(self) -> float | None:
        """Seconds since which the network is at one batch, if that is too long."""
        since = self._made[1].scoring_since if self._made else None
        took = 0.0 if since is None else time.monotonic() - since
        return took if took > 2 * self.uploads.limits.seconds else None

    @property
    def facts(self) -> Mapping[str, object]:
        """What is served."""
        predictor, queue, _ = self._require_made()
        return {
            "run": shown(predictor.run.folder.name),
            "weights": predictor.weights,
            "protocol": predictor.protocol.name,
            "device": str(predictor.device),
            "classes": len(predictor.run.classes),
            "batch": queue.batching.size,
        }

    async def drained(self) -> None:
        """Sends new requests away, and waits for those that are there."""
        self.state = "stopping"
        patience = 2.5 * self.uploads.limits.seconds
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while self.uploads.arriving or (self._made and self._made[1].there):
                    await asyncio.sleep(0.02)

    def close(self) -> None:
        """Ends the processes and the thread."""
        if self._made is not None:
            self._made[2].close()
        self._network.shutdown(wait=False, cancel_futures=True)

    def _require_made(self) -> tuple[Predictor, Queue, Pool]:
        if self._made is None:
            raise Refused(503, f"the server is {self.state}", retry_after=1)
        return self._made

    def _told(
        self, predictor: Predictor, scored: Scored, name: str, top: int, began: float
    ) -> dict[str, Any]:
        seen = scored.seen
        try:
            prediction = predictor.prediction(
                name, scored.scores, cut_off=seen.cut_off, damage=seen.damage
            )
        except UsageError as error:
            raise Refused(500, BROKEN) from error
        spent = Spent(seen.spent.decode, seen.spent.transform, scored.network, seen.spent.clips)
        return told(
            *(predictor, shown(predictor.run.folder.name)),
            [prediction.to_dict(top) | {"video": name}],
            seconds=max(time.monotonic() - began, 1e-9),
            spent=spent,
        )

    def _score(self, predictor: Predictor, views: Sequence[Tensor]) -> list[Tensor | Exception]:
        """In the network's thread: the scores of each, or why it has none; one spoils no other."""
        try:
            with beside_readers(predictor.device):
                return list(predictor.scores_of(views))
        except RuntimeError as error:  # such as a GPU whose memory is full
            if len(views) == 1:
                return [Refused(500, f"the network gave up: {type(error).__name__}")]
        return [self._score(predictor, [one])[0] for one in views]

    def _hear(self, pool: Pool, queue: Queue, loop: asyncio.AbstractEventLoop) -> None:
        """A thread: hands what was read to the loop."""
        with suppress(RuntimeError, Closed):  # the loop, or the pool, is closed
            while True:
                try:
                    read = pool.answer()
                except UsageError as error:
                    loop.call_soon_threadsafe(self._break, queue, error)
                    return
                loop.call_soon_threadsafe(queue.was_read, read)

    def _break(self, queue: Queue, error: UsageError) -> None:
        queue.fail(Refused(503, "the server cannot read videos any more"))
        if self.broken is not None and not self.broken.done():
            told = str(error).replace("--decoders", "--workers")  # what it is called here
            self.broken.set_exception(type(error)(told))
