"""Seeds of clips."""

import numpy as np


def clip_seed(seed: int, split: int, index: int) -> int:
    """The seed of a clip (split 0: training, 1: validation), independent of other clips."""
    return int(np.random.SeedSequence([seed, split, index]).generate_state(1, np.uint64)[0])
