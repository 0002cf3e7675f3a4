"""The frames of a clip in another order: what a model that needs time cannot do without."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

Order = Literal["forward", "reversed", "shuffled", "frozen"]


def in_order(indices: Sequence[int], order: Order, rng: np.random.Generator) -> list[int]:
    """Frames of a clip in another order.

    Args:
        indices: Frames, ascending.
        order: "forward": as they are. "reversed": from the last to the first. "shuffled": a random
            order that is neither, where there are three frames or more. "frozen": the middle frame
            throughout.
        rng: Draws the random order.
    """
    frames = list(indices)
    if order == "reversed":
        return frames[::-1]
    if order == "frozen":
        return [frames[len(frames) // 2]] * len(frames)
    if order == "shuffled":
        places = list(range(len(frames)))
        mixed = places
        while len(places) > 2 and mixed in (places, places[::-1]):
            mixed = rng.permutation(len(frames)).tolist()
        return [frames[i] for i in mixed]
    return frames
