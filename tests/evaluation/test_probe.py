"""What disturbed frames do to models that are known to need them, or not."""

import pytest
import torch
from torch import Tensor

from gta.errors import DataError
from gta.evaluation.probe import DISTURBANCES, IN_ORDER, Disturbance, Probe, gathered, probe
from gta.evaluation.scores import Scores

CLASSES = ["up", "down", "left"]
LABELS = torch.tensor([0, 1, 2] * 40)


def answering(predictions: Tensor, labels: Tensor = LABELS) -> Scores:
    scores = torch.full((len(predictions), 3), 0.1)
    scores[torch.arange(len(predictions)), predictions] = 0.8
    return Scores(
        ids=[str(i) for i in range(len(predictions))],
        labels=labels,
        scores=scores,
        classes=CLASSES,
        protocol="1x1-center224",
    )


def probed(**wrong: Tensor) -> Probe:
    """All right in order; disturbed, the given answers, or right."""
    names = {disturbance.name: disturbance.order for disturbance in DISTURBANCES}
    found = {IN_ORDER.name: answering(LABELS)}
    for name, order in names.items():
        found[name] = answering(wrong.get(order if order != "forward" else name, LABELS))
    return gathered(found)


def test_a_model_that_needs_the_order():
    swapped = torch.tensor([1, 0, 2] * 40)  # up and down are each other backwards
    found = probed(reversed=swapped, shuffled=torch.zeros_like(LABELS), frozen=LABELS * 0 + 2)
    assert not found.blind
    assert found.change("shuffled").b == pytest.approx(1 / 3)
    assert found.change("shuffled").p < 1e-10
    assert found.change("reversed").gain == pytest.approx(-2 / 3)
    order, frozen, backwards = found.verdict()
    assert order.startswith("The order of frames matters to this model: shuffled, 66.7 points (57.")
    assert frozen.startswith("One frame alone gives 33.3% of 100.0%: the rest needs several")
    assert backwards == (
        "Backwards it has 33.3% right; most often 'up' is then classified as 'down', 40 of 40."
    )
    rows = found.by_class()
    assert [row["class"] for row in rows] == ["down", "left", "up"]
    change = {name: rows[0].pop(name) for name in ("gain", "low", "high")}
    assert change["gain"] == -1
    assert -1 <= change["low"] < change["high"] < -0.8
    assert rows[0] == {
        **{"class": "down", "videos": 40, "in order": 1.0, "reversed": 0.0, "shuffled": 0.0},
        **{"frozen": 0.0, "rate / 2": 1.0, "rate / 4": 1.0},
    }


def test_a_model_that_is_blind_to_the_order():
    found = probed(frozen=torch.zeros_like(LABELS))
    assert found.blind
    blind, frozen = found.verdict(sees_order=False)
    assert blind.startswith("This network is blind to the order of frames: its scores are the sa")
    assert "such as a GTA model trained on the same data" in blind
    assert frozen.startswith("One frame alone gives 33.3% of 100.0%: the rest needs several frames")


def test_a_network_that_could_see_the_order_is_not_advised_to_be_another():
    blind, _ = probed(frozen=torch.zeros_like(LABELS)).verdict(sees_order=True)
    assert blind.startswith("This model gives the same scores for any order of frames, although i")
    assert "GTA" not in blind


def test_a_model_that_does_not_need_the_order():
    few = LABELS.clone()
    few[:1] = 2
    found = probed(shuffled=few)
    assert not found.blind
    order, frozen = found.verdict()
    assert order.startswith(
        "No sign that the order of frames matters to this model: shuffled, its top-1 changes by "
        "-0.8 points (-4.6 to +2.3) on 120 videos"
    )
    assert frozen == "One frame alone gives 100.0% of 100.0%: it is enough for this model."


def answers_of(classes: list[str], labels: list[int], **answers: list[int]) -> Probe:
    """A probe of these predictions; a disturbance that is not given is as in order."""

    def scored(predictions: list[int]) -> Scores:
        scores = torch.full((len(labels), len(classes)), 0.1 / len(classes))
        scores[torch.arange(len(labels)), predictions] += 0.9
        ids = [str(i) for i in range(len(labels))]
        return Scores(ids, torch.tensor(labels), scores, classes, "1x1-center224")

    ordered = answers["in_order"]
    return gathered(
        {IN_ORDER.name: scored(ordered)}
        | {d.name: scored(answers.get(d.name, ordered)) for d in DISTURBANCES}
    )


CONCLUSIONS = ("matters to this model", "it is enough", "needs several", "may do as well")


def told(found: Probe, *, sees_order: bool = True) -> str:
    return " ".join(found.verdict(sees_order=sees_order))


