"""Work that threads do ahead of whoever needs its results, in order and in bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from gta.errors import UsageError

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(
    work: Callable[[Item], Result], items: Iterable[Item], *, threads: int, most: int
) -> Iterator[tuple[Item, Result | UsageError]]:
    """Each item with what `work` makes of it, or the mistake that it raises.

    Args:
        work: Runs in a thread; decoding and resizing let others run meanwhile.
        items: Taken when there is room for their results: they may be endless.
        threads: 0: no thread, one item at a time.
        most: Results that wait, those under way included.
    """

    def tried(item: Item) -> Result | UsageError:
        try:
            return work(item)
        except UsageError as error:
            return error

    if not threads:
        for item in items:
            yield item, tried(item)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="gta-decode")
    try:
        waiting = deque[tuple[Item, Future[Result | UsageError]]]()
        for item in items:
            if len(waiting) >= most:
                first, result = waiting.popleft()
                yield first, result.result()
            waiting.append((item, pool.submit(tried, item)))
        while waiting:
            first, result = waiting.popleft()
            yield first, result.result()
    finally:
        pool.shutdown(cancel_futures=True)


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of `size` items, the last list shorter."""
    batch: list[Item] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
