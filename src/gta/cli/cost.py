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
        Path | None, typer.Argument(metavar="RUN", help="A run; or give a recipe instead.")
    ] = None,
    model: ModelOption = None,
    data: DataOption = None,
    recipe: RecipeOption = None,
    settings: SetOption = None,
    clip: Annotated[
        str | None,
        typer.Option(
            metavar="TxHxW", help="Frames, height and width; default: those of the protocol."
        ),
    ] = None,
    classes: Annotated[int, typer.Option(min=1, help="Classes of a recipe's model.")] = 174,
    paper: Annotated[
        bool, typer.Option("--paper", help="The cost figures of Tables 1, 2b and 4 beside ours.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Multiply-adds, parameters and activation memory of a model, for one clip."""
    from gta.errors import UsageError

    named = any((model, data, recipe, settings))
    if (run is not None) + named + paper > 1:
        raise UsageError("give one of: a run, a recipe, --paper")
    if paper:
        _print_paper(as_json)
        return

    from gta.cli.console import print_json
    from gta.cost import count_cost
    from gta.protocols import parse_protocol
    from gta.runs import Run, build_network

    if run is not None:
        opened = Run.open(run)
        chosen, classes = opened.recipe, len(opened.classes)
    else:
        chosen = chosen_recipe(model, data, recipe, None, settings)
    protocol = parse_protocol(chosen.test.protocol)
    shape = (3, chosen.clip.num_frames, protocol.size, protocol.size)
    if clip is not None:
        shape = (3, *parse_clip(clip))
        frames = chosen.clip.model_copy(update={"num_frames": shape[1]})
        chosen = chosen.model_copy(update={"clip": frames})
    counted = count_cost(lambda: build_network(chosen, classes), shape)
    if as_json:
        about = {"clip": shape, "classes": classes, "protocol": protocol.name}
        print_json(vars(counted) | about)
        return
    print(
        f"One clip of {shape[1]} frames of {shape[2]}x{shape[3]} (height x width), {classes} "
        f"classes:\n"
        f"  {counted.gflops:.2f} GFLOPs (multiply-adds / 1e9)\n"
        f"  {counted.params_m:.2f} M parameters\n"
        f"  {counted.activations_mib:.0f} MiB of activations kept for a training step (float32)"
    )
    if counted.step_gflops is not None:
        times = counted.gflops / counted.step_gflops
        print(
            f"One more frame of a stream: {counted.step_gflops:.3f} GFLOPs, 1/{times:.1f} of the "
            f"clip."
        )
    if clip is None:
        print(
            f"A video takes {protocol.num_views} view(s) in protocol {protocol.name}: "
            f"{counted.gflops * protocol.num_views:.2f} GFLOPs."
        )


def parse_clip(text: str) -> tuple[int, int, int]:
    """(T, H, W) of "8x224x224"."""
    from gta.errors import UsageError

    parts = text.lower().split("x")
    if len(parts) != 3 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise UsageError(
            f"--clip {text}: expected frames x height x width, such as --clip 8x224x224"
        )
    T, H, W = map(int, parts)
    return T, H, W


def _print_paper(as_json: bool) -> None:
    from gta.cli.console import Terminal, print_json
    from gta.cli.tables import paper_table
    from gta.paper import paper_costs

    rows = paper_costs()
    if as_json:
        rows_json = [
            {
                "table": row.table,
                "row": row.row,
                "model": row.model,
                "clip": row.clip,
                "classes": row.num_classes,
                "gflops": cost.gflops,
                "paper_gflops": row.gflops,
                "params_m": cost.params_m,
                "paper_params_m": row.params_m,
                "activations_mib": cost.activations_mib,
                "note": row.note,
            }
            for row, cost in rows
        ]
        print_json({"rows": rows_json})
        return
    terminal = Terminal()
    terminal.show(paper_table(rows))
    notes = list(dict.fromkeys(row.note for row, _ in rows if row.note))
    for number, note in enumerate(notes, 1):
        terminal.say(f"[{number}] {note}")
