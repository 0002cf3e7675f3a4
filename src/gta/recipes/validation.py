"""From plain data to a typed recipe. Errors say the file, the name, and what is allowed."""

import types
import typing
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from gta.config import Recipe
from gta.errors import UsageError
from gta.recipes.layers import Layer
from gta.recipes.names import meant
from gta.recipes.shipped import PARTS


def checked(content: dict[str, Any], source: str, layers: Sequence[Layer] = ()) -> Recipe:
    """A typed recipe.

    Args:
        content: Complete, as plain data.
        source: Its origin, for errors.
        layers: The layers of the content, the source's own at the end.

    Raises:
        UsageError: A name is unknown or missing, or a value impossible.
    """
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        problems = [f"  {_explain(problem, layers)}" for problem in error.errors()]
        if any(p["type"] == "missing" and len(p["loc"]) == 1 for p in error.errors()):
            problems.append(
                "  A file is complete, or names a family and a schedule for the rest, "
                "such as family: r2d50 and schedule: ssv2."
            )
        raise UsageError(
            "\n".join([f"{source}: not a recipe that can be run", *problems])
        ) from None


def fields() -> Iterator[tuple[str, str, str]]:
    """Section, name and meaning of all settings of a recipe, except those within blocks."""
    for section, part in Recipe.model_fields.items():
        seen = set[str]()
        for model in _models_in(part.annotation):
            for name, field in model.model_fields.items():
                if name not in seen:
                    seen.add(name)
                    yield section, name, " ".join((field.description or "").split())


def _explain(problem: Any, layers: Sequence[Layer]) -> str:
    loc = [str(part) for part in problem["loc"]]
    models = list(_models_in(Recipe.model_fields["model"].annotation))
    blocks = _models_in(models[0].model_fields["blocks"].annotation)
    tags = {_tag(model) for model in (*models, *blocks)}
    names = [part for part in loc if part not in tags]
    where = ".".join(names)
    place = next((layer for layer in reversed(layers) if names and layer.says(names)), None)
    file = f" ({place.name})" if place is not None and place is not layers[-1] else ""
    if problem["type"] == "extra_forbidden":
        allowed = _allowed(loc[:-1])
        every = [f"{name}.{field}" for name, field, _ in fields() if f"{name}.{field}" != where]
        near = meant(where, allowed, every)
        return f"{where}: no such name{file}.{near} Names: {', '.join(allowed)}."
    if problem["type"] == "missing":
        return f"{where}: is missing"
    if problem["type"] == "union_tag_not_found":
        return f"{where}: {problem['ctx']['discriminator']} is missing"
    message = problem["msg"].removeprefix("Value error, ")
    if not where:
        return message
    return f"{where}: {message[0].lower()}{message[1:]}, got {problem['input']!r}{file}"


def _allowed(loc: Sequence[str]) -> list[str]:
    """Field names of the part of a recipe at `loc`; a block or backbone is named by its tag."""
    if not loc:
        return [*Recipe.model_fields, *PARTS]
    models: list[type[BaseModel]] = [Recipe]
    for part in loc:
        inside = [m.model_fields[part].annotation for m in models if part in m.model_fields]
        parts = [model for annotation in inside for model in _models_in(annotation)]
        tagged = [m for m in models if _tag(m) == part]
        models = parts or tagged or models
    return list(models[0].model_fields)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif typing.get_origin(annotation) is not None or isinstance(annotation, types.UnionType):
        for argument in typing.get_args(annotation):
            yield from _models_in(argument)


def _tag(model: type[BaseModel]) -> str | None:
    field = model.model_fields.get("block") or model.model_fields.get("backbone")
    return typing.get_args(field.annotation)[0] if field else None
