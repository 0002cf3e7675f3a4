"""Batches from loader processes: a process that dies is replaced; if it stalls, the run ends."""

import signal
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from torch.utils.data import DataLoader, Dataset, Sampler

from gta.children import kill_at_exit, without_main
from gta.data.batch import Batch, SharedBatch, say_once
from gta.data.reading import NOTHING, Reading
from gta.data.records import Video
from gta.data.stalls import StallWatch
from gta.errors import MachineError, UsageError

MOST_DEATHS = 10
"""Of loader processes while the batches are taken once: more are no fault of a video."""
_MOST_UNNAMED = 3
"""Deaths at no video, with no batch in between, after which nothing is started any more."""
_OF_TORCH = ("DataLoader worker", "Pin memory thread exited")
"""What torch says of a process that died; the second where it died while handing a batch over."""


class Resumable(Protocol):
    """An order of batches that can begin at any of them."""

    start_batch: int


class StalledError(MachineError):
    """A loader process does nothing any more."""


class WorkerLoader(DataLoader[Batch]):
    """Batches in their order, whatever becomes of the processes that read them.

    A process that dies is named with the video it was at; that video is set aside, like a
    video that cannot be read, and reading goes on with new processes at the batch that is missing.
    So the order stays, and what is drawn for a sample too.

    A `UsageError` that a process gives instead of a batch is raised here. At the end of a pass it
    says how many of all videos so far were cut off.

    Args:
        dataset: Gives batches.
        videos: By index.
        order: Of the batches; a `Resumable`.
        reading: The notes of the processes.
        options: Of torch's loader.
    """

    def __init__(
        self,
        dataset: Dataset,
        videos: list[Video],
        order: Sampler,
        reading: Reading,
        options: dict[str, Any],
    ):
        super().__init__(dataset, batch_sampler=order, **options)
        self._videos, self._reading = videos, reading
        self._cut_off: dict[str, str] = {}

    def __iter__(self) -> Iterator[Batch]:  # pyright: ignore[reportIncompatibleMethodOverride]
        order: Any = self.batch_sampler
        begun, taken, deaths = order.start_batch, 0, 0
        unnamed = 0
        while True:
            order.start_batch = begun + taken
            try:
                for batch in self._batches():
                    if isinstance(batch, UsageError):
                        raise batch
                    batch = batch.to_batch() if isinstance(batch, SharedBatch) else batch
                    self._cut_off |= dict(batch.cut_off)
                    yield batch
                    taken, unnamed = taken + 1, 0
                order.start_batch = begun
                _say_cut_off(self._cut_off)
                return
            except _DiedError as error:
                deaths, unnamed = deaths + 1, unnamed + (not error.named)
                if deaths > MOST_DEATHS or unnamed > _MOST_UNNAMED:
                    raise RuntimeError(
                        f"DataLoader worker exited unexpectedly ({error})"
                    ) from error

    def _batches(self) -> Iterator[Batch | SharedBatch | UsageError]:
        """The batches of torch's loader; raises `_DiedError` when a process has died."""
        if not self.num_workers:
            yield from super().__iter__()
            return
        if self._iterator is None:
            self._reading.forget()
        batches = self._begun()
        _without_alarm()
        kill_at_exit()
        watched = _Watched(batches, self._reading, self._videos)
        try:
            while True:
                watched.waits_since = time.monotonic()
                try:
                    batch = next(batches)
                except StopIteration:
                    return
                except (RuntimeError, OSError, EOFError) as error:
                    # the latter two: it died while handing a batch over
                    if isinstance(error, RuntimeError) and not _is_death(error):
                        raise
                    named = self._set_aside(batches, watched)
                    self._end(batches)
                    if watched.stalled is not None:
                        raise StalledError(watched.stalled) from error
                    raise _DiedError(error, named) from error
                watched.waits_since = None
                yield batch
        finally:
            watched.close()

    def close(self) -> None:
        """Ends the processes that are kept from pass to pass."""
        kept: Any = self._iterator
        self._iterator = None
        if kept is not None and self.num_workers:
            kept._shutdown_workers()

    def _begun(self) -> Any:
        """The pass of torch's loader, by the processes of the pass before where they are kept.

        Those are asked first whether they are there: a process that died since then is found here.
        """
        before = self._iterator
        try:
            with without_main():
                return super().__iter__()
        except RuntimeError as error:
            if before is None or not _is_death(error):
                raise
            self._end(before)
            raise _DiedError(error, named=False) from error

    def _set_aside(self, batches: Any, watched: "_Watched") -> bool:
        """Sets the videos of processes that died aside; whether there were any."""
        deadline, named = time.monotonic() + 1, False
        while all(worker.is_alive() for worker in batches._workers):
            if time.monotonic() > deadline:  # a pipe that broke by itself
                return False
            time.sleep(0.01)
        for (index, _), worker in zip(self._reading.now(), batches._workers, strict=True):
            if index == NOTHING or worker.is_alive():
                continue
            how = _cause(worker.exitcode) if watched.stalled is None else "did nothing any more"
            reason = f"a loader process {how} while it read this; set aside for this run"
            self._reading.set_aside.setdefault(self._videos[index].id, reason)
            named = True
        return named

    def _end(self, batches: Any) -> None:
        """Ends all processes of a pass: what they have read ahead is read again."""
        for worker in batches._workers:
            worker.kill()
        self._iterator = None
        batches._shutdown_workers()


