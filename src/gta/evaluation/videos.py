"""The videos of a trained run's data set."""

from pathlib import Path

from gta.data.records import Split, VideoList
from gta.data.videos import list_videos
from gta.errors import DataError
from gta.runs import Run


def run_videos(run: Run, root: str | None, split: Split = "val") -> VideoList:
    """One split of a run's data set, or of another folder laid out like it.

    Raises:
        UsageError: Neither the run nor the caller names a folder.
        DataError: The folder holds no such data set, or has other classes than the run.
    """
    data = run.recipe.data
    if root is not None:
        data = data.model_copy(update={"root": root})
    videos = list_videos(data, split)
    if videos.classes != run.classes:
        raise DataError(_differing(run.folder, run.classes, data.root or "", videos.classes))
    return videos


def _differing(run: Path, ours: list[str], root: str, theirs: list[str]) -> str:
    both = set(ours) & set(theirs)
    parts = [
        f"only in {where}: {', '.join(map(repr, only[:5]))}{' ...' * (len(only) > 5)}"
        for where, only in (
            (f"the run ({len(ours)} classes)", [c for c in ours if c not in both]),
            (f"the data ({len(theirs)} classes)", [c for c in theirs if c not in both]),
        )
        if only
    ]
    detail = "; ".join(parts) or "the same names in another order"
    return (
        f"{run} was trained for other classes than those of {root}: {detail}. "
        f"Give the data set that it was trained on with --root."
    )
