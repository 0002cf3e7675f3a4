"""`gta recipes`."""

from typing import Annotated

import typer

from gta.cli import complete
from gta.cli.options import JsonOption, RootOption


def recipes(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME [NAME]]",
            autocompletion=complete.recipes,
            help="A recipe, such as ssv2/r2d50_gta, a file or a run: print it in full; two: print "
            "their differences; a data set, such as ssv2: list its recipes.",
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
    """List the recipes, print a recipe in full, or compare two.

    `gta recipes ssv2/r2d50_gta > mine.yaml` writes a file for `gta train --recipe`.
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
        raise UsageError("--root is for the commands of --ensemble: add --ensemble")
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

    gflops, paths, entries, terminal = shipped_gflops(), shipped_rows(), [], Terminal()
    for data in datasets:
        rows = []
        for path in (path for path in paths if path.parent.name == data):
            model = path.stem
            header, frames = read_header(path), read_recipe(path).clip.num_frames
            entries.append(
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
        print_json({"recipes": entries})
        return
    terminal.say(
        "GFLOPs: multiply-adds / 1e9 of one view of the test protocol. gta recipes NAME prints a "
        "recipe in full, gta recipes NAME NAME the differences of two."
    )


def _print_recipe(name: str, as_json: bool) -> None:
    from gta.cli.console import print_json
    from gta.names import shown
    from gta.recipes import read_header, read_recipe, recipe_file, write_recipe
    from gta.recipes.layers import read_layers

    path = recipe_file(name)
    recipe = read_recipe(path)
    header, parts = read_header(path), [layer.name for layer in read_layers(path)[:-1]]
    if as_json:
        about = {"name": name, "title": header.title, "reproduces": header.reproduces}
        print_json(about | {"parts": parts, "recipe": recipe.model_dump(mode="json")})
        return
    made = f"Made of {', '.join(parts)}." if parts else ""
    if comments := [line for line in (header.title, header.reproduces, made) if line]:
        print("\n#\n".join(f"# {shown(line)}" for line in comments), end="\n\n")
    print(write_recipe(recipe), end="")


def _compare(a: str, b: str, as_json: bool) -> None:
    from gta.cli.console import Terminal, make_table, print_json
    from gta.recipes import read_recipe, recipe_file
    from gta.recipes.differences import ABSENT, differences
    from gta.recipes.yaml_text import in_one_line

    changed = differences(*(read_recipe(recipe_file(name)) for name in (a, b)))
    if as_json:
        entries = [
            {"setting": name}
            | {key: v for key, v in (("a", ours), ("b", theirs)) if v is not ABSENT}
            for name, ours, theirs in changed
        ]
        print_json({"members": [a, b], "differences": entries})
        return
    terminal = Terminal()
    if not changed:
        terminal.say(f"{a} and {b} say the same")
        return
    rows = [
        (name, *("-" if v is ABSENT else in_one_line(v) for v in values))
        for name, *values in changed
    ]
    terminal.show(make_table("", ("setting", a, b), rows, left=3))


def _print_ensemble(data: str, root: str, as_json: bool) -> None:
    from gta.cli.console import Terminal, print_json
    from gta.recipes.ensembles import ensemble_steps, find_ensemble

    steps = ensemble_steps(data, root)
    if as_json:
        about = {"data": data, **find_ensemble(data).model_dump(mode="json")}
        print_json(
            about | {"steps": [{"step": s.what, "commands": list(s.commands)} for s in steps]}
        )
        return
    terminal = Terminal()
    terminal.say("# GTA_En: the mean of the scores of an 8- and a 16-frame network")
    for step in steps:
        terminal.say("\n".join(["", f"# {step.what}", *step.commands]))
