"""The recipes of this package, and the reading of recipes: from YAML and `--set` to typed data."""

from collections.abc import Sequence
from pathlib import Path

from gta.config import Recipe
from gta.recipes.layers import merge, read_layers
from gta.recipes.settings import apply_setting
from gta.recipes.shipped import (
    find_recipe,
    read_header,
    recipe_file,
    shipped_recipes,
    shipped_rows,
)
from gta.recipes.validation import checked, fields
from gta.recipes.yaml_text import write_yaml

__all__ = [
    "fields",
    "find_recipe",
    "read_header",
    "read_recipe",
    "recipe_file",
    "shipped_recipes",
    "shipped_rows",
    "with_settings",
    "write_recipe",
]


def read_recipe(path: str | Path, settings: Sequence[str] = ()) -> Recipe:
    """Reads a recipe, with its family and schedule, and applies settings such as "train.lr=0.01".

    Raises:
        UsageError: No such file, no YAML, an unknown name or an impossible value.
    """
    layers = read_layers(path)
    return with_settings(checked(merge(layers), str(layers[-1].path), layers), settings)


def with_settings(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """A recipe with some of its values changed, such as by "train.lr=0.01".

    Raises:
        UsageError: An unknown name or an impossible value.
    """
    if not settings:
        return recipe
    content = recipe.model_dump(mode="json")
    for setting in settings:
        apply_setting(content, setting)
    return checked(content, ", ".join(settings))


def write_recipe(recipe: Recipe) -> str:
    """A recipe as YAML text that `read_recipe` reads."""
    return write_yaml(recipe.model_dump(mode="json"))
