"""Score files that do not match are refused, and the message says what differs."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gta.errors import DataError, UsageError
from gta.evaluation.score_files import Scored, find_score_file, read_matching
from gta.evaluation.scores import About, Scores

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


def run_with(folder: Path, *names: str) -> Path:
    for name in names:
        A.save(folder / f"scores-{name}.npz")
    return folder


def test_the_only_score_file_of_a_run(tmp_path: Path):
    run_with(tmp_path, "1x1-center224-best")
    found = find_score_file(tmp_path)
    assert found == tmp_path / "scores-1x1-center224-best.npz"
    assert find_score_file(found) == found


def test_a_score_file_of_several_is_chosen_as_it_was_made(tmp_path: Path):
    names = ("1x1-center224", "1x1-center224-best", "1x1-center224-test", "1x1-center224-16frames")
    run_with(tmp_path, *names, "1x1-center224-test-best-16frames")

    def name(*asked: object) -> str:
        return find_score_file(tmp_path, Scored(*asked)).stem.removeprefix("scores-")

    assert name() == name("1x1-center224") == "1x1-center224"
    assert name(None, "val", True) == "1x1-center224-best"
    assert name("1x1-center224", "test") == "1x1-center224-test"
    assert name(None, "val", False, 16) == "1x1-center224-16frames"
    assert name(None, "test", True, 16) == "1x1-center224-test-best-16frames"


@pytest.mark.parametrize("protocol", ["1x1-center224", "3x10-256", "1x1-center112@128"])
@pytest.mark.parametrize("split", ["val", "test"])
@pytest.mark.parametrize("best", [False, True])
@pytest.mark.parametrize("frames", [None, 16])
def test_the_name_of_a_score_file_says_what_it_is(protocol, split, best, frames):
    scored = Scored(protocol, split, best, frames)
    assert Scored.of(Path("runs/a", scored.file_name)) == scored


def test_several_protocols(tmp_path: Path):
    run_with(tmp_path, "1x1-center224", "1x1-center2")
    message = (
        f"{tmp_path} holds 2 such score files, of different protocols: choose with "
        f"--protocol 1x1-center2 or --protocol 1x1-center224, or give one of the files, "
        f"scores-1x1-center2.npz, scores-1x1-center224.npz"
    )
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        find_score_file(tmp_path)
    assert find_score_file(tmp_path, Scored("1x1-center224")).stem == "scores-1x1-center224"


def test_what_a_folder_does_not_hold(tmp_path: Path):
    run_with(tmp_path, "1x1-center224-best", "1x1-center224-test")
    with pytest.raises(UsageError) as caught:
        find_score_file(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} holds no score file of the last weights on the validation videos: `gta test "
        f"{tmp_path}` writes it into the folder of a run. It holds others, and the options that "
        f"choose them: scores-1x1-center224-best.npz (--protocol 1x1-center224 --best); "
        f"scores-1x1-center224-test.npz (--protocol 1x1-center224 --split test)"
    )
    with pytest.raises(
        UsageError, match=r"no score file of --protocol 3x2-full256 --best: `gta test"
    ):
        find_score_file(tmp_path, Scored("3x2-full256", best=True))


def test_a_folder_without_score_files(tmp_path: Path):
    with pytest.raises(UsageError, match=r"holds no score file; `gta test .*` writes it into"):
        find_score_file(tmp_path)
    with pytest.raises(UsageError, match=r"score file; `gta test .* --protocol 3x2-full256` writ"):
        find_score_file(tmp_path, Scored("3x2-full256"))


def test_two_splits_are_named(tmp_path: Path):
    other = replace(B, ids=["7", "8", "9"], about=About(split="test"))
    with pytest.raises(DataError, match=r"The first is of the split 'val', the other of 'test'\."):
        read(tmp_path, replace(A, about=About(split="val")), other)
