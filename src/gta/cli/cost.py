"""`gta cost`."""

from pathlib import Path
from typing import Annotated

import typer

from gta.cli.options import (
    DataOption,
    JsonOption,
    ModelOption,
    RecipeOption,
    SetOption,
    chosen_recipe,
)


def cost(
    run: Annotated[
        Path | None, typer.Argument(metavar="RUN", help="A run; or name a recipe instead.")
    ] = None,
    model: ModelOption = None,
    data: DataOption = None,
    recipe: RecipeOption = None,
    settings: SetOption = None,
    classes: Annotated[int, typer.Option(help="Classes of a recipe's model.")] = 174,
    as_json: JsonOption = False,
) -> None:
    """Multiply-adds and parameters of a model, for one view of its test protocol."""
    import json

    from gta.cost import count_cost
    from gta.errors import UsageError
    from gta.evaluation.protocols import parse_protocol
    from gta.runs import Run, build_network

    if run is not None:
        if model or data or recipe or settings:
            raise UsageError("give either a run or a recipe, not both")
        opened = Run.open(run)
        found, classes = opened.recipe, len(opened.classes)
    else:
        found = chosen_recipe(model, data, recipe, None, settings)
    protocol = parse_protocol(found.test.protocol)
    shape = (3, found.clip.num_frames, protocol.size, protocol.size)
    counted = count_cost(lambda: build_network(found, classes), shape)
    if as_json:
        about = {"gflops": counted.gflops, "params_m": counted.params_m, "clip": shape}
        print(json.dumps(about | {"classes": classes, "protocol": protocol.name}))
        return
    print(
        f"{counted.gflops:.2f} GFLOPs (multiply-adds / 1e9) and {counted.params_m:.2f} M "
        f"parameters for one clip of {shape[1]} frames of {shape[2]}x{shape[3]}, {classes} "
        f"classes.\nA video takes {protocol.num_views} view(s) in protocol {protocol.name}: "
        f"{counted.gflops * protocol.num_views:.2f} GFLOPs."
    )
