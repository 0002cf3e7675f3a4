"""`gta recipes`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gta.cli import complete
from gta.cli.options import JsonOption, RootOption

if TYPE_CHECKING:
    from gta.config import Recipe


def recipes(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME [NAME]]",
            autocompletion=complete.recipes,
            help="A recipe, such as ssv2/r2d50_gta, a file or a run: all that it says; two: what "
            "they have different; a data set, such as ssv2: its recipes.",
        ),
    ] = None,
    ensemble: Annotated[
        str | None,
        typer.Option(
            "--ensemble",
            metavar="DATA",
            autocompletion=complete.ensembles,
            help="The commands of GTA_En (Tables 5 and 6) on ssv1 or ssv2.",
        ),
    ] = None,
    root: RootOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the recipes, print one in full, or compare two.

    `gta recipes ssv2/r2d50_gta > mine.yaml` is a file for `gta train --recipe`.
    """
    from gta.errors import UsageError
    from gta.recipes import shipped_recipes

    names = names or []
    if ensemble is not None:
        if names:
            raise UsageError(f"give either --ensemble or names of recipes, not both: {names[0]}")
        _print_ensemble(ensemble, root or "DIR", as_json)
        return
    if root is not None:
        raise UsageError("--root goes with --ensemble: it is put into the commands")
    if len(names) > 2:
        raise UsageError(f"two recipes can be compared, got {len(names)}: {', '.join(names)}")
    if len(names) == 2:
        _compare(names[0], names[1], as_json)
    elif names and names[0] not in shipped_recipes():
        _print_recipe(names[0], as_json)
    else:
        _list(names or list(shipped_recipes()), as_json)


def _list(datasets: list[str], as_json: bool) -> None:
    from gta.cli.console import Terminal, make_table, print_json
    from gta.recipes import read_header, read_recipe, shipped_rows
    from gta.recipes.shipped import shipped_gflops

    gflops, paths, told, terminal = shipped_gflops(), shipped_rows(), [], Terminal()
    for data in datasets:
        rows = []
        for path in (path for path in paths if path.parent.name == data):
            model = path.stem
            header, frames = read_header(path), read_recipe(path).clip.num_frames
            told.append(
                {
                    "name": f"{data}/{model}",
                    "title": header.title,
                    "reproduces": header.reproduces,
                    "num_frames": frames,
                    "gflops": gflops[data][model],
                }
            )
            value = f"{gflops[data][model]:.2f}"
            rows.append((f"{data}/{model}", header.network, header.expected, str(frames), value))
        if not as_json:
            columns = ("recipe", "network", "the paper reports", "frames", "GFLOPs")
            terminal.show(make_table(data, columns, rows, left=3))
    if as_json:
        print_json({"recipes": told})
        return
    terminal.say(
        "GFLOPs: multiply-adds / 1e9 of one view of the test protocol. gta recipes NAME prints a "
        "recipe in full, gta recipes NAME NAME what two have different."
    )


def _print_recipe(name: str, as_json: bool) -> None:
    from gta.cli.console import print_json
    from gta.names import shown
    from gta.recipes import read_header, write_recipe
    from gta.recipes.layers import read_layers

    path, recipe = _open(name)
    header, parts = read_header(path), [layer.name for layer in read_layers(path)[:-1]]
    if as_json:
        told = {"name": name, "title": header.title, "reproduces": header.reproduces}
        print_json(told | {"parts": parts, "recipe": recipe.model_dump(mode="json")})
        return
    made = f"Made of {', '.join(parts)}." if parts else ""
    if said := [line for line in (header.title, header.reproduces, made) if line]:
        print("\n#\n".join(f"# {shown(line)}" for line in said), end="\n\n")
    print(write_recipe(recipe), end="")


def _compare(a: str, b: str, as_json: bool) -> None:
    from gta.cli.console import Terminal, make_table, print_json
    from gta.recipes.differences import ABSENT, differences
    from gta.recipes.yaml_text import in_one_line

    found = differences(_open(a)[1], _open(b)[1])
    if as_json:
        told = [
            {"setting": name}
            | {key: v for key, v in (("a", ours), ("b", theirs)) if v is not ABSENT}
            for name, ours, theirs in found
        ]
        print_json({"members": [a, b], "differences": told})
        return
    terminal = Terminal()
    if not found:
        terminal.say(f"{a} and {b} say the same")
        return
    rows = [
        (name, *("-" if v is ABSENT else in_one_line(v) for v in values)) for name, *values in found
    ]
    terminal.show(make_table("", ("setting", a, b), rows, left=3))


def _print_ensemble(data: str, root: str, as_json: bool) -> None:
    from gta.cli.console import Terminal, print_json
    from gta.recipes.ensembles import ensemble_steps, find_ensemble

    steps = ensemble_steps(data, root)
    if as_json:
        told = {"data": data, **find_ensemble(data).model_dump(mode="json")}
        print_json(
            told | {"steps": [{"step": s.what, "commands": list(s.commands)} for s in steps]}
        )
        return
    terminal = Terminal()
    terminal.say("# GTA_En: the mean of the scores of an 8- and a 16-frame network")
    for step in steps:
        terminal.say("\n".join(["", f"# {step.what}", *step.commands]))


def _open(name: str) -> tuple[Path, "Recipe"]:
    """The file of a recipe that is given by its name, as a file or as a run, and what it says."""
    from gta.errors import UsageError
    from gta.recipes import find_recipe, read_recipe, shipped_recipes

    data, _, model = name.partition("/")
    there = Path(name).expanduser()
    if model in shipped_recipes().get(data, ()) or not (there.exists() or there.suffix):
        if not model:
            raise UsageError(
                f"{name!r} is no recipe, file or run: a recipe is named DATA/MODEL, such as "
                f"ssv2/r2d50_gta; gta recipes lists them"
            )
        path = find_recipe(data, model)
    elif there.is_dir() and (there / "recipe.yaml").is_file():
        path = there / "recipe.yaml"
    elif there.is_dir():
        raise UsageError(f"{name} is not the folder of a run: no recipe.yaml in it")
    else:
        path = there
    return path, read_recipe(path)
