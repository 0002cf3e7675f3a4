"""Rules by which scores of windows become segments, on scores written by hand."""

import pytest
import torch

from gta.predict.segments import Rules, segments_of

CLASSES = ["a", "b", "nothing"]


def segments_in(text: str, rules: Rules, sure: float = 0.8) -> str:
    """Of a window a second, a letter each: "label start-end" of the segments."""
    windows = []
    for number, letter in enumerate(text):
        scores = torch.full((3,), (1 - sure) / 2)
        scores["abn".index(letter.lower())] = sure if letter.islower() else 0.4
        windows.append((number + 0.5, scores))
    made = segments_of(windows, CLASSES, rules, stride=1.0, duration=lambda: float(len(text)))
    return " ".join(f"{segment.label} {segment.start:g}-{segment.end:g}" for segment in made)


def test_segments_cover_what_is_said():
    assert segments_in("aaabb", Rules()) == "a 0-3 b 3-5"
    assert segments_in("a", Rules()) == "a 0-1"
    assert segments_in("", Rules()) == ""
    assert segments_in("aabbnnb", Rules(background=("nothing",))) == "a 0-2 b 2-4 b 6-7"
    assert segments_in("aaAAbb", Rules(threshold=0.5)).startswith("a 0-")
    assert segments_in("aaAAbb", Rules(threshold=0.5)).count("a ") == 1
    assert segments_in("AAAA", Rules(threshold=0.5)) == ""


def test_what_is_short_goes_to_the_part_before_it():
    assert segments_in("aaabaaab", Rules()) == "a 0-3 b 3-4 a 4-7 b 7-8"
    assert segments_in("aaabaaab", Rules(least=1.5)) == "a 0-8"
    assert segments_in("baaabbb", Rules(least=1.5)) == "a 0-4 b 4-7"
    assert segments_in("aanaa", Rules(least=1.5, background=("nothing",))) == "a 0-5"


def test_smoothing_is_a_mean_over_windows_around():
    assert segments_in("aaabaaa", Rules(smoothing=2.0)) == "a 0-7"
    assert segments_in("aaaabbbb", Rules(smoothing=2.0)) == "a 0-4 b 4-8"
    assert segments_in("ab", Rules(smoothing=100)) == "a 0-2"
    scores = [torch.tensor([p, 1 - p, 0]) for p in (1.0, 0.4, 1.0)]
    windows = list(zip((0.5, 1.5, 2.5), scores, strict=True))
    (segment,) = segments_of(
        windows, CLASSES, Rules(smoothing=2.0), stride=1.0, duration=lambda: 3.0
    )
    assert segment.score == pytest.approx((0.7 + 0.8 + 0.7) / 3)


def test_a_change_is_where_the_probabilities_cross():
    scores = [torch.tensor([p, 1 - p, 0]) for p in (0.9, 0.6, 0.2)]
    windows = list(zip((1.0, 2.0, 3.0), scores, strict=True))
    first, second = segments_of(windows, CLASSES, Rules(), stride=1.0, duration=lambda: 4.0)
    assert (first.end, second.start) == pytest.approx((2.25, 2.25))
