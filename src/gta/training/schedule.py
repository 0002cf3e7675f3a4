"""The learning rate as a function of time."""

import math

from gta.config import Train


def peak_rate(train: Train) -> float:
    """The learning rate after the warm-up: `lr`, scaled linearly if `lr_batch` is given.

    Goyal et al. 2017: k times the batch, k times the rate.
    """
    return train.lr * (1.0 if train.lr_batch is None else train.batch_size / train.lr_batch)


def learning_rate(train: Train, epoch: float) -> float:
    """The learning rate at a moment: 2.5 is half-way through the third epoch.

    Linear warm-up from 0 over the first `warmup` epochs; then either divided by ten at each of
    `milestones`, or half a cosine from the end of the warm-up to 0 at the end of training (SGDR
    without restarts, Loshchilov and Hutter 2017).
    """
    peak = peak_rate(train)
    warmup = train.warmup
    if epoch < warmup:
        return peak * epoch / warmup
    if train.schedule == "steps":
        return peak * 0.1 ** sum(epoch >= milestone for milestone in train.milestones)
    done = (epoch - warmup) / (train.epochs - warmup)
    return peak * 0.5 * (1 + math.cos(math.pi * done))
