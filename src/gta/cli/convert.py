"""`gta convert`."""

from pathlib import Path
from typing import Annotated

import typer

from gta.cli.options import (
    DataOption,
    ModelOption,
    RecipeOption,
    SetOption,
    chosen_recipe,
)


def convert(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Weights of torchvision, timm, TSM, PySlowFast or pytorchvideo, or of a run.",
        ),
    ],
    model: ModelOption = None,
    data: DataOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Write a run here; only report if left out.")
    ] = None,
    recipe: RecipeOption = None,
    settings: SetOption = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="Names of the classes in order: one a line, or a JSON list; else their numbers."
        ),
    ] = None,
) -> None:
    """Load weights from elsewhere, say what was matched, and make a run of them.

    What the file holds is recognised by its content. Nothing in it is executed.
    """
    found = chosen_recipe(model, data, recipe, None, settings)

    from gta.backbones.weights import load_weights, read_weights
    from gta.data.outside import check_outside
    from gta.errors import UsageError
    from gta.runs import Run, build_network

    if out is not None:
        check_outside("--out", out, found.data.root)
    weights = read_weights(file)
    classifier = weights.tensors.get("fc.weight")
    names = read_labels(labels) if labels is not None else None
    if names is None:
        if classifier is None:
            raise UsageError(f"{file} has no classifier: give the names of classes with --labels")
        names = [str(number) for number in range(len(classifier))]
    elif classifier is not None and len(names) != len(classifier):
        raise UsageError(
            f"{labels} names {len(names)} classes, but the classifier of {file} has "
            f"{len(classifier)}: give one name a line, in the order of the classifier"
        )
    network = build_network(found, len(names))
    report = load_weights(
        network,
        weights,
        keep_classifier=found.model.keep_classifier,
        resample=found.model.resample,
    )
    print(report)
    if out is None:
        print("Nothing was written. Give --out RUN to make a run for gta test and gta predict.")
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"--out {out} exists already; give a new folder for the run")
    model_used = found.model.model_copy(update={"weights": str(file.expanduser().absolute())})
    run = Run.create(out, found.model_copy(update={"model": model_used}), names)
    run.save_weights(network, "last", epoch=0, source=f"{file.name} ({weights.project})")
    print(f"Next: gta test {out} --root DIR   or   gta predict {out} VIDEO")


def read_labels(path: Path) -> list[str]:
    """Names of classes, one a line or a JSON list."""
    import json

    from gta.errors import UsageError

    try:
        text = path.read_text(encoding="utf-8")
        names = json.loads(text) if path.suffix == ".json" else text.splitlines()
    except (OSError, ValueError) as error:
        raise UsageError(f"--labels {path} cannot be read: {error}") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UsageError(f"--labels {path} is not a list of names")
    return [name for name in names if name.strip()]
