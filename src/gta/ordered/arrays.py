"""A split of the data set as one array, for training from memory."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from gta.cores import available_cores
from gta.data.records import Split
from gta.files import write_atomically
from gta.ordered.classes import select_classes
from gta.ordered.difficulty import EASY, Difficulty
from gta.ordered.render import check_shape, render_clip
from gta.ordered.seeds import clip_seed

_CHUNK = 32  # clips that a worker renders at a time


def render_array(
    path: Path,
    num_clips: int,
    *,
    split: Split,
    num_frames: int = 16,
    height: int = 64,
    width: int = 64,
    classes: Sequence[str] | None = None,
    seed: int = 0,
    difficulty: Difficulty = EASY,
    workers: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Renders the clips that `render_dataset` would write, into one NumPy file.

    An existing file is complete: it appears when its last clip is written.

    Args:
        path: The file, `.npy`.
        num_clips: Number of clips in the split.
        split: "train" or "val".
        num_frames: T.
        height: Of the frames in pixels.
        width: Of the frames in pixels.
        classes: Keys or names; None: all.
        seed: Not negative.
        difficulty: How hard the clips are.
        workers: Number of processes; None: one per core.

    Returns:
        The frames, uint8 (N, T, H, W, 3), mapped into memory; and labels, int64 (N,).
    """
    check_shape(num_frames, height, width)
    keys = [c.key for c in sorted(select_classes(classes), key=lambda c: c.name)]
    if not path.exists():
        render = partial(
            _render_into,
            shape=(num_clips, num_frames, height, width, 3),
            keys=keys,
            split=("train", "val").index(split),
            seed=seed,
            difficulty=difficulty,
        )
        starts = range(0, num_clips, _CHUNK)
        workers = min(workers or available_cores(), len(starts))

        def write(part: Path) -> None:
            np.lib.format.open_memmap(
                part, "w+", np.uint8, (num_clips, num_frames, height, width, 3)
            )
            if workers == 1:
                for start in starts:
                    render(part, start)
                return
            with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
                for _ in pool.map(partial(render, part), starts):
                    pass

        write_atomically(path, write)
    return np.load(path, mmap_mode="r"), np.arange(num_clips) % len(keys)


def _render_into(
    part: Path,
    start: int,
    *,
    shape: tuple[int, int, int, int, int],
    keys: list[str],
    split: int,
    seed: int,
    difficulty: Difficulty,
) -> None:
    """Renders the clips from `start` on into their places in the file."""
    frames = np.lib.format.open_memmap(part, "r+")
    for index in range(start, min(start + _CHUNK, shape[0])):
        frames[index] = render_clip(
            keys[index % len(keys)],
            num_frames=shape[1],
            height=shape[2],
            width=shape[3],
            seed=clip_seed(seed, split, index),
            difficulty=difficulty,
        )
