"""What a YAML text would become is known before it is built."""

import pytest
import yaml

from gta.errors import UsageError
from gta.recipes import read_recipe, with_settings
from gta.recipes.shipped import find_recipe
from gta.recipes.yaml_text import parse_yaml

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
BOMBS = {
    "aliases of aliases": (LAUGHS, "it has more than 5,000 values"),
    "a part of itself": ("a: &a [*a]", "it is a part of itself"),
    "deep lists": ("[" * 5000, "it is nested more than 40 levels deep"),
    "deep mappings": ("{a: " * 5000, "it is nested more than 40 levels deep"),
    "many values": (f"[{'1,' * 9000}]", "it has more than 5,000 values"),
    "long": ("x" * 2**19, "it has more than 262,144 characters"),
    "a long number": ("a: " + "9" * 5000, "Exceeds the limit (4300 digits)"),
    "no date": ("a: !!timestamp 2026-99-99", "month must be in 1..12"),
    "code": ("a: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(tmp_path, name):
    text, reason = BOMBS[name]
    with pytest.raises(yaml.YAMLError) as caught:
        parse_yaml(text)
    assert reason in str(caught.value)
    file = tmp_path / "recipe.yaml"
    file.write_text(text)
    with pytest.raises(UsageError) as told:
        read_recipe(file)
    assert str(told.value).startswith(f"{file} cannot be read as a recipe: ")
    assert reason[:20] in str(told.value)


def test_a_setting_is_bounded_too():
    recipe = read_recipe(find_recipe("ordered", "tiny_gta"))
    with pytest.raises(UsageError, match="is not YAML: it is nested more than 40 levels deep"):
        with_settings(recipe, ["train.lr=" + "[" * 500])


def test_aliases_are_read():
    assert parse_yaml("a: &x {b: [1, 2]}\nc: [*x, *x]") == {
        "a": {"b": [1, 2]},
        "c": [{"b": [1, 2]}, {"b": [1, 2]}],
    }
