"""Work spread over threads that nobody waits for when it is given up."""

from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def each_result(
    work: Callable[[Item, Event], Result], items: Sequence[Item], workers: int
) -> Iterator[tuple[int, Result]]:
    """(index, result) of each item, as they get done.

    An executor would finish what is queued, and Python waits for its threads: Ctrl-C would take as
    long as the rest of the work. When the caller goes away, here by an exception, `stop` is set and
    nothing new is begun; what still runs is left to end by itself, or with the process.

    Args:
        work: Called with an item and the event that tells it to stop.
        items: What is to be done.
        workers: Threads.
    """
    stop, lock, waiting = Event(), Lock(), iter(range(len(items)))
    results: SimpleQueue[tuple[int, Result] | BaseException] = SimpleQueue()

    def run() -> None:
        while not stop.is_set():
            with lock:
                index = next(waiting, None)
            if index is None:
                return
            try:
                results.put((index, work(items[index], stop)))
            except BaseException as error:  # the caller's to raise
                results.put(error)

    try:
        for _ in range(min(workers, len(items))):
            Thread(target=run, daemon=True).start()
        for _ in items:
            done = results.get()
            if isinstance(done, BaseException):
                raise done
            yield done
    finally:
        stop.set()
