"""The recipes of this package, and reading any recipe: from YAML and `--set` to typed data."""

import re
import types
import typing
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from gta.config import Recipe
from gta.errors import UsageError, nearest
from gta.recipes.names import full_names, meant

SHIPPED = Path(str(files(__name__)))


class _Loader(yaml.SafeLoader):
    """Data only, and scalars as YAML 1.2 has them: `off` is text, 1e-3 is a number."""


_Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", list("-+.")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), first)


def shipped_recipes() -> dict[str, list[str]]:
    """Names of models for which there is a recipe, by data."""
    found: dict[str, list[str]] = {}
    for path in sorted(SHIPPED.rglob("*.yaml")):
        found.setdefault(path.parent.name, []).append(path.stem)
    return found


def find_recipe(data: str, model: str) -> Path:
    """The file of a recipe by its names, such as ("ssv2", "r2d50_gta").

    Raises:
        UsageError: There is none; names those that there are.
    """
    found = shipped_recipes()
    if data not in found:
        raise UsageError(
            f"there is no recipe for data {data!r}.{nearest(data, list(found))} "
            f"Data: {', '.join(found)}."
        )
    if model not in found[data]:
        raise UsageError(
            f"there is no recipe for model {model!r} on {data}.{nearest(model, found[data])} "
            f"Models on {data}: {', '.join(found[data])}."
        )
    return SHIPPED / data / f"{model}.yaml"


def read_recipe(path: str | Path, settings: Sequence[str] = ()) -> Recipe:
    """Reads a recipe and applies settings such as "train.lr=0.01".

    Raises:
        UsageError: No such file, no YAML, an unknown name or an impossible value.
    """
    path = Path(path).expanduser()
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such recipe file") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path} cannot be read as a recipe: {_one_line(error)}") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path} is not a recipe: its sections are {_names(Recipe)}")
    recipe = _checked(content, str(path))
    if not settings:
        return recipe
    content = recipe.model_dump(mode="json")
    for setting in settings:
        _apply(content, setting)
    return _checked(content, ", ".join(settings))


def write_recipe(recipe: Recipe) -> str:
    """A recipe as YAML text that `read_recipe` reads."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)


def _apply(content: dict[str, Any], setting: str) -> None:
    """Puts "a.b.0.c=value" into nested data; the place must be there."""
    name, separator, text = setting.partition("=")
    if not separator:
        raise UsageError(f"--set {setting}: expected name=value, such as --set train.lr=0.01")
    *parents, last = name.strip().split(".")
    place: Any = content
    for depth, part in enumerate(parents):
        place = place[_key(content, place, part, parents[:depth], setting)]
    key = _key(content, place, last, parents, setting)
    try:
        value = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise UsageError(f"--set {setting}: {text!r} is not YAML: {_one_line(error)}") from error
    place[key] = value


def _key(content: Any, place: Any, part: str, parents: Sequence[str], setting: str) -> Any:
    """The key of a mapping or index of a list that `part` names."""
    keys: dict[str, Any] = {}
    if isinstance(place, dict):
        keys = {str(key): key for key in place}
    elif isinstance(place, list):
        keys = {str(i): i for i in range(len(place))}
    # stages of the network: the one mapping whose names are not fields
    if part in keys or parents == ["model", "placement"]:
        return keys.get(part, part)
    where = f" in {'.'.join(parents)}" if parents else ""
    name = setting.partition("=")[0].strip()
    near = meant(name, list(keys), full_names(content))
    raise UsageError(
        f"--set {setting}: there is no {part!r}{where}.{near} Names: {', '.join(keys) or 'none'}."
        + ("" if parents else " --set help lists what is in them.")
    )


def _checked(content: dict[str, Any], source: str) -> Recipe:
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        problems = [f"  {_explain(problem)}" for problem in error.errors()]
        raise UsageError(
            "\n".join([f"{source}: not a recipe that can be run", *problems])
        ) from None


def _explain(problem: Any) -> str:
    loc = [str(part) for part in problem["loc"]]
    models = list(_models_in(Recipe.model_fields["model"].annotation))
    blocks = _models_in(models[0].model_fields["blocks"].annotation)
    tags = {_tag(model) for model in (*models, *blocks)}
    where = ".".join(part for part in loc if part not in tags)
    if problem["type"] == "extra_forbidden":
        allowed = _allowed(loc[:-1])
        every = [f"{name}.{field}" for name, field, _ in fields() if f"{name}.{field}" != where]
        return f"{where}: no such name.{meant(where, allowed, every)} Names: {', '.join(allowed)}."
    if problem["type"] == "missing":
        return f"{where}: is missing"
    if problem["type"] == "union_tag_not_found":
        return f"{where}: {problem['ctx']['discriminator']} is missing"
    message = problem["msg"].removeprefix("Value error, ")
    if not where:
        return message
    return f"{where}: {message[0].lower()}{message[1:]}, got {problem['input']!r}"


def _allowed(loc: Sequence[str]) -> list[str]:
    """Field names of the part of a recipe at `loc`, in which a block or backbone is its tag."""
    models: list[type[BaseModel]] = [Recipe]
    for part in loc:
        inside = [m.model_fields[part].annotation for m in models if part in m.model_fields]
        found = [model for annotation in inside for model in _models_in(annotation)]
        tagged = [m for m in models if _tag(m) == part]
        models = found or tagged or models
    return _names(models[0]).split(", ")


def fields() -> Iterator[tuple[str, str, str]]:
    """Section, name and meaning of all that a recipe can say, but for what is inside of blocks."""
    for section, part in Recipe.model_fields.items():
        seen = set[str]()
        for model in _models_in(part.annotation):
            for name, field in model.model_fields.items():
                if name not in seen:
                    seen.add(name)
                    yield section, name, " ".join((field.description or "").split())


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif typing.get_origin(annotation) is not None or isinstance(annotation, types.UnionType):
        for argument in typing.get_args(annotation):
            yield from _models_in(argument)


def _tag(model: type[BaseModel]) -> str | None:
    field = model.model_fields.get("block") or model.model_fields.get("backbone")
    return typing.get_args(field.annotation)[0] if field else None


def _names(model: type[BaseModel]) -> str:
    return ", ".join(model.model_fields)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
