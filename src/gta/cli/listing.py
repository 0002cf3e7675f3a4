"""What `--model help`, `--data help` and `--set help` print."""

import yaml

from gta.config import Recipe
from gta.recipes import fields, find_recipe, shipped_recipes


def print_models(data: str | None) -> None:
    """Models by data, each with the first line of its recipe.

    Raises:
        UsageError: There is no such data.
    """
    if data not in (None, "help", *shipped_recipes()):
        find_recipe(data, "")  # says which there are
    for name, models in shipped_recipes().items():
        if data in (None, "help", name):
            print(f"--data {name}")
            for model in models:
                with find_recipe(name, model).open(encoding="utf-8") as file:
                    title = file.readline().removeprefix("#").strip()
                print(f"  --model {model:<26} {title}")
    print(
        "With --set help beside its names, a recipe is told in full. UCF101, HMDB51 and lists: "
        "--data folder --set data.format=ucf101 (hmdb51, list)."
    )


def print_data() -> None:
    """The data that recipes are for, and how many models each has."""
    for name, models in shipped_recipes().items():
        print(f"--data {name:<8} {len(models)} models, such as {models[-1]}")
    print("--model help lists the models.")


def print_settings(recipe: Recipe | None) -> None:
    """Every name of a recipe, its value if there is one, and what it means."""
    for section, name, meaning in fields():
        value = "..."
        if recipe is not None:
            values = getattr(recipe, section).model_dump(mode="json")
            if name not in values:  # another backbone's
                continue
            text = yaml.safe_dump(values[name], default_flow_style=True, width=10**6)
            value = text.removesuffix("\n...\n").strip()
        print(f"{f'{section}.{name}={value}':<36} {meaning}".rstrip())
    if recipe is None:
        print("With --model and --data, their values in that recipe are shown.")
