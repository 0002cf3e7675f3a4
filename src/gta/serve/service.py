"""A model that answers requests: its start, its work, and its orderly stop."""

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
"""Share of a request's time limit that reading a video may take."""
BROKEN = "the scores are not finite: the weights of this model are broken"


class Pool(Protocol):
    """Reads uploads in other processes: `Decoders`."""

    def ask(self, key: Job, path: Any) -> None: ...
    def answer(self) -> Decoded[Job]: ...
    def close(self) -> None: ...


MakePool = Callable[[UploadReader, int, float], Pool]


@dataclass(frozen=True, slots=True)
class Options:
    """How requests are served."""

    batch: int | None = None
    """Views in a batch; None: 32, on a CPU 8."""
    delay: float = 0.005
    """Seconds that a request waits for its batch to fill while others are on their way."""
    queue: int = 64
    """Most requests at a time; more are refused."""
    workers: int = 1
    """Number of processes that read."""
    top: int = 5
    """Default number of classes in an answer."""


State = Literal["starting", "ready", "stopping"]


class Service:
    """The model, its reading processes, and the queue between them.

    Args:
        load: Returns the model; called in a thread, while the server answers that it is starting.
        uploads: The folder of uploads, with its limits.
        options: Options of batches and of the queue.
        make_pool: Makes the pool from (reader, processes, seconds for a video).
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
        """Gets an error once uploads can no longer be read."""
        self._network = ThreadPoolExecutor(1, thread_name_prefix="gta-network")
        self._made: tuple[Predictor, Queue, Pool] | None = None

    async def start(self) -> None:
        """Loads the model and sends it a test request, so that the first client does not wait.

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
                self.broken.result()  # raises with more detail
            raise UsageError(f"{run.folder} cannot answer: {error}") from error
        size = queue.batching.size
        await loop.run_in_executor(self._network, require_fit, predictor, reader.clips.shape, size)
        if self.state == "starting":
            self.state = "ready"

    async def predict(self, upload: Upload, name: str, top: int | None) -> dict[str, Any]:
        """The answer to a request, as `gta predict --json` prints it.

        Raises:
            Refused: There is no answer.
        """
        predictor, queue, _ = self._require_made()
        began = time.monotonic()
        try:
            async with asyncio.timeout(self.uploads.limits.seconds):
                scored = await queue.scored(upload)
        except TimeoutError:
            seconds = f"{self.uploads.limits.seconds:g}"
            raise Refused(
                504, f"there was no answer within {seconds} seconds: the server is overloaded"
            ) from None
        return self._answer(predictor, scored, name, top or self.options.top, began)

    def require_ready(self) -> None:
        """Raises `Refused` while the server starts or stops, or if the queue is full."""
        if self.state != "ready":
            raise Refused(503, f"the server is {self.state}", retry_after=1)
        self._require_made()[1].require_room()

    @property
    def stuck(self) -> float | None:
        """Seconds that the network has spent on its batch, if that is too long."""
        since = self._made[1].scoring_since if self._made else None
        took = 0.0 if since is None else time.monotonic() - since
        return took if took > 2 * self.uploads.limits.seconds else None

    @property
    def facts(self) -> Mapping[str, object]:
        """The served model and its options."""
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
        """Refuses new requests, and waits for those under way."""
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

    def _answer(
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
        """In the network's thread: the scores of each video, or its error."""
        try:
            with beside_readers(predictor.device):
                return list(predictor.scores_of(views))
        except RuntimeError as error:  # such as a GPU whose memory is full
            if len(views) == 1:
                return [Refused(500, f"the network failed: {type(error).__name__}")]
        return [self._score(predictor, [video])[0] for video in views]

    def _hear(self, pool: Pool, queue: Queue, loop: asyncio.AbstractEventLoop) -> None:
        """In a thread: hands read uploads to the event loop."""
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
            reason = str(error).replace("--decoders", "--workers")  # the option's name here
            self.broken.set_exception(type(error)(reason))
