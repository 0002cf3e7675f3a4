"""Shell completion. Quick: nothing heavy is imported here."""

import re
from collections.abc import Iterator
from pathlib import Path

import typer

RECIPES = Path(__file__).parent.parent / "recipes"
"""Read as files: importing `gta.recipes` would take too long."""
PARTS = ("families", "schedules")
"""Folders there that hold the layers of recipes, not recipes."""


def data(incomplete: str) -> list[str]:
    """The data that recipes are for."""
    return _starting(incomplete, {data for data, _ in _recipes()})


def models(ctx: typer.Context, incomplete: str) -> list[str]:
    """Models with a recipe for the data that was typed before, or for any."""
    chosen = ctx.params.get("data")
    return _starting(incomplete, {model for data, model in _recipes() if chosen in (None, data)})


def recipes(incomplete: str) -> list[str]:
    """Recipes by data and model, and runs."""
    names = {f"{data}/{model}" for data, model in _recipes()}
    return [*_starting(incomplete, names), *runs(incomplete)]


def ensembles(incomplete: str) -> list[str]:
    """Data with an ensemble: the top-level keys of its file."""
    lines = (RECIPES / "ensembles.yaml").read_text(encoding="utf-8").splitlines()
    return _starting(incomplete, {line[:-1] for line in lines if re.fullmatch(r"\w+:", line)})


def settings(incomplete: str) -> list[str]:
    """Names of a recipe's settings, each with the "=" after it."""
    if "=" in incomplete:
        return []
    from gta.recipes import fields

    return _starting(incomplete, {f"{section}.{name}=" for section, name, _ in fields()})


def runs(incomplete: str) -> list[str]:
    """Folders of runs, up to two folders below the typed path."""
    place = Path(incomplete if incomplete.endswith("/") else incomplete.rpartition("/")[0])
    start = "" if place == Path() and not incomplete.startswith("./") else incomplete
    prefix = incomplete[: incomplete.rfind("/") + 1] if start else ""
    base = Path(prefix).expanduser()
    return _starting(incomplete, {f"{prefix}{run.relative_to(base)}" for run in _runs_in(base)})


def _recipes() -> list[tuple[str, str]]:
    names = ((path.parent.name, path.stem) for path in RECIPES.glob("*/*.yaml"))
    return [(data, model) for data, model in names if data not in PARTS]


def _runs_in(folder: Path, depth: int = 2) -> Iterator[Path]:
    try:
        entries = [entry for entry in folder.iterdir() if entry.is_dir()]
    except OSError:
        return
    for entry in entries:
        if (entry / "recipe.yaml").is_file():
            yield entry
        elif depth > 1 and not entry.name.startswith("."):
            yield from _runs_in(entry, depth - 1)


def _starting(incomplete: str, names: set[str]) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))
