"""A run's folder, claimed by one training at a time."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gta.config import Recipe
from gta.data.storage.outside import check_outside
from gta.errors import UsageError
from gta.locks import HOLDER, LOCK, claimed
from gta.recipes import read_recipe
from gta.training.checkpoint import ways_out
from gta.training.processes import Processes
from gta.training.saved_state import FOLDER, OLD, has_checkpoint

FREE = {
    "data.root",
    "data.workers",
    "data.cache_gb",
    "data.cache_dir",
    "data.shard_cache_gb",
    "data.max_unreadable",
    "train.checkpoint_minutes",
    "train.keep_checkpoints",
    "train.max_nonfinite",
    "train.loggers",
    "train.compile",
    "train.cuda_graphs",
    "test.batch_size",
}
"""Settings that may differ on resumption: they change weights at most by rounding."""
_EARLY = {
    *(LOCK, HOLDER, ".holder.part.json"),
    *("log.txt", "labels.json", ".labels.part.json", ".recipe.part.yaml"),
}
"""Files of a run that was stopped before its recipe was written."""

_LATER = {"recipe.yaml", "environment.json", "curves.png", "tensorboard", "wandb"}
_WORTH = {FOLDER, OLD, "last.safetensors", "best.safetensors", "metrics.csv"}
"""Files with results of the training."""


@dataclass(frozen=True, slots=True)
class Session:
    """A run's folder that this process may write."""

    folder: Path
    recipe: Recipe
    epochs_before: int | None = None
    """Its earlier number of epochs, if it has more now."""


@contextmanager
def open_session(folder: Path, recipe: Recipe, processes: Processes) -> Iterator[Session]:
    """Claims the folder of a run, new or begun earlier with the same recipe.

    A folder without anything worth keeping is removed again.

    Raises:
        UsageError: It holds something else, a run of another recipe, or is being trained now.
    """
    check_outside("--out", folder, recipe.data.root)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out {folder} is a file; give a folder")
    is_run, epochs_before = (folder / "recipe.yaml").is_file(), None
    if is_run and has_checkpoint(folder):
        before = read_recipe(folder / "recipe.yaml")
        _check_same(folder, before, recipe)
        if recipe.train.compile is None:  # as at its start: also `false` of an earlier version
            train = recipe.train.model_copy(update={"compile": before.train.compile})
            recipe = recipe.model_copy(update={"train": train})
        if before.train.epochs < recipe.train.epochs:
            epochs_before = before.train.epochs
    elif (folder / "metrics.csv").is_file():
        raise UsageError(
            f"{folder} holds a trained run without the {FOLDER} that are needed to resume: "
            f"{ways_out(folder)}"
        )
    elif not is_run and folder.is_dir() and any(e.name not in _EARLY for e in folder.iterdir()):
        raise UsageError(f"--out {folder} holds other files; give a new folder for the run")
    session = Session(folder, recipe, epochs_before)
    processes.gather(None)  # all have checked before one writes
    if not processes.is_main:
        yield session
        return
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    kept = set() if made else {entry.name for entry in folder.iterdir()}
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with claimed(folder):
            yield session
    except BaseException:
        _remove_useless(folder, kept, made)
        raise


def _remove_useless(folder: Path, kept: set[str], made: list[Path]) -> None:
    """Removes the files of this command from a run's folder, unless they are of use."""
    names = {entry.name for entry in folder.iterdir()}
    if names & _WORTH:
        return
    for name in names - kept:
        if name in _EARLY or name in _LATER:
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    with suppress(OSError):  # something else is in it
        for place in made:
            place.rmdir()


def _check_same(folder: Path, before: Recipe, now: Recipe) -> None:
    old, new = _flat(before.model_dump(mode="json")), _flat(now.model_dump(mode="json"))
    changed = [
        f"{name} was {old.get(name)}, now {new.get(name)}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
        and name not in FREE
        and not (name == "train.epochs" and now.train.epochs > before.train.epochs)
    ]
    if now.train.epochs < before.train.epochs:
        raise UsageError(
            f"{folder} holds a run of {before.train.epochs} epochs, which can be made longer but "
            f"not shorter; got {now.train.epochs}. Give another --out, or leave "
            f"train.epochs at {before.train.epochs}: weights of the last finished epoch can be "
            f"used at any time."
        )
    if changed:
        raise UsageError(
            f"{folder} holds a run of another recipe: {'; '.join(changed)}. Resuming would mix "
            f"the two: give another --out, or the same settings as before."
        )


def _flat(tree: dict, prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in tree.items():
        inner = isinstance(value, dict) and prefix == ""
        flat |= _flat(value, f"{name}.") if inner else {f"{prefix}{name}": value}
    return flat