@pytest.mark.parametrize("sees_order", [True, False])
def test_a_model_at_chance_tells_nothing(sees_order: bool):
    labels = [0, 1] * 31
    guesses = [0, 0, 1, 1, 1] * 12 + [0, 1]
    said = told(
        answers_of(["sit", "stand"], labels, in_order=guesses, shuffled=guesses[::-1]),
        sees_order=sees_order,
    )
    assert said.startswith("No verdict: in order ")
    assert "of 62 videos are right (" in said
    assert "the most frequent class, 'sit', as a constant answer, would be right on 50.0%." in said
    assert not any(word in said for word in CONCLUSIONS)


def test_the_most_frequent_class_is_what_has_to_be_beaten():
    labels = [0] * 90 + [1] * 10
    said = told(answers_of(["a", "b"], labels, in_order=[0] * 100, shuffled=[1] * 100))
    assert said.startswith("No verdict: in order 90.0% of 100 videos are right (82.6 to 94.5), and")
    assert "'a', as a constant answer, would be right on 90.0%" in said


def test_opposites_that_are_not_told_apart():
    classes = ["up", "down", "opening", "closing"]
    labels = [0, 1, 2, 3] * 20
    taken = [0, 0, 2, 2, 1, 1, 3, 3] * 10  # the pair is right, the direction a coin
    said = told(answers_of(classes, labels, in_order=taken, shuffled=taken[4:] + taken[:4]))
    assert said == (
        "No verdict: by their names, 2 pairs of classes are each other backwards, and it "
        "distinguishes them in 50.0% of 80 videos. A model that is blind to the order of frames "
        "could have 50.0% of all videos right; this model has 50.0% (39.3 to 60.7). It has not "
        "learned from the order, so it does not show whether these videos need it."
    )


def test_opposites_without_opposite_names_are_seen_by_their_confusion():
    labels = [0, 1, 2, 3] * 20
    taken = [0, 0, 2, 2, 1, 1, 3, 3] * 10
    found = answers_of(list("abcd"), labels, in_order=taken, shuffled=taken[4:] + taken[:4])
    said = told(found)
    assert (
        "it does not distinguish 'a' from 'b'; 'c' from 'd'. If they are each other backwards"
        in said
    )
    assert not any(word in said for word in CONCLUSIONS)


def test_a_model_below_the_bound_that_tells_opposites_apart_has_learned_the_order():
    classes = ["up", "down", *"efghijklmn"]
    labels = list(range(12)) * 10
    taken = [label if label < 2 or i % 3 else 2 + label % 10 for i, label in enumerate(labels)]
    found = answers_of(classes, labels, in_order=taken, shuffled=[0] * 120)
    assert "The order of frames matters to this model" in told(found)


def test_few_videos_rule_nothing_out():
    labels = [0, 1, 2] * 5
    one_wrong = [1, *labels[1:]]
    said = told(answers_of(list("abc"), labels, in_order=labels, shuffled=one_wrong))
    assert "No verdict on the order of frames: shuffled, its top-1 changes by -6.7 points (" in said
    assert "15 videos are too few to rule out a loss of 5%" in said
    assert "it is enough" not in said


def test_classes_without_videos_are_counted():
    found = answers_of(list("abcde"), [0, 1] * 40, in_order=[0, 1] * 40, shuffled=[0] * 80)
    assert found.verdict()[0] == "Of 3 of 5 classes there is no video here."
    assert [row["class"] for row in found.by_class()] == ["b", "a"]


def test_frame_rates():
    found = probed(**{"rate / 4": torch.zeros_like(LABELS), "shuffled": LABELS * 0})
    said = [sentence for sentence in found.verdict() if sentence.startswith("At frame")]
    assert len(said) == 1
    assert said[0].startswith("At frame rate / 4 it loses 66.7 points (57.")
    assert said[0].endswith("do not mix frame rates.")


def test_only_videos_with_a_label_that_all_could_read():
    whole, part = answering(LABELS), answering(LABELS[1:])
    part.ids[:] = whole.ids[1:]
    unknown = LABELS.clone()
    unknown[5] = -1
    found = gathered(
        {IN_ORDER.name: answering(LABELS, unknown), **{d.name: part for d in DISTURBANCES}}
    )
    assert len(found.labels) == 118
    assert found.correct(IN_ORDER.name).all()
    assert found.correct("shuffled").all()
    none = answering(LABELS, torch.full_like(LABELS, -1))
    with pytest.raises(DataError, match=r"^no video with a label could be read in every pass"):
        gathered({IN_ORDER.name: none, **{d.name: part for d in DISTURBANCES}})


def test_each_disturbance_is_scored_once():
    asked: list[Disturbance] = []

    def score(disturbance: Disturbance) -> Scores:
        asked.append(disturbance)
        return answering(LABELS)

    probe(score)
    assert asked == [IN_ORDER, *DISTURBANCES]
