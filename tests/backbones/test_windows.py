"""Pooling by windows, and the mean over them."""

import torch

from gta.backbones.clips import mean_of_windows, pool_windows


def test_all_positions_at_once():
    x = torch.randn(2, 5, 3, 4)
    assert torch.equal(pool_windows(x, None), x.mean((2, 3))[:, None])
    torch.testing.assert_close(pool_windows(x, 7), x.mean((2, 3))[:, None])


def test_windows_one_position_apart():
    x = torch.randn(2, 5, 3, 4)
    pooled = pool_windows(x, 2)
    assert pooled.shape == (2, 2 * 3, 5)
    torch.testing.assert_close(pooled[:, 4], x[:, :, 1:3, 1:3].mean((2, 3)))
    assert pool_windows(x, 3).shape == (2, 2, 5)


def test_in_evaluation_probabilities_are_averaged():
    logits = 3 * torch.randn(2, 6, 5)
    averaged = mean_of_windows(logits, training=False)
    torch.testing.assert_close(averaged.softmax(1), logits.softmax(2).mean(1))
    assert not torch.allclose(averaged.softmax(1), logits.mean(1).softmax(1), atol=1e-2)


def test_in_training_logits_are_averaged():
    logits = torch.randn(2, 6, 5)
    assert torch.equal(mean_of_windows(logits, training=True), logits.mean(1))


def test_the_logits_of_one_window_are_left_alone():
    logits = torch.randn(2, 1, 5)
    for training in (False, True):
        assert torch.equal(mean_of_windows(logits, training=training), logits[:, 0])


def test_half_precision_logits_do_not_overflow():
    logits = torch.full((1, 4, 3), 300.0, dtype=torch.bfloat16)
    assert torch.isfinite(mean_of_windows(logits, training=False)).all()
