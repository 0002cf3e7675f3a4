from dataclasses import replace

import pytest
import torch

from gta.errors import UsageError
from gta.evaluation.ensemble import ensemble, parse_weights
from gta.evaluation.scores import About, Scores

A = Scores(
    ["1", "2"],
    torch.tensor([0, 1]),
    torch.tensor([[0.75, 0.25], [1.0, 0.0]]),
    ["x", "y"],
    "1x1-center224",
    model="eight",
    about=About("ssv2", "val", "12ab", num_frames=8, num_views=1),
)
B = replace(
    A,
    scores=torch.tensor([[0.25, 0.75], [0.0, 1.0]]),
    model="sixteen",
    protocol="3x2-full256",
    failures=[("x.webm", "is empty (0 bytes)")],
    about=replace(A.about, num_frames=16, num_views=6),
)


def test_the_mean():
    found = ensemble([A, B])
    assert found.scores.tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert found.scores.dtype == torch.float32
    assert found.ids == A.ids
    assert torch.equal(found.labels, A.labels)


def test_weights_count_by_their_ratio():
    found = ensemble([A, B], [1, 3])
    assert found.scores.tolist() == [[0.375, 0.625], [0.25, 0.75]]
    assert torch.equal(ensemble([A, B], [10, 30]).scores, found.scores)


def test_what_is_known_of_an_ensemble():
    found = ensemble([A, B], [1, 3])
    assert found.model == "ensemble of 2"
    assert found.protocol == "1x1-center224 + 3x2-full256"
    assert found.failures == B.failures
    assert found.about == About(
        *("ssv2", "val", "12ab"),
        parts=("eight, 1x1-center224, weight 0.25", "sixteen, 3x2-full256, weight 0.75"),
    )
    other = replace(B, about=replace(B.about, list_hash="34cd"))
    assert ensemble([A, other]).about.list_hash == ""


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1], "1 weights for 2 score files; give one for each, in their order"),
        ([1, 0], "the weights are 1, 0; each has to be above 0. Leave out the file"),
        ([1, float("nan")], "the weights are 1, nan; each has to be above 0"),
        ([1, float("inf")], "the weights are 1, inf; each has to be above 0"),
    ],
)
def test_weights_that_cannot_be_used(weights: list[float], message: str):
    with pytest.raises(UsageError, match=message):
        ensemble([A, B], weights)


def test_one_file_is_no_ensemble():
    with pytest.raises(UsageError, match="an ensemble needs at least two score files"):
        ensemble([A])


def test_weights_are_numbers():
    assert parse_weights("1, 2.5") == [1, 2.5]
    with pytest.raises(UsageError, match="--weights 1;2: expected numbers with commas between"):
        parse_weights("1;2")
