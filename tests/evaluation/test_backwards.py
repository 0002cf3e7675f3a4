"""Classes that are each other backwards, by their names and by a model's answers."""

import pytest
import torch

from gta.evaluation.backwards import backward_pairs, confused_with_opposite, pair_accuracy
from gta.evaluation.verdict import order_blind_bound
from gta.ordered import CLASSES


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("up", "down"),
        ("left_to_right", "right_to_left"),
        ("sit down", "stand up"),
        ("OpenDoor", "CloseDoor"),
        ("Folding something", "Unfolding something"),
        ("counter-clockwise", "clockwise"),
        ("Moving [something] towards the camera", "Moving [something] away from the camera"),
        ("turn_on", "turn_off"),
        ("Putting something onto a table", "Taking something off of a table"),
    ],
)
def test_names_that_are_opposites(one: str, other: str):
    assert backward_pairs(["waving", one, "x", other]) == [(1, 3)]


@pytest.mark.parametrize(
    "classes",
    [["a", "b"], ["sit", "sit left"], ["left hand", "right foot"], ["", "-"], ["up", "Up"]],
)
def test_names_that_are_not(classes: list[str]):
    assert backward_pairs(classes) == []


def test_the_pairs_of_the_built_in_data():
    names = [one.name for one in CLASSES]
    expected = {
        frozenset((one.name, other.name))
        for one in CLASSES
        for other in CLASSES
        if other.key == one.partner != one.key
    }
    found = {frozenset((names[a], names[b])) for a, b in backward_pairs(names)}
    # one pair has other words too: "Uncovering something by removing something"
    assert found < expected
    assert len(expected - found) == 1


def test_a_class_is_in_one_pair():
    pairs = backward_pairs(["towards", "away", "toward"])
    assert pairs == [(0, 1)]


def test_told_apart_counts_what_stays_in_the_pair():
    labels = torch.tensor([0] * 30 + [1] * 10 + [2] * 5)
    answers = torch.tensor([0] * 20 + [1] * 5 + [2] * 5 + [1] * 10 + [0] * 5)
    found = pair_accuracy(answers, labels, [(0, 1)])
    assert (found.pairs, found.videos, found.correct) == (1, 35, 30)
    assert found.bound == pytest.approx(25 / 35)
    assert not found.beats_bound
    assert pair_accuracy(labels, labels, [(0, 1)]).beats_bound
    assert pair_accuracy(labels, labels, [(1, 3)]).pairs == 0


def test_pairs_that_a_model_mixes_up():
    labels = torch.tensor([0, 1, 2, 3] * 20)
    coin = torch.tensor([0, 0, 2, 3, 1, 1, 2, 3] * 10)
    assert confused_with_opposite(coin, labels) == [(0, 1)]
    assert confused_with_opposite(labels, labels) == []


def test_the_order_blind_bound_is_that_of_the_more_frequent_of_two():
    labels = torch.tensor([0] * 30 + [1] * 10 + [2] * 60)
    assert order_blind_bound(labels, [(0, 1)]) == 0.9
    assert order_blind_bound(labels, []) == 1
    assert order_blind_bound(labels, [(2, 7)]) == 1
