"""Work in threads that is given up at once."""

from threading import Event

import pytest

from gta.data.check.threads import each_result


@pytest.mark.parametrize("workers", [1, 3, 50])
def test_each_item_once(workers: int):
    done = list(each_result(lambda item, stop: item * 2, list(range(20)), workers))
    assert sorted(done) == [(i, 2 * i) for i in range(20)]


def test_nothing_to_do():
    assert list(each_result(lambda item, stop: item, [], 4)) == []


def test_an_error_is_the_callers():
    def fail(item: int, stop: Event) -> int:
        raise ValueError(item)

    with pytest.raises(ValueError, match="7"):
        list(each_result(fail, [7], 1))


def test_giving_up_does_not_wait_for_what_runs():
    begun, never, stops = [], Event(), list[Event]()

    def work(item: int, stop: Event) -> int:
        begun.append(item)
        stops.append(stop)
        if item:
            never.wait()
        return item

    results = each_result(work, list(range(100)), 1)
    assert next(results) == (0, 0)
    results.close()  # as an exception does; would hang here if it waited
    assert stops[0].is_set()
    never.set()
    assert len(begun) <= 2
