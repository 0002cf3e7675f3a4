import pytest

from gta.errors import UsageError
from gta.ordered import CLASSES, order_blind_ceiling
from gta.ordered.classes import find_class, select_classes
from gta.ordered.programs import PROGRAMS


def test_every_partner_is_mutual_and_shares_its_program():
    for ordered_class in CLASSES:
        partner = find_class(ordered_class.partner)
        assert partner.partner == ordered_class.key
        assert partner.program == ordered_class.program
        assert ordered_class.program in PROGRAMS


def test_there_are_enough_pairs_and_neutral_classes():
    backward = [c for c in CLASSES if c.is_reversed]
    neutral = [c for c in CLASSES if c.partner == c.key]
    assert len(backward) >= 8
    assert len(neutral) >= 4
    assert len(CLASSES) == 2 * len(backward) + len(neutral)


def test_keys_and_names_are_unique():
    assert len({c.key for c in CLASSES}) == len({c.name for c in CLASSES}) == len(CLASSES)


def test_name_has_no_brackets():
    assert find_class("cover").template == "Covering [something] with [something]"
    assert find_class("cover").name == "Covering something with something"


def test_exchanging_the_direction_words_gives_the_partners_name():
    assert find_class("left_to_right").name == "Moving something from left to right"
    assert find_class("right_to_left").name == "Moving something from right to left"
    assert find_class("clockwise").name == "Turning something clockwise"
    assert find_class("counterclockwise").name == "Turning something counterclockwise"


@pytest.mark.parametrize(
    ("keys", "ceiling"),
    [
        (["up", "down"], 0.5),
        (["still", "shake_sideways"], 1.0),
        (["up", "left_to_right"], 1.0),  # without its partner a class needs no order
        (["up", "down", "still"], 2 / 3),
        (["up", "down", "left_to_right", "still"], 0.75),
        (["Moving something up", "Moving something down"], 0.5),
    ],
)
def test_ceiling_counts_half_for_both_members_of_a_pair(keys, ceiling):
    assert order_blind_ceiling(keys) == pytest.approx(ceiling)


def test_ceiling_of_all_classes():
    assert order_blind_ceiling([c.key for c in CLASSES]) == pytest.approx(13 / 22)


def test_ceiling_of_nothing_is_an_error():
    with pytest.raises(UsageError, match="at least one class"):
        order_blind_ceiling([])


def test_unknown_class_names_the_nearest_and_all():
    with pytest.raises(UsageError, match=r"'upp' is not a class.*Did you mean 'up'\?.*shake_up"):
        find_class("upp")


def test_selection_keeps_the_order_of_the_classes():
    assert [c.key for c in select_classes(["still", "up", "left_to_right"])] == [
        "left_to_right",
        "up",
        "still",
    ]
    assert select_classes(None) == CLASSES


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["up", "Moving something up"], "'up' is named more than once"),
        (["up"], "at least 2 classes, got 1"),
        ([], "at least 2 classes, got 0"),
    ],
)
def test_impossible_selections(words, message):
    with pytest.raises(UsageError, match=message):
        select_classes(words)