def _is_death(error: RuntimeError) -> bool:
    """Whether that is how torch says that a process has died."""
    return any(words in str(error) for words in _OF_TORCH)


def _without_alarm() -> None:
    """A process that dies is found when its batch is awaited, within 5 s.

    Torch's own handler raises wherever the main thread is, such as in a step: outside of here.
    """
    if hasattr(signal, "SIGCHLD") and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


class _DiedError(Exception):
    def __init__(self, error: Exception, named: bool):
        super().__init__(str(error))
        self.named = named


class _Watched:
    """The processes of one pass, and whether one of them is stalled."""

    def __init__(self, batches: Any, reading: Reading, videos: list[Video]):
        self.batches, self.reading, self.videos = batches, reading, videos
        self.began = time.monotonic()
        self.waits_since: float | None = None
        self.stalled: str | None = None
        pids = [worker.pid for worker in batches._workers]
        self.watch = StallWatch(pids, self._busy_since, self._describe, self._give_up)

    def close(self) -> None:
        self.watch.close()

    def _busy_since(self) -> list[float | None]:
        waits, awaited = self.waits_since, self._awaited()
        return [
            max(since, self.began)
            if index != NOTHING
            else (None if waits is None or number != awaited else max(since, waits))
            for number, (index, since) in enumerate(self.reading.now())
        ]

    def _awaited(self) -> int | None:
        """The process whose batch comes next."""
        task = self.batches._task_info.get(self.batches._rcvd_idx, ())
        return task[0] if len(task) == 1 else None

    def _describe(self, number: int) -> str:
        index = self.reading.now()[number][0]
        where = "" if index == NOTHING else f", which reads {self.videos[index].path},"
        return f"loader process {number} (pid {self.batches._workers[number].pid}){where}"

    def _give_up(self, number: int, seconds: float) -> None:
        self.stalled = (
            f"{self._describe(number)} has done nothing for {seconds:.0f} s and was ended. Was it "
            f"stopped, or does its disk not answer? The same command goes on from the last "
            f"checkpoint"
        )
        self.batches._workers[number].kill()


def _cause(exitcode: int | None) -> str:
    if exitcode is None or exitcode >= 0:
        return f"ended with exit code {exitcode}"
    name = signal.Signals(-exitcode).name
    memory = ", as the system does where memory is full," if name == "SIGKILL" else ""
    return f"was killed by {name}{memory}"


def _say_cut_off(videos: Mapping[str, str]) -> None:
    if not videos:
        return
    path, what = next(iter(videos.items()))
    they = "1 video file is cut off and used as far as it goes"
    if len(videos) > 1:
        they = f"{len(videos)} video files are cut off and used as far as they go"
    say_once(f"{they}, first {path}: {what}. gta check names all")
