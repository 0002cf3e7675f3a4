"""What `--model help`, `--data help` and `--set help` print."""

from gta.config import Recipe
from gta.recipes import fields, find_recipe, read_header, shipped_recipes
from gta.recipes.yaml_text import in_one_line


def print_models(data: str | None) -> None:
    """Models by data, each with the first line of its recipe.

    Raises:
        UsageError: There is no such data.
    """
    if data not in (None, "help", *shipped_recipes()):
        find_recipe(data, "")  # its error lists them
    for name, models in shipped_recipes().items():
        if data in (None, "help", name):
            print(f"--data {name}")
            for model in models:
                print(f"  --model {model:<26} {read_header(find_recipe(name, model)).title}")
    print(
        "--set help, with --data and --model, prints a recipe in full. UCF101, HMDB51 and lists: "
        "--data folder --set data.format=ucf101 (hmdb51, list)."
    )


def print_data() -> None:
    """The data that recipes are for, and how many models each has."""
    for name, models in shipped_recipes().items():
        usual = next((model for model in reversed(models) if model.endswith("_gta")), models[-1])
        print(f"--data {name:<8} {len(models)} models, such as {usual}")
    print("--model help lists the models.")


def print_settings(recipe: Recipe | None) -> None:
    """Every name of a recipe, its value if there is one, and what it means."""
    for section, name, meaning in fields():
        value = "..."
        if recipe is not None:
            values = getattr(recipe, section).model_dump(mode="json")
            if name not in values:  # another backbone's
                continue
            value = in_one_line(values[name])
        print(f"{f'{section}.{name}={value}':<36} {meaning}".rstrip())
    if recipe is None:
        print("With --model and --data, their values in that recipe are shown.")
