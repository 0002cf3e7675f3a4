"""`gta convert`."""

import shlex
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Annotated

import typer

from gta.cli.options import (
    DataOption,
    ModelOption,
    RecipeOption,
    RootOption,
    SetOption,
    chosen_recipe,
)

if TYPE_CHECKING:
    from torch import Tensor

    from gta.backbones.weights import Weights
    from gta.config import DataSource, Recipe


def convert(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Weights of torchvision, timm, TSM, PySlowFast, pytorchvideo, MMAction2, or of a "
            "run; FILE#PART reads one of several parts.",
        ),
    ],
    model: ModelOption = None,
    data: DataOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Write a run here; if left out, only report.")
    ] = None,
    recipe: RecipeOption = None,
    settings: SetOption = None,
    root: RootOption = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="Names of the classes in order: one per line, or a JSON list; default: those of "
            "the data set."
        ),
    ] = None,
) -> None:
    """Load weights from elsewhere, report what was matched, and make a run of them.

    The format is recognized by the content of the file. Nothing in it is executed.
    """
    chosen = chosen_recipe(model, data, recipe, root, settings)

    from gta.backbones.weights import load_weights, read_weights
    from gta.data.storage.outside import check_outside
    from gta.errors import UsageError
    from gta.names import shown
    from gta.runs import Run, build_network

    if out is not None:
        check_outside("--out", out, chosen.data.root)
    weights = read_weights(file)
    classifier = classifier_of(weights, chosen)
    names = class_names(labels, chosen.data)
    where = f"--labels {labels}" if labels else f"the data set in {chosen.data.root}"
    if names is not None and classifier is not None and len(names) != len(classifier):
        raise UsageError(
            f"{where} names {len(names)} classes, but the classifier of {file} has "
            f"{len(classifier)}: give one name a line, in the order of the classifier"
        )
    numbers = [str(number) for number in range(1 if classifier is None else len(classifier))]
    network = build_network(chosen, len(names or numbers))
    report = load_weights(
        network,
        weights,
        keep_classifier=chosen.model.keep_classifier,
        resample=chosen.model.resample,
    )
    print(shown(str(report), keep="\n"))
    train = f"To train from it: gta train ... --weights {shlex.quote(str(file))}"
    if report.differences:
        different = f"another network than that of {file}: {'; '.join(report.differences)}"
        print(f"This is {shown(different)}.")
    if out is None:
        make = "Give --out RUN to make a run for gta test and gta predict."
        print(f"Nothing was written. {shown(train) if report.differences else make}")
        return
    if report.differences:
        raise UsageError(
            f"no run was made: its scores would not be those of {file}, since "
            f"{'; '.join(report.differences)}. Give its --model, or with --set its "
            f"model.blocks and model.placement. {train}"
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"--out {out} exists already; give a new folder for the run")
    model_used = chosen.model.model_copy(update={"weights": str(file.expanduser().absolute())})
    try:
        run = Run.create(out, chosen.model_copy(update={"model": model_used}), names or numbers)
        run.save_weights(network, "last", epoch=0, source=f"{file.name} ({weights.project})")
    except OSError:
        rmtree(out, ignore_errors=True)  # or the same command would be refused
        raise
    print(shown(next_command(out, named=names is not None, rooted=chosen.data.root is not None)))


def classifier_of(weights: "Weights", recipe: "Recipe") -> "Tensor | None":
    """The classifier's weights in a file, in the layout of the recipe's network."""
    from gta.backbones.classifiers import classifiers
    from gta.backbones.weight_places import in_place
    from gta.meta_device import on_meta_device
    from gta.runs import build_network

    with on_meta_device():
        network = build_network(recipe, 1)
    return in_place(weights, network).tensors.get(f"{classifiers(network)[0]}weight")


def class_names(labels: Path | None, data: "DataSource") -> list[str] | None:
    """The names of the classes, from the file or else from the data set.

    Raises:
        UsageError: The file cannot be read, or its names differ from those of the data set.
    """
    from gta.data.videos import list_videos
    from gta.errors import UsageError

    names = read_labels(labels) if labels is not None else None
    if data.root is None:
        return names
    own = list_videos(data, "val").classes
    if names is not None and names != own:
        place = next(
            (i for i, pair in enumerate(zip(names, own, strict=False)) if len(set(pair)) > 1),
            min(len(names), len(own)),
        )
        theirs, ours = [*names, "none"][place], [*own, "none"][place]
        raise UsageError(
            f"--labels {labels} names other classes than the data set in {data.root}, which gta "
            f"test would refuse: {len(names)} and {len(own)}, and class {place} is {theirs!r} and "
            f"{ours!r}"
        )
    return own


def next_command(out: Path, *, named: bool, rooted: bool) -> str:
    """The commands that can follow: without names of classes, a run cannot be tested."""
    run = shlex.quote(str(out))
    if not named:
        return (
            f"Next: gta predict {run} VIDEO. Its classes have numbers for names: for gta "
            f"test, convert again with their names, --labels FILE or --root DIR of the data set."
        )
    return f"Next: gta test {run}{'' if rooted else ' --root DIR'}   or   gta predict {run} VIDEO"


def read_labels(path: Path) -> list[str]:
    """Names of classes, one per line or as a JSON list."""
    from gta.errors import UsageError
    from gta.runs import read_names

    try:
        if path.suffix == ".json":
            names = read_names(path)
        else:
            names = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise UsageError(f"--labels {path} cannot be read: {error}") from error
    return [name for name in names if name.strip()]
