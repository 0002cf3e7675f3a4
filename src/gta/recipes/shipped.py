"""The recipes of this package by name: a folder of rows for each data set."""

import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from gta.errors import UsageError, nearest
from gta.recipes.yaml_text import parse_yaml

SHIPPED = Path(str(files("gta.recipes")))
PARTS = {"family": "families", "schedule": "schedules"}
"""The parts that a row can name, and their folders."""


def shipped_rows() -> list[Path]:
    """The files of all recipes, without families and schedules."""
    return sorted(
        path for path in SHIPPED.glob("*/*.yaml") if path.parent.name not in PARTS.values()
    )


def shipped_recipes() -> dict[str, list[str]]:
    """Names of models with a recipe, by data."""
    models: dict[str, list[str]] = {}
    for path in shipped_rows():
        models.setdefault(path.parent.name, []).append(path.stem)
    return models


def find_recipe(data: str, model: str) -> Path:
    """The file of a recipe by its names, such as ("ssv2", "r2d50_gta").

    Raises:
        UsageError: There is none; names those that there are.
    """
    models = shipped_recipes()
    if data not in models:
        raise UsageError(
            f"there is no recipe for data {data!r}.{nearest(data, list(models))} "
            f"Data: {', '.join(models)}."
        )
    if model not in models[data]:
        raise UsageError(
            f"there is no recipe for model {model!r} on {data}.{nearest(model, models[data])} "
            f"Models on {data}: {', '.join(models[data])}."
        )
    return SHIPPED / data / f"{model}.yaml"


def recipe_file(name: str | Path) -> Path:
    """The file of a recipe, given as "ssv2/r2d50_gta", as a file or as a run's folder.

    A file need not exist: reading it raises the error.

    Raises:
        UsageError: There is no such recipe, or a folder is no run.
    """
    data, _, model = str(name).partition("/")
    path = Path(name).expanduser()
    if model in shipped_recipes().get(data, ()):
        return find_recipe(data, model)
    if path.is_dir():
        if not (path / "recipe.yaml").is_file():
            raise UsageError(f"{name} is not the folder of a run: no recipe.yaml in it")
        return path / "recipe.yaml"
    if path.exists() or path.suffix:
        return path
    if not model:
        raise UsageError(
            f"{str(name)!r} is no recipe: give data and model of a recipe of this package, such as "
            f"ssv2/r2d50_gta (data: {', '.join(shipped_recipes())}), a recipe file or a run"
        )
    return find_recipe(data, model)


def find_part(kind: str, name: str) -> Path:
    """The file of a family or schedule.

    Args:
        kind: A key of `PARTS`.
        name: Such as "r2d50".

    Raises:
        UsageError: There is none; names those that there are.
    """
    there = sorted(path.stem for path in (SHIPPED / PARTS[kind]).glob("*.yaml"))
    if name not in there:
        raise UsageError(
            f"there is no {kind} {name!r}.{nearest(name, there)} The package has "
            f"{', '.join(there)}; your own is named by its file, such as my_{kind}.yaml"
        )
    return SHIPPED / PARTS[kind] / f"{name}.yaml"


def shipped_gflops() -> dict[str, dict[str, float]]:
    """By data and model: GFLOPs of one view of the test protocol, as docs/models.md has them."""
    return parse_yaml((SHIPPED / "gflops.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Header:
    """The comment on top of a recipe."""

    title: str
    """Its first line: the network, the frames, the data."""
    reproduces: str
    """The rest: what it reproduces, and the expected result."""

    @property
    def network(self) -> str:
        """The title without frames, data and remarks."""
        return re.split(r"\.$|: |, (?:\d+ frames|SSv\d|Kinetics)", self.title)[0]

    @property
    def expected(self) -> str:
        """The expected result, such as `63.5 % top-1 (Table 1)`, or `nothing of the paper`."""
        said = re.split(r"; (?![^(]*\))|\.(?: |$)|: ", self.reproduces)[0]
        return re.sub(r"^The paper reports (this as )?|^Reproduces ", "", said)


def read_header(path: Path) -> Header:
    """The comment above a recipe; empty in a file without it."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("#").strip())
    return Header(lines[0] if lines else "", " ".join(" ".join(lines[1:]).split()))
