"""`gta train`."""

from pathlib import Path
from typing import Annotated

import typer

from gta.cli.options import (
    DataOption,
    DeviceOption,
    ModelOption,
    RecipeOption,
    RootOption,
    SetOption,
    chosen_recipe,
    with_short_forms,
)


def train(
    model: ModelOption = None,
    data: DataOption = None,
    root: RootOption = None,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder; runs/DATA-MODEL if left out.")
    ] = None,
    recipe: RecipeOption = None,
    weights: Annotated[
        str | None,
        typer.Option(help="Start from: a file, imagenet, kinetics or none (model.weights)."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Short for --set train.epochs=...")] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Short for --set train.batch_size=...")
    ] = None,
    lr: Annotated[float | None, typer.Option(help="Short for --set train.lr=...")] = None,
    seed: Annotated[int | None, typer.Option(help="Short for --set train.seed=...")] = None,
    workers: Annotated[int | None, typer.Option(help="Short for --set data.workers=...")] = None,
    settings: SetOption = None,
    device: DeviceOption = "auto",
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Train for a few steps and tell what the whole training would take.",
        ),
    ] = False,
) -> None:
    """Train a model. The same command again goes on where it was interrupted.

    Ctrl-C finishes the step under way and saves it; a second one stops at once.

    With more epochs than before (--epochs ...), a run goes on after its end.

    With several processes: torchrun --nproc-per-node 8 -m gta train ...
    """
    short = {"train.epochs": epochs, "train.batch_size": batch_size, "train.lr": lr}
    short |= {"train.seed": seed, "data.workers": workers}
    found = chosen_recipe(model, data, recipe, root, with_short_forms(settings, short))
    if weights is not None:
        start = found.model.model_copy(update={"weights": weights})
        found = found.model_copy(update={"model": start})
    if out is None:
        out = Path("runs") / (recipe.stem if recipe else f"{data}-{model}")

    if dry_run:
        from gta.cli.dry_run import tell

        tell(found, out, device)
        return

    from gta.cli.console import Terminal
    from gta.cli.session import open_session, train_run
    from gta.cli.signals import stop
    from gta.training.history import end_line
    from gta.training.processes import joined_processes
    from gta.training.splits import load_splits

    with joined_processes(device) as processes, open_session(out, found, processes) as session:
        stop.silent = not processes.is_main
        terminal = Terminal(out / "log.txt", quiet=not processes.is_main)
        terminal.say(
            f"{out}: {model or recipe} on {processes.device}, {processes.world_size} "
            f"process{'es' * (processes.world_size > 1)}"
        )
        if found.train.warmup < found.train.warmup_epochs:
            terminal.say(
                f"train.warmup_epochs={found.train.warmup_epochs:g} is not shorter than "
                f"train.epochs={found.train.epochs}: the warm-up is {found.train.warmup:g} epochs"
            )
        splits = load_splits(found, terminal, world_size=processes.world_size)
        training = train_run(session, splits, processes, terminal, stop)
        position, epochs = training.position, found.train.epochs
        last, unreadable = position.history[-1], len(position.failures)
        if unreadable:
            terminal.say(f"{unreadable} training videos could not be read; see {out / 'log.txt'}")
        terminal.say(end_line(last, splits, found.test.protocol, position.best_top1))
        if training.was_finished:
            terminal.say(
                f"{out} is finished: {epochs} of {epochs} epochs. To train it longer, the same "
                f"command with --set train.epochs={2 * epochs}; to begin another run with what it "
                f"has learned, --weights {out / 'last.safetensors'} and another --out"
            )
        terminal.say(f"Next: gta test {out}   or   gta predict {out} VIDEO")
