from array import array

import pytest

from gta.data.decode.index import Index, IndexCache


def index(num_frames: int) -> Index:
    return Index(num_frames, (48, 64), array("q", range(num_frames)), array("q", [0]))


def test_what_was_used_longest_ago_is_forgotten():
    memory = IndexCache(limit=2 * index(1000).nbytes)
    for name in "ab":
        memory.put(name, index(1000))
    assert memory.get("a") is not None
    memory.put("c", index(1000))
    assert [name for name in "abc" if memory.get(name)] == ["a", "c"]
    memory.put("c", index(10))
    memory.put("d", index(10))
    assert len(memory) == 3
    memory.clear()
    assert memory.nbytes == len(memory) == 0
    assert memory.get("a") is None


def test_ten_thousand_videos_of_an_hour_do_not_fill_the_memory():
    hour = index(30 * 3600)
    memory = IndexCache(limit=2**24)
    for number in range(10_000):
        memory.put(number, hour)
    assert memory.nbytes <= 2**24
    assert memory.nbytes == pytest.approx(len(memory) * hour.nbytes)
    assert memory.get(9_999) is hour
    memory.put("too large", index(3 * 2**20))
    assert memory.get("too large") is None
