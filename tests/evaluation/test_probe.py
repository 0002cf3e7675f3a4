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
    assert order.startswith("The order of frames matters: shuffled, 66.7 points (57.")
    assert frozen.startswith("One frame alone gives 33.3% of 100.0%: the rest needs several")
    assert backwards.startswith("Backwards it has 33.3% right; it then says most often '")
    rows = found.by_class()
    assert [row["class"] for row in rows] == ["down", "left", "up"]
    assert rows[0] == {
        **{"class": "down", "videos": 40, "in order": 1.0, "reversed": 0.0, "shuffled": 0.0},
        **{"frozen": 0.0, "rate / 2": 1.0, "rate / 4": 1.0},
    }


def test_a_model_that_is_blind_to_the_order():
    found = probed(frozen=torch.zeros_like(LABELS))
    assert found.blind
    blind, frozen = found.verdict()
    assert blind.startswith("This model is blind to the order of frames: it gives the same scores")
    assert frozen.startswith("One frame alone gives 33.3% of 100.0%: the rest needs several frames")


def test_a_model_that_does_not_need_the_order():
    few = LABELS.clone()
    few[:2] = 2
    found = probed(shuffled=few)
    assert not found.blind
    order, frozen = found.verdict()
    assert order.startswith(
        "No sign that the order of frames matters to this model: shuffled, its top-1 changes by "
        "-1.7 points (-5."
    )
    assert frozen == "One frame alone gives 100.0% of 100.0%: it is enough."


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
    assert found.right(IN_ORDER.name).all()
    assert found.right("shuffled").all()
    none = answering(LABELS, torch.full_like(LABELS, -1))
    with pytest.raises(DataError, match=r"^no video with a label could be read each time"):
        gathered({IN_ORDER.name: none, **{d.name: part for d in DISTURBANCES}})


def test_each_disturbance_is_scored_once():
    asked: list[Disturbance] = []

    def score(disturbance: Disturbance) -> Scores:
        asked.append(disturbance)
        return answering(LABELS)

    probe(score)
    assert asked == [IN_ORDER, *DISTURBANCES]
