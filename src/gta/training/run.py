"""Trains a recipe: from its name and a data set to the folder of a run."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from gta.config import Recipe
from gta.data.storage.locations import absolute
from gta.pretrained import load_pretrained
from gta.progress import Lines, Report, Silent
from gta.recipes import read_recipe, recipe_file, with_settings
from gta.runs import Run, build_network
from gta.training.checkpoint import TrainState
from gta.training.environment import write_environment
from gta.training.history import end_line
from gta.training.optimizer import learning_rate
from gta.training.ordered_start import ordered_start
from gta.training.processes import Processes, joined_processes
from gta.training.recipe_training import Training
from gta.training.saved_state import has_checkpoint
from gta.training.session import Session, open_session
from gta.training.splits import Splits, load_splits
from gta.training.stopping import Stop
from gta.training.watching import Watch


def train(
    recipe: Recipe | str | Path,
    root: str | Path | None,
    out: str | Path,
    *,
    settings: Mapping[str, object] | Sequence[str] = (),
    device: str = "auto",
    report: Report | None = None,
    stop: Stop | None = None,
    name: str = "",
) -> Run:
    """Trains a recipe, as `gta train` does; the same call again resumes or extends the training.

    Several processes of `torchrun` call it in the same way.

    Args:
        recipe: A recipe of this package by its data and model, "ssv2/r2d50_gta"; the path of a
            recipe file or of a run, whose recipe is taken; or a `Recipe`.
        root: The folder of the data set, or the folder or URL of a prepared copy; None: the
            recipe's.
        out: The folder of the run.
        settings: Changes of the recipe: {"train.lr": 0.02}, or ["train.lr=0.02"].
        device: "auto", a GPU if there is one, "cpu", "cuda", "cuda:1" ...
        report: Shows messages and progress; None: lines are printed, and kept in out/log.txt.
        stop: Signals that end the training after the current step; None: Ctrl-C ends it at once,
            and it can be resumed from the last checkpoint.
        name: Name of the model in messages; default: that of the recipe.

    Raises:
        UsageError: A wrong recipe, setting, device or folder; training has diverged.
        DataError: The folder holds no such data set, or too many videos cannot be read.
    """
    chosen, out = _chosen(recipe, root, settings), Path(out).expanduser()
    name = name or ("a recipe" if isinstance(recipe, Recipe) else str(recipe))
    stop = stop or Stop()
    start = None
    if chosen.model.weights == "ordered" and not (out / "checkpoint.pt").exists():
        start = ordered_start(
            *(chosen, lambda inner, place: train(inner, None, place, device=device, stop=stop)),
            report or Lines(None),
        )
    with joined_processes(device) as processes, open_session(out, chosen, processes) as session:
        stop.silent = not processes.is_main
        progress = (report or Lines(out / "log.txt")) if processes.is_main else Silent()
        progress.say(
            f"{out}: {name} on {processes.device}, {processes.world_size} "
            f"process{'es' * (processes.world_size > 1)}"
        )
        if chosen.train.warmup < chosen.train.warmup_epochs:
            progress.say(
                f"train.warmup_epochs={chosen.train.warmup_epochs:g} is not shorter than "
                f"train.epochs={chosen.train.epochs}: the warm-up is {chosen.train.warmup:g} epochs"
            )
        splits = load_splits(chosen, progress, world_size=processes.world_size)
        training = train_run(session, splits, processes, progress, stop, start)
        _tell_end(training, splits, session, progress)
    return Run.open(out)


def _chosen(
    recipe: Recipe | str | Path,
    root: str | Path | None,
    settings: Mapping[str, object] | Sequence[str],
) -> Recipe:
    """The recipe with its settings and its folder."""
    if isinstance(settings, Mapping):
        settings = [f"{name}={json.dumps(value)}" for name, value in settings.items()]
    if not isinstance(recipe, Recipe):
        recipe = read_recipe(recipe_file(recipe))
    recipe = with_settings(recipe, settings)
    if root is not None:
        source = recipe.data.model_copy(update={"root": absolute(str(root))})
        recipe = recipe.model_copy(update={"data": source})
    return recipe


def _tell_end(training: Training, splits: Splits, session: Session, report: Report) -> None:
    """Reports the result of the training."""
    position, recipe, out = training.position, session.recipe, session.folder
    unreadable, epochs = len(position.failures), recipe.train.epochs
    if unreadable:
        report.say(f"{unreadable} training videos could not be read; see {out / 'log.txt'}")
    report.say(end_line(position.history[-1], splits, recipe.test.protocol, position.best_top1))
    if training.was_finished:
        report.say(
            f"{out} is finished: {epochs} of {epochs} epochs. To train it longer, the same "
            f"command with --set train.epochs={2 * epochs}; to begin another run with what it "
            f"has learned, --weights {out / 'last.safetensors'} and another --out"
        )


def train_run(
    session: Session,
    splits: Splits,
    processes: Processes,
    report: Report,
    stop: Stop,
    start: Path | None = None,
) -> Training:
    """Trains a run to its end and leaves everything in its folder.

    Args:
        session: The session of the folder.
        splits: The videos.
        processes: This process among all that train.
        report: Shows messages and progress.
        stop: Signals that end the training.
        start: A file of weights in place of the recipe's.
    """
    recipe, folder = session.recipe, session.folder
    watch = Watch(folder, recipe, report.say)
    torch.manual_seed(recipe.train.seed)  # the fresh weights
    model = build_network(recipe, len(splits.train.classes))
    run = Run(folder, recipe, splits.train.classes)
    if processes.is_main:
        # the other processes get the weights of this process
        if not has_checkpoint(folder):
            named = {"weights": str(start)} if start else {}
            loaded = load_pretrained(model, recipe.model.model_copy(update=named))
            if loaded is not None:
                report.say(str(loaded))
        run = Run.create(folder, recipe, splits.train.classes)
    training = Training(
        model,
        splits,
        recipe,
        folder,
        processes,
        save_weights=lambda state, names, epoch: run.write_weights(state, names, epoch=epoch),
        report=report,
        stop=stop,
        watch=watch if processes.is_main else None,
    )
    if processes.is_main and not training.was_finished:
        write_environment(folder / "environment.json", processes, training.position)
    if session.epochs_before is not None:
        report.say(_longer(training.position, session.epochs_before, recipe))
    training.run()
    return training


def _longer(position: TrainState, before: int, recipe: Recipe) -> str:
    """The effect of more epochs on the learning rate."""
    train = recipe.train
    what = f"{train.epochs} epochs instead of {before}: "
    if train.schedule == "steps":
        return what + "the same as if the run had been begun with so many"
    rate = learning_rate(train, position.epoch)
    old = learning_rate(train.model_copy(update={"epochs": before}), min(position.epoch, before))
    return what + (
        f"the cosine of the learning rate now ends there, so it goes on at {rate:.3g}, not at "
        f"{old:.3g}. A run that is begun with {train.epochs} epochs ends with other weights"
    )
