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
    from gta.cli.signals import stop
    from gta.training.run import train as train_recipe

    terminal, name = Terminal(out / "log.txt"), str(model or recipe)
    train_recipe(found, None, out, device=device, report=terminal, stop=stop, name=name)
    if not stop.silent:
        terminal.say(f"Next: gta test {out}   or   gta predict {out} VIDEO")
