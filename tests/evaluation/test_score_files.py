"""Score files that do not match are refused, and the message says what differs."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gta.errors import DataError, UsageError
from gta.evaluation.score_files import find_score_file, read_matching
from gta.evaluation.scores import Scores

A = Scores(
    ["1", "2", "3"],
    torch.tensor([0, 1, -1]),
    torch.tensor([[0.75, 0.25], [0.5, 0.5], [0.25, 0.75]]),
    ["up", "down"],
    "1x1-center224",
)
B = replace(A, scores=A.scores.flip(0))


def read(folder: Path, first: Scores, second: Scores) -> list[Scores]:
    first.save(folder / "a.npz")
    second.save(folder / "b.npz")
    return read_matching([folder / "a.npz", folder / "b.npz"])[1]


def test_the_order_of_the_videos_does_not_matter(tmp_path: Path):
    _, found = read(tmp_path, A, B.in_order([2, 0, 1]))
    assert found.ids == A.ids
    assert torch.equal(found.scores, B.scores)
    assert torch.equal(found.labels, A.labels)


MISMATCHES = {
    "videos": (
        replace(B, ids=["1", "2", "4"]),
        "1 of 3 videos are only in {a} ('3'); 1 of 3 videos are only in {b} ('4'). Test both",
    ),
    "unreadable": (
        replace(B.in_order([0, 1]), failures=[("3.webm", "is empty")]),
        "1 of 3 videos are only in {a} ('3'). Some could not be read when they were tested.",
    ),
    "labels": (
        replace(B, labels=torch.tensor([1, -1, -1])),
        "2 of 3 labels differ: '1' is 'up' in {a} and 'down' in {b}; '2' is 'down' in {a} and "
        "'no label' in {b}.",
    ),
    "order of classes": (
        replace(B, classes=["down", "up"]),
        "the classes are the same in another order: number 0 is 'up' in the first and 'down' in "
        "the second. Both models need the same data set and labels file.",
    ),
    "classes": (
        replace(B, classes=["up", "left"]),
        "2 and 2 classes, 1 only in the first ('down'), 1 only in the second ('left').",
    ),
}


@pytest.mark.parametrize("kind", MISMATCHES)
def test_what_differs_is_said(tmp_path: Path, kind: str):
    other, message = MISMATCHES[kind]
    a, b = tmp_path / "a.npz", tmp_path / "b.npz"
    with pytest.raises(DataError) as caught:
        read(tmp_path, A, other)
    assert str(caught.value).startswith(f"{a} and {b} do not match: ")
    assert message.format(a=a, b=b) in str(caught.value)


def test_the_same_file_twice(tmp_path: Path):
    A.save(tmp_path / "a.npz")
    (tmp_path / "link.npz").symlink_to(tmp_path / "a.npz")
    for again in ("a.npz", "link.npz"):
        with pytest.raises(UsageError, match=rf"{again} is given twice; each score file counts"):
            read_matching([tmp_path / "a.npz", tmp_path / again])


def test_a_copy_of_a_file(tmp_path: Path):
    with pytest.raises(UsageError, match=r"b.npz holds the same scores as .*a.npz: it is a copy"):
        read(tmp_path, A, A)


def test_the_only_score_file_of_a_run(tmp_path: Path):
    for name in ("scores-1x1-center224.npz", "scores-1x1-center2.npz"):
        A.save(tmp_path / name)
    found = find_score_file(tmp_path, "1x1-center224")
    assert found == tmp_path / "scores-1x1-center224.npz"
    assert find_score_file(found) == found
    message = (
        f"{tmp_path} holds 2 score files, scores-1x1-center2.npz, scores-1x1-center224.npz: give "
        f"one of them, or --protocol"
    )
    with pytest.raises(UsageError, match=re.escape(message)):
        find_score_file(tmp_path)
    A.save(tmp_path / "scores-1x1-center224-best.npz")
    with pytest.raises(UsageError, match=r"2 score files of protocol 1x1-center224, .*: give one"):
        find_score_file(tmp_path, "1x1-center224")


def test_a_folder_without_score_files(tmp_path: Path):
    with pytest.raises(UsageError, match=r"holds no score file; `gta test .*` writes one into"):
        find_score_file(tmp_path)
    with pytest.raises(UsageError, match=r"of protocol 3x2-full256; `gta test .* --protocol 3x2"):
        find_score_file(tmp_path, "3x2-full256")
