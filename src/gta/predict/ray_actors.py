"""What runs on the nodes of a Ray cluster: classes as they are, made actors by the caller."""

from typing import Any

import numpy as np
import torch

from gta.predict.many import batch_size
from gta.predict.predictor import Predictor
from gta.predict.reading import Reader, answer_of
from gta.runs import Run


class DecoderActor:
    """Reads the views of one video after the other."""

    def __init__(self, reader: Reader):
        torch.set_num_threads(1)
        self.reader = reader

    def ready(self) -> bool:
        return True

    def read(self, path: str) -> tuple[Any, np.ndarray | None]:
        """(what is to be known of the views, or why there are none; their bytes)."""
        about, stored = answer_of(self.reader, path)
        return about, None if stored is None else stored.numpy()


class NetworkActor:
    """Scores batches of views."""

    def __init__(self, run: Run, options: dict[str, Any]):
        self.predictor = Predictor(run, **options)

    def ready(self) -> int:
        """How many videos to score at once."""
        return batch_size(self.predictor)

    def score(self, order: list[int], *stored: np.ndarray) -> np.ndarray:
        """Probabilities (B, num_classes) of views, each given as it lies in memory."""
        axes = sorted(range(len(order)), key=order.__getitem__)
        views = [torch.tensor(rows).permute(axes) for rows in stored]
        return self.predictor.scores_of(views).numpy()
