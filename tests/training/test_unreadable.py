"""Training videos that cannot be read: said once; too many, or all of a class, are an error."""

from pathlib import Path

import pytest

from gta.data.records import Video, VideoList
from gta.errors import DataError
from gta.training.unreadable import Unreadable

VIDEOS = VideoList([Video(str(i), Path(f"{i}.mp4"), i % 4) for i in range(40)], list("abcd"))


def record(limit: float = 0.5, known: dict[str, str] | None = None):
    said = list[str]()
    return Unreadable({} if known is None else known, VIDEOS, limit, said.append), said


def test_each_is_said_once():
    unreadable, said = record()
    for _ in range(2):
        unreadable.note([("1.mp4", "is empty"), ("2.mp4", "is text")])
    assert said == [
        "skipped, replaced by another video: 1.mp4: is empty",
        "skipped, replaced by another video: 2.mp4: is text",
    ]


def test_more_than_the_limit():
    unreadable, _ = record(limit=0.05)
    unreadable.note([("1.mp4", "is empty"), ("2.mp4", "is text")])
    with pytest.raises(DataError, match=r"^3 of 40 .* more than the limit of 5%; the first is 1"):
        unreadable.note([("3.mp4", "is gone")])


@pytest.mark.parametrize("earlier", [0, 9])
@pytest.mark.parametrize("frame", ["", "/001.jpg"])
def test_all_of_a_class(earlier: int, frame: str):
    """Also where most of them were found before the training was interrupted."""
    paths = [f"{i}.mp4{frame}" for i in range(2, 40, 4)]
    unreadable, _ = record(known=dict.fromkeys(paths[:earlier], "is empty"))
    unreadable.note([(path, "is empty") for path in (*paths[:9], "3.mp4")])
    with pytest.raises(DataError) as caught:
        unreadable.note([(paths[9], "is gone")])
    assert caught.value.exit_code == 3
    assert str(caught.value) == (
        f"not one of the 10 training videos of class 'c' can be read; the first is {paths[0]}: is "
        f"empty. Mend them, or take the class out of the annotation: a network cannot learn it "
        f"without a video"
    )
