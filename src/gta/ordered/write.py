"""The data set on disk: each clip is a function of (seed, split, index), rendered in parallel."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import get_args

from gta.children import end_with_parent
from gta.cores import available_cores
from gta.errors import UsageError, nearest
from gta.ordered.classes import find_class, order_blind_ceiling, select_classes
from gta.ordered.difficulty import EASY, Difficulty
from gta.ordered.files import write_jpegs, write_webm
from gta.ordered.layouts import (
    VIDEO_FOLDERS,
    Clip,
    Layout,
    clip_path,
    write_annotations,
    write_text,
)
from gta.ordered.readme import readme
from gta.ordered.render import check_shape, draw_clip, render_scene_of
from gta.ordered.seeds import clip_seed
from gta.ordered.state import Options, begin, finish

_CHUNK = 16  # clips a worker renders before it reports
_WORTH_A_WORKER = 100  # clips; a process takes about as long to start as to render these


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of `render_dataset`."""

    root: Path
    layout: Layout
    videos: Path
    """The folder of clips."""
    classes: tuple[str, ...]
    """Names in label order."""
    num_train: int
    num_val: int
    order_blind_ceiling: float
    """The highest top-1, in [0, 1], of a model that is blind to the order of frames."""
    num_rendered: int
    """Clips written by this call; the others existed."""
    seconds: float


@dataclass(frozen=True, slots=True)
class _Job:
    """A clip to write; sent to a worker."""

    id: str
    path: Path
    class_key: str
    seed: int


def _jobs(root: Path, options: Options) -> list[_Job]:
    """Training clips, then validation clips; the classes take turns, so they are balanced."""
    jobs = []
    for split, count in enumerate((options.num_train, options.num_val)):
        for index in range(count):
            clip_id = str(len(jobs) + 1)
            jobs.append(
                _Job(
                    id=clip_id,
                    path=clip_path(root, options.layout, clip_id),
                    class_key=options.classes[index % len(options.classes)],
                    seed=clip_seed(options.seed, split, index),
                )
            )
    return jobs


def _render_chunk(jobs: Sequence[_Job], options: Options) -> tuple[list[Clip], int]:
    """Writes the missing clips; returns all annotations, and how many clips were written."""
    clips, num_rendered = [], 0
    for job in jobs:
        ordered_class = find_class(job.class_key)
        scene = draw_clip(
            ordered_class,
            options.num_frames,
            options.width / options.height,
            job.seed,
            options.difficulty,
        )
        clips.append(Clip(job.id, ordered_class, tuple(scene.named)))
        if job.path.exists():
            continue
        frames = render_scene_of(ordered_class, scene, options.height, options.width, job.seed)
        if options.layout == "ssv2":
            write_webm(job.path, frames, options.fps)
        else:
            write_jpegs(job.path, frames)
        num_rendered += 1
    return clips, num_rendered


def _render_all(
    jobs: Sequence[_Job], options: Options, workers: int
) -> Iterator[tuple[list[Clip], int]]:
    """`_render_chunk` over all jobs, in any order."""
    chunks = [jobs[start : start + _CHUNK] for start in range(0, len(jobs), _CHUNK)]
    if workers == 1:
        for chunk in chunks:
            yield _render_chunk(chunk, options)
        return
    spawn = get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=end_with_parent) as pool:
        futures = [pool.submit(_render_chunk, chunk, options) for chunk in chunks]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise UsageError(
                "A rendering process ended before its work was done. In a script, call "
                'render_dataset under `if __name__ == "__main__":`, or pass workers=1.'
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _num_workers(workers: int | None, num_jobs: int) -> int:
    if workers is not None:
        return workers
    return max(1, min(available_cores(), math.ceil(num_jobs / _WORTH_A_WORKER)))


def _check(options: Options, workers: int | None) -> None:
    layouts = list(get_args(Layout))
    if options.layout not in layouts:
        raise UsageError(
            f"{options.layout!r} is not a layout.{nearest(options.layout, layouts)} "
            f"The layouts are: {', '.join(layouts)}."
        )
    check_shape(options.num_frames, options.height, options.width)
    num_classes = len(options.classes)
    for kind, count in (("training", options.num_train), ("validation", options.num_val)):
        if count < num_classes:
            raise UsageError(
                f"{count} {kind} clips cannot show {num_classes} classes; "
                f"use at least {num_classes}, or name fewer classes."
            )
    for name, value, least in (
        ("fps", options.fps, 1),
        ("seed", options.seed, 0),
        ("workers", 1 if workers is None else workers, 1),
    ):
        if value < least:
            raise UsageError(f"{name}={value} is not possible; use {least} or more.")


def render_dataset(
    out: Path,
    *,
    layout: Layout = "ssv2",
    num_train: int,
    num_val: int,
    num_frames: int = 16,
    height: int = 64,
    width: int = 64,
    fps: int = 12,
    classes: Sequence[str] | None = None,
    seed: int = 0,
    difficulty: Difficulty = EASY,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Writes the built-in data set as video files with Something-Something annotations.

    The files depend only on the options and the versions of the libraries, not on `workers`.
    Repeating an interrupted call resumes it; a complete folder is unchanged.

    Args:
        out: A new or empty folder, or the folder of an earlier call with the same options.
        layout: "ssv2" (WebM and JSON) or "ssv1" (JPEG folders and CSV).
        num_train: Training clips; the classes take turns.
        num_val: Validation clips.
        num_frames: Frames of a clip, at least 8.
        height: Of the frames in pixels, at least 32.
        width: Of the frames in pixels, at least 32.
        fps: Frames a second, written in the video's header ("ssv2").
        classes: Keys or names of `CLASSES`; None: all.
        seed: Not negative.
        difficulty: How hard the clips are.
        workers: Number of processes; None: by cores and work. With more than one, a script needs
            the usual `if __name__ == "__main__":`.
        progress: Called with (clips done, clips in all).

    Raises:
        UsageError: An option is out of range, or `out` holds something else.
    """
    begun = time.perf_counter()
    chosen = select_classes(classes)
    # As in the official v2 label file, labels follow the alphabet.
    chosen = tuple(sorted(chosen, key=lambda c: c.name))
    keys = tuple(c.key for c in chosen)
    options = Options(
        layout,
        num_train,
        num_val,
        num_frames,
        height,
        width,
        fps,
        classes=keys,
        seed=seed,
        difficulty=difficulty,
    )
    _check(options, workers)
    root = Path(out)
    names, ceiling = tuple(c.name for c in chosen), order_blind_ceiling(keys)
    videos, num_rendered = root / VIDEO_FOLDERS[layout], 0
    if not begin(root, options):
        videos.mkdir(exist_ok=True)
        jobs, rendered = _jobs(root, options), {}
        for clips, num_new in _render_all(jobs, options, _num_workers(workers, len(jobs))):
            num_rendered += num_new
            rendered.update((clip.id, clip) for clip in clips)
            if progress is not None:
                progress(len(rendered), len(jobs))
        clips = [rendered[job.id] for job in jobs]
        write_annotations(root, layout, names, clips[:num_train], clips[num_train:])
        write_text(root / "README.txt", readme(options, chosen, ceiling))
        facts = {
            "order_blind_ceiling": ceiling,
            "classes": [{"name": c.name, "key": c.key, "partner": c.partner} for c in chosen],
        }
        finish(root, options, facts)
    return Summary(
        root=root,
        layout=layout,
        videos=videos,
        classes=names,
        num_train=num_train,
        num_val=num_val,
        order_blind_ceiling=ceiling,
        num_rendered=num_rendered,
        seconds=time.perf_counter() - begun,
    )
