"""Where the randomness of a clip comes from."""

import numpy as np


def clip_seed(seed: int, split: int, index: int) -> int:
    """The seed of one clip (split 0: training, 1: validation), the same whatever else there is."""
    return int(np.random.SeedSequence([seed, split, index]).generate_state(1, np.uint64)[0])
