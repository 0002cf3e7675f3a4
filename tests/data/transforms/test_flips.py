import pytest

from gta.data.transforms.flips import flip_partners

SSV2 = [
    "Pulling something from left to right",
    "Pulling something from right to left",
    "Pushing something from left to right",
    "Pushing something from right to left",
    "Turning the camera left while filming something",
    "Turning the camera right while filming something",
    "Pretending or failing to wipe something off of something",
    "Putting something upright on the table",
    "Putting something that cannot actually stand upright upright on the table, so it falls on its "
    "side",
    "Pulling something out of something",
    "Pretending to take something out of something, then pulling it right out",
]


def test_something_something():
    rules = flip_partners(SSV2)
    assert rules.directional == {0, 1, 2, 3, 4, 5}
    assert rules.partner == (1, 0, 3, 2, 5, 4, 6, 7, 8, 9, 10)
    assert rules.lone == set()
    assert [rules.flippable(label) for label in range(len(SSV2))] == [False] * 6 + [True] * 5


@pytest.mark.parametrize(
    ("there", "back"),
    [
        ("Turning something clockwise", "Turning something counter-clockwise"),
        ("Turning something clockwise", "Turning something counterclockwise"),
        ("Turning something clockwise", "Turning something anti clockwise"),
        ("turn_clockwise", "turn_anticlockwise"),
        ("TurnLeft", "TurnRight"),
        ("turn_left", "turn_right"),
        ("Left-handed serve", "Right-handed serve"),
        ("moving leftwards", "moving rightwards"),
        ("Turning left clockwise", "Turning right counterclockwise"),
    ],
)
def test_pairs(there: str, back: str):
    rules = flip_partners([there, "holding still", back])
    assert rules.partner == (2, 1, 0)
    assert rules.directional == {0, 2}


def test_a_direction_without_the_other_is_lone():
    rules = flip_partners(
        ["Turning left", "Turning something clockwise", "Swinging left and right"]
    )
    assert rules.lone == {0, 1, 2}
    assert rules.partner == (0, 1, 2)
    assert rules.directional == set()
    assert not rules.flippable(0)


@pytest.mark.parametrize("name", ["Putting it upright", "bright light", "Cleft", "copyright", ""])
def test_parts_of_words_are_no_directions(name: str):
    assert flip_partners([name]).flippable(0)


def test_pairs_must_agree_in_all_other_words():
    assert flip_partners(
        ["push cup left", "push box right", "turn left 1", "turn right 2"]
    ).lone == {
        0,
        1,
        2,
        3,
    }
