from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gta.errors import DataError, UsageError
from gta.evaluation.scores import About, Scores
from gta.evaluation.submission import write_submission

GIVEN = Scores(
    ["12", "7"],
    torch.tensor([-1, -1]),
    torch.tensor([[0.1, 0.3, 0.05, 0.25, 0.2, 0.1 - 0.05, 0.05], [0, 0.5, 0.3, 0, 0.2, 0, 0]]),
    [f"Class {name}" for name in "abcdefg"],
    "p",
    about=About(dataset="ssv2", split="test"),
)


def test_v2_has_the_numbers_of_five_classes(tmp_path: Path):
    write_submission(tmp_path / "s.csv", GIVEN)
    first, second = (tmp_path / "s.csv").read_text().splitlines()
    assert first.startswith("12;1;3;4;0;")
    assert second.startswith("7;1;2;4;")
    assert len(set(second.split(";")[1:])) == 5


def test_v1_has_the_name_of_one_class(tmp_path: Path):
    write_submission(tmp_path / "s.csv", replace(GIVEN, about=About(dataset="ssv1")))
    assert (tmp_path / "s.csv").read_text() == "12;Class b\n7;Class b\n"


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ("kinetics", "data.format ssv1 or ssv2; these scores are of data.format kinetics"),
        ("", "these scores are of data sets that they do not tell"),
    ],
)
def test_other_data_sets(tmp_path: Path, dataset: str, message: str):
    with pytest.raises(UsageError, match=message):
        write_submission(tmp_path / "s.csv", replace(GIVEN, about=About(dataset=dataset)))
    assert not (tmp_path / "s.csv").exists()


def test_unreadable_videos(tmp_path: Path):
    broken = replace(GIVEN, failures=[("x.webm", "is empty (0 bytes)")])
    with pytest.raises(DataError, match=r"1 videos could not be read, and a submission needs all;"):
        write_submission(tmp_path / "s.csv", broken)
    assert not (tmp_path / "s.csv").exists()
