"""Scoring a run on the videos of its data set."""

from pathlib import Path
from typing import Literal

import torch
import torch.distributed as dist

from gta.data.loader import num_workers
from gta.devices import find_device
from gta.evaluation.evaluate import evaluate as score
from gta.evaluation.scores import Scores
from gta.evaluation.videos import run_videos
from gta.features import feature_batches
from gta.progress import Report, Silent
from gta.protocols import Protocol, parse_protocol
from gta.runs import Run, open_run


def evaluate(
    run: Run | str | Path,
    root: str | Path | None = None,
    *,
    protocol: Protocol | str | None = None,
    best: bool = False,
    num_frames: int | None = None,
    split: Literal["val", "test"] = "val",
    workers: int | None = None,
    device: torch.device | str = "auto",
    report: Report | None = None,
) -> Scores:
    """Scores a run on the validation videos of its data set, as `gta test` does.

    If `torch.distributed` is initialized, the processes of its group share the videos, and each
    gets all scores.

    Args:
        run: A trained run, or anything that `gta.load` takes.
        root: The folder of the data set, or of a similar data set; None: that of training.
        protocol: Views in place of those of the run, such as "3x2-full256".
        best: The weights of the best epoch instead of the last.
        num_frames: Frames of a clip, if other than in training: the temporal matrices are
            resampled.
        split: The validation or the test videos.
        workers: Loader processes; None: as the recipe says.
        device: "auto", a GPU if there is one, "cpu", "cuda", "cuda:1" ...
        report: Shows progress; None: not shown.

    Raises:
        UsageError: There is no such run, protocol or device, or a score is not finite.
        DataError: The folder holds no such data set, has other classes, or none of its videos
            could be read.
    """
    run, where = open_run(run), find_device(str(device))
    if num_frames is not None:
        run = run.at_frames(num_frames)
    recipe = run.recipe
    protocol = parse_protocol(protocol or recipe.test.protocol)  # before videos are listed
    videos = run_videos(run, None if root is None else str(root), split)
    model, weights = run.load(best=best)
    together = dist.is_available() and dist.is_initialized()
    rank, world_size = (dist.get_rank(), dist.get_world_size()) if together else (0, 1)
    workers = num_workers(
        recipe.data.workers if workers is None else workers, world_size=world_size
    )
    report, model = report or Silent(), model.to(where)
    batches = feature_batches(
        *(model, videos, recipe, protocol),
        device=where,
        threads=workers,
        rank=rank,
        world_size=world_size,
        say=report.say,
    )
    with report.track("testing", len(videos)) as advance:
        return score(
            model,
            videos,
            protocol,
            clip=recipe.clip,
            device=where,
            batch_size=recipe.test.batch_size,
            workers=workers,
            amp=recipe.train.amp,
            rank=rank,
            world_size=world_size,
            batches=batches,
            progress=lambda done, _: advance(done * world_size, ""),
            name=f"{run.folder.name}, {weights}",
            dataset=recipe.data.format,
            split=split,
        )
