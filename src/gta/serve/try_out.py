"""Test requests before the first client: they warm the model up and show what is wrong."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gta.errors import UsageError, first_line
from gta.predict import Predictor
from gta.serve.queue import Queue
from gta.serve.reading import Upload


async def try_out(queue: Queue, predictor: Predictor, folder: Path) -> None:
    """Sends a black clip on the way of uploads, once for each process that reads.

    Raises:
        Refused: There is no answer.
    """
    path = folder / "black.npy"
    size, frames = predictor.protocol.size, predictor.run.recipe.clip.num_frames
    np.save(path, np.zeros((frames, size, size, 3), np.uint8))
    count = min(queue.batching.readers, queue.batching.places)
    upload = Upload(str(path), "array", 30.0)
    try:
        await asyncio.gather(*(queue.scored(upload) for _ in range(count)))
    finally:
        path.unlink(missing_ok=True)


def require_fit(predictor: Predictor, shape: Sequence[int], size: int) -> None:
    """Scores whole batches of black clips (V, C, T, H, W), so that a GPU has recorded all sizes.

    Raises:
        UsageError: There is no room for the largest.
    """
    try:
        predictor.get_ready(shape, size)
    except RuntimeError as error:
        raise UsageError(
            f"a batch of {size} x {shape[0]} views cannot be scored here ({first_line(error)}): "
            f"give a smaller --batch"
        ) from error
