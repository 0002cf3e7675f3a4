"""Mixup and CutMix of clips and labels."""

import pytest
import torch

from gta.config import Augment
from gta.training.mixing import Mixing

LABELS = torch.tensor([0, 1, 2, 2])


def clips() -> torch.Tensor:
    """Clip b is b + 1 everywhere, so that a mixture tells its parts."""
    return (torch.arange(4.0) + 1)[:, None, None, None, None].expand(4, 3, 2, 8, 8).clone()


def test_without_mixing_both_are_left_alone():
    x = clips()
    mixed, labels = Mixing(Augment(), 5)(x, LABELS)
    assert mixed is x
    assert labels is LABELS


@pytest.mark.parametrize("way", ["mixup", "cutmix"])
def test_labels_are_mixed_as_the_pixels_are(way: str):
    mixing = Mixing(Augment(**{way: 1.0}), 5)
    seen = set()
    for seed in range(20):
        torch.manual_seed(seed)
        mixed, soft = mixing(clips(), LABELS)
        assert type(mixed) is torch.Tensor
        assert mixed.shape == (4, 3, 2, 8, 8)
        torch.testing.assert_close(soft.sum(1), torch.ones(4))
        # clip 1 is 2 and its neighbour, clip 0, is 1: the mean tells the share
        share = mixed[1].mean() - 1
        torch.testing.assert_close(soft[1], torch.tensor([1 - share, share, 0, 0, 0]))
        assert (mixed[1] == mixed[1][:1, :1]).all()  # the same in all colours and frames
        seen.add(round(float(share), 3))
        if way == "cutmix":
            assert set(mixed[1].unique().tolist()) <= {1.0, 2.0}
        else:
            assert len(mixed[1].unique()) == 1
    assert len(seen) > 5


def test_with_both_one_is_drawn_for_each_batch():
    mixing = Mixing(Augment(mixup=1.0, cutmix=1.0), 5)
    kinds = set()
    for seed in range(20):
        torch.manual_seed(seed)
        kinds.add(len(mixing(clips(), LABELS)[0][1].unique()) == 1)
    assert kinds == {True, False}


def test_the_draw_is_that_of_the_seed():
    mixing = Mixing(Augment(mixup=0.8), 5)
    results = []
    for _ in range(2):
        torch.manual_seed(7)
        results.append(mixing(clips(), LABELS)[1])
    assert torch.equal(*results)
