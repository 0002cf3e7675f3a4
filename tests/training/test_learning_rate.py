import pytest

from gta.config import Train
from gta.training.optimizer import learning_rate, peak_rate


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [
        (0, 0),
        (0.5, 0.0025),
        (1, 0.005),
        (2, 0.01),
        (29.99, 0.01),
        (30, 0.001),
        (40, 1e-4),
        (45, 1e-5),
        (50, 1e-5),
    ],
)
def test_the_schedule_of_the_paper(epoch: float, expected: float):
    assert learning_rate(Train(), epoch) == pytest.approx(expected, rel=1e-12)


def test_cosine_falls_from_the_end_of_the_warm_up_to_zero():
    train = Train(epochs=10, lr=1.0, schedule="cosine", warmup_epochs=2)
    rates = [learning_rate(train, epoch) for epoch in (1, 2, 4, 6, 8, 10)]
    assert rates == pytest.approx([0.5, 1, 0.8535534, 0.5, 0.1464466, 0], abs=1e-7)


@pytest.mark.parametrize(("epochs", "warmup"), [(1, 0.1), (2, 0.2), (3, 2)])
def test_training_that_is_no_longer_than_its_warm_up_is_shortened(epochs: int, warmup: float):
    train = Train(epochs=epochs, lr=1.0, schedule="cosine", warmup_epochs=2)
    assert train.warmup == warmup
    rates = [learning_rate(train, epoch) for epoch in (0, warmup / 2, warmup, epochs)]
    assert rates == pytest.approx([0, 0.5, 1, 0], abs=1e-7)


def test_without_warm_up_training_starts_at_full_rate():
    train = Train(epochs=4, lr=0.3, schedule="cosine", warmup_epochs=0)
    assert learning_rate(train, 0) == 0.3


@pytest.mark.parametrize(("batch_size", "expected"), [(32, 0.01), (64, 0.02), (8, 0.0025)])
def test_linear_scaling_with_the_batch(batch_size: int, expected: float):
    train = Train(lr=0.01, lr_batch=32, batch_size=batch_size)
    assert peak_rate(train) == learning_rate(train, 10) == pytest.approx(expected, rel=1e-12)
    assert learning_rate(train, 35) == pytest.approx(expected / 10, rel=1e-12)
    assert peak_rate(Train(lr=0.01, batch_size=batch_size)) == 0.01
