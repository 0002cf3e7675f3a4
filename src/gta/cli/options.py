"""Options that several verbs have, with their help."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gta.cli import complete
from gta.errors import UsageError

if TYPE_CHECKING:
    from gta.config import Recipe

ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        autocompletion=complete.models,
        help="A named model, such as r2d50_gta; --model help lists them.",
    ),
]
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        autocompletion=complete.data,
        help="The data set of the recipe: ssv1, ssv2, k400, folder, ordered.",
    ),
]
RecipeOption = Annotated[
    Path | None,
    typer.Option("--recipe", help="A recipe file of your own, instead of --model and --data."),
]
RootOption = Annotated[
    str | None,
    typer.Option(
        "--root", help="The folder of the data set, or the folder or URL of a prepared copy."
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        autocompletion=complete.settings,
        help="Override a recipe's value, such as train.lr=0.01; --set help lists them.",
    ),
]
BlocksOption = Annotated[
    str | None,
    typer.Option(
        "--blocks",
        metavar="NAMES",
        help="Blocks, such as sa,gta; in a network of timm, after its stages.",
    ),
]
FreezeOption = Annotated[
    bool,
    typer.Option(
        "--freeze",
        help="Freeze the trunk: its features are computed once, then the head trains in seconds.",
    ),
]
DeviceOption = Annotated[
    str, typer.Option("--device", help="auto (a GPU if there is one), cpu, cuda, cuda:1 ...")
]
BestOption = Annotated[
    bool, typer.Option("--best", help="The weights of the best epoch instead of the last.")
]
ProtocolOption = Annotated[
    str | None,
    typer.Option("--protocol", help="Other views than the recipe's, such as 3x2-full256."),
]
FramesOption = Annotated[
    int | None,
    typer.Option(
        "--frames",
        min=1,
        help="Frames of a clip, if other than in training: the temporal matrices are resampled.",
    ),
]
PrecisionOption = Annotated[
    Literal["auto", "fp32", "bf16"],
    typer.Option("--precision", help="Of the network; auto: bf16 on a GPU if the recipe says so."),
]
PartProtocolOption = Annotated[
    str | None,
    typer.Option("--protocol", help="Of a run's folder, use the scores of this protocol."),
]
PartSplitOption = Annotated[
    Literal["val", "test"],
    typer.Option("--split", help="Of a run's folder, use the scores of these videos."),
]
PartBestOption = Annotated[
    bool,
    typer.Option("--best", help="Of a run's folder, use the scores of the best epoch's weights."),
]
PartFramesOption = Annotated[
    int | None,
    typer.Option("--frames", min=1, help="Of a run's folder, use the scores of --frames."),
]
SubmissionOption = Annotated[
    Path | None,
    typer.Option("--submission", help="Write Something-Something's test-set file (csv) here."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
RunArgument = Annotated[
    Path,
    typer.Argument(
        metavar="RUN",
        autocompletion=complete.runs,
        help="A run's folder; or `ordered`, the model in the package.",
    ),
]


def with_short_forms(settings: list[str] | None, given: dict[str, object]) -> list[str]:
    """Settings, with those of the short options added under their full names.

    Raises:
        UsageError: A setting was given in both ways.
    """
    merged = [*(settings or ())]
    for name, value in given.items():
        option = f"--{name.rpartition('.')[2].replace('_', '-')} {value}"
        same = [setting for setting in merged if setting.partition("=")[0].strip() == name]
        if value is not None and same:
            raise UsageError(f"{option} and --set {same[0]} are the same setting: give one of them")
        if value is not None:
            merged.append(f"{name}={value}")
    return merged


def chosen_recipe(
    model: str | None,
    data: str | None,
    recipe: Path | None,
    root: str | None,
    settings: list[str] | None,
    *,
    blocks: str | None = None,
    freeze: bool = False,
):
    """The recipe that the options name, with its overrides; `help` prints a list and exits."""
    from gta.recipes import find_recipe, read_recipe, shipped_recipes

    if "help" in (model, data, *(settings or ())):
        _list(model, data, recipe)
        raise typer.Exit
    if recipe is not None and (model or data):
        raise UsageError("give either --recipe or --model with --data, not both")
    if recipe is None:
        if model is None or data is None:
            raise UsageError(
                f"which recipe? Give --model and --data, such as --model r2d50_gta --data ssv2 "
                f"(data: {', '.join(shipped_recipes())}; --model help lists the models), or "
                f"--recipe FILE"
            )
        if "/" in model:
            from gta.cli.any_network import network_recipe

            chosen = network_recipe(model, data, blocks, settings or (), freeze=freeze)
            return _at(chosen, root)
        recipe = find_recipe(data, model)
    if blocks or freeze:
        from gta.cli.any_network import changed_recipe

        chosen = changed_recipe(read_recipe(recipe), blocks, settings or (), freeze=freeze)
    else:
        chosen = read_recipe(recipe, settings or ())
    return _at(chosen, root)


def _at(chosen: "Recipe", root: str | None) -> "Recipe":
    """The recipe for the videos of a folder."""
    from gta.data.storage.locations import absolute

    if root is not None:
        source = chosen.data.model_copy(update={"root": absolute(root)})
        chosen = chosen.model_copy(update={"data": source})
    return chosen


def _list(model: str | None, data: str | None, recipe: Path | None) -> None:
    from gta.cli.listing import print_data, print_models, print_settings
    from gta.recipes import find_recipe, read_recipe

    if model == "help":
        print_models(data)
    elif data == "help":
        print_data()
    else:
        file = recipe or (find_recipe(data, model) if model and data else None)
        print_settings(read_recipe(file) if file else None)
