"""`gta train`."""

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from gta.cli.options import (
    BlocksOption,
    DataOption,
    DeviceOption,
    FreezeOption,
    ModelOption,
    RecipeOption,
    RootOption,
    SetOption,
    chosen_recipe,
    with_short_forms,
)
from gta.errors import UsageError
from gta.files import write_text


def train(
    model: ModelOption = None,
    data: DataOption = None,
    root: RootOption = None,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder; default: runs/DATA-MODEL.")
    ] = None,
    recipe: RecipeOption = None,
    weights: Annotated[
        str | None,
        typer.Option(
            help="Start from: a file, imagenet, kinetics, ordered or none (model.weights)."
        ),
    ] = None,
    blocks: BlocksOption = None,
    freeze: FreezeOption = False,
    scenes: Annotated[
        str | None,
        typer.Option(help="A csv file with path and scene of each video (data.scenes)."),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(min=0.1, help="Without --model: how long it may take; default 15."),
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
            help="Train for a few steps and estimate what the whole training needs.",
        ),
    ] = False,
) -> None:
    """Train a model. If interrupted, the same command resumes.

    Ctrl-C finishes the step under way and saves a checkpoint; a second Ctrl-C stops at once.

    A finished run is continued with more epochs (--epochs ...).

    With several processes: torchrun --nproc-per-node 8 -m gta train ...
    """
    short = {"train.epochs": epochs, "train.batch_size": batch_size, "train.lr": lr}
    short |= {"train.seed": seed, "data.workers": workers}
    short |= {"data.scenes": str(Path(scenes).expanduser().absolute()) if scenes else None}
    given = with_short_forms(settings, short)
    pick = None
    if model is None and recipe is None and data == "folder" and root and "help" not in given:
        from gta.cli.choose import choose_model

        pick = choose_model(root, given, minutes=minutes or 15, device=device, dry=dry_run)
        model, freeze = pick.model, pick.freeze
        given = [*pick.settings, *given]
    elif minutes is not None:
        raise UsageError("--minutes is for choosing a model: leave out --model and --recipe")
    chosen = chosen_recipe(model, data, recipe, root, given, blocks=blocks, freeze=freeze)
    if weights is not None:
        start = chosen.model.model_copy(update={"weights": weights})
        chosen = chosen.model_copy(update={"model": start})
    if out is None:
        out = Path("runs") / (recipe.stem if recipe else f"{data}-{model}".replace("/", "-"))

    if dry_run:
        from gta.cli.dry_run import tell

        tell(chosen, out, device)
        return

    from gta.cli.console import Terminal
    from gta.cli.signals import stop
    from gta.training.run import train as train_recipe

    terminal, name = Terminal(out / "log.txt"), str(model or recipe)
    train_recipe(chosen, None, out, device=device, report=terminal, stop=stop, name=name)
    if pick is not None and pick.figures:
        write_text(out / "cross_validation.json", json.dumps(pick.figures, indent=1) + "\n")
    if not stop.silent:
        typed = shlex.quote(str(out))
        terminal.say(f"Next: gta test {typed}   or   gta predict {typed} VIDEO")
