"""`--set train.lr=0.01`: one value of a recipe, by its full name."""

import warnings
from collections.abc import Sequence
from typing import Any

import yaml

from gta.config import RENAMED
from gta.errors import Notice, UsageError
from gta.recipes.names import full_names, meant
from gta.recipes.yaml_text import parse_yaml


def apply_setting(content: dict[str, Any], setting: str) -> None:
    """Puts "a.b.0.c=value" into nested data; the place must exist.

    Raises:
        UsageError: It does not exist, or the value is not YAML.
    """
    name, separator, text = setting.partition("=")
    if not separator:
        raise UsageError(f"--set {setting}: expected name=value, such as --set train.lr=0.01")
    name = name.strip()
    if name in RENAMED:
        warnings.warn(f"--set: {name} is called {RENAMED[name]} now", Notice, stacklevel=2)
    *parents, last = RENAMED.get(name, name).split(".")
    place: Any = content
    for depth, part in enumerate(parents):
        place = place[_key(content, place, part, parents[:depth], setting)]
    key = _key(content, place, last, parents, setting)
    try:
        value = parse_yaml(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"--set {setting}: {text!r} is not YAML: {reason}") from error
    place[key] = value


def _key(content: Any, place: Any, part: str, parents: Sequence[str], setting: str) -> Any:
    """The key of a mapping or index of a list that `part` names."""
    keys: dict[str, Any] = {}
    if isinstance(place, dict):
        keys = {str(key): key for key in place}
    elif isinstance(place, list):
        keys = {str(i): i for i in range(len(place))}
    # stages of the network: the only mapping whose keys are not fields
    is_last = len(parents) == setting.partition("=")[0].count(".")
    if part in keys or (is_last and parents == ["model", "placement"]):
        return keys.get(part, part)
    where = f" in {'.'.join(parents)}" if parents else ""
    name = setting.partition("=")[0].strip()
    near = meant(name, list(keys), full_names(content))
    raise UsageError(
        f"--set {setting}: there is no {part!r}{where}.{near} Names: {', '.join(keys) or 'none'}."
        + ("" if parents else " --set help lists what is in them.")
    )
