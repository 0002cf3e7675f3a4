"""The layers of a recipe file: its family, its schedule, and its own settings.

    family: r2d50_five       # recipes/families/r2d50_five.yaml
    schedule: ssv2           # recipes/schedules/ssv2.yaml
    model:
      blocks: [{block: ta}]  # what differs

The schedule is merged into the family, and the file's own sections into both. Mappings are merged
name by name; everything else, also lists and null, replaces the earlier value. A family or schedule
may name others in the same way. A file that names neither is complete by itself.

Only files of the package, and files in the recipe's folder or below, are read: a recipe from a
stranger cannot read or show others.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gta.config import RENAMED, Recipe
from gta.errors import Notice, UsageError
from gta.recipes.shipped import PARTS, SHIPPED, find_part
from gta.recipes.yaml_text import LARGEST, parse_yaml


@dataclass(frozen=True, slots=True)
class Layer:
    """The content of a single file."""

    path: Path
    content: dict[str, Any]

    @property
    def name(self) -> str:
        """`family r2d50` of the package, or the path."""
        for kind, folder in PARTS.items():
            if self.path.parent == SHIPPED / folder:
                return f"{kind} {self.path.stem}"
        return str(self.path)

    def says(self, where: Sequence[str]) -> bool:
        """Whether it has a value for this name, such as ("train", "lr")."""
        place: Any = self.content
        for part in where:
            if isinstance(place, list) and part.isdecimal() and int(part) < len(place):
                place = place[int(part)]
            elif isinstance(place, dict) and part in place:
                place = place[part]
            else:
                return False
        return True


def read_layers(path: str | Path, above: tuple[Path, ...] = ()) -> list[Layer]:
    """A file and all files that it names, in the order of merging.

    Args:
        path: The file.
        above: The files that led here, from the first.

    Raises:
        UsageError: A file does not exist, is not YAML or not a mapping, or the names form a cycle.
    """
    path = Path(path).expanduser()
    content, layers = _read(path), list[Layer]()
    for kind in PARTS:
        if kind not in content:
            continue
        way = (*above, path)
        part = _named(kind, content.pop(kind), path, way[0].parent)
        if part.resolve() in [file.resolve() for file in way]:
            shown = " -> ".join(str(file) for file in (*way, part))
            raise UsageError(f"{path}: {kind}: a file cannot be made of itself: {shown}")
        layers += read_layers(part, way)
    return [*layers, Layer(path, with_names_of_today(content, str(path)))]


def merge(layers: Sequence[Layer]) -> dict[str, Any]:
    """The merged content of all layers."""
    content: dict[str, Any] = {}
    for layer in layers:
        content = _merged(content, layer.content)
    return content


def _merged(below: Any, above: Any) -> Any:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    both = {name: _merged(below[name], above[name]) for name in below if name in above}
    return below | above | both


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8") as file:
            content = parse_yaml(file.read(LARGEST + 1))
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such recipe file") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{path} cannot be read as a recipe: {reason}") from error
    if not isinstance(content, dict):
        sections = ", ".join(Recipe.model_fields)
        raise UsageError(f"{path} is not a recipe: its sections are {sections}")
    return content


def _named(kind: str, name: Any, source: Path, folder: Path) -> Path:
    """The file of a named family or schedule, in that folder or the package's."""
    if not isinstance(name, str):
        raise UsageError(f"{source}: {kind}: expected one name, such as {kind}: ssv2, got {name!r}")
    if not name.endswith((".yaml", ".yml")):
        try:
            return find_part(kind, name)
        except UsageError as error:
            raise UsageError(f"{source}: {kind}: {error}") from None
    part = source.parent / name
    if not part.resolve().is_relative_to(folder.resolve()):
        raise UsageError(
            f"{source}: {kind}: {name} is outside of {folder}: a recipe is made of files in its "
            f"own folder, or below. Put a copy there"
        )
    if not part.is_file():
        raise UsageError(f"{source}: {kind}: no such file: {part}")
    return part


def with_names_of_today(content: dict[str, Any], source: str) -> dict[str, Any]:
    """The content with settings of earlier versions under their names of today.

    Raises:
        UsageError: A setting has both names.
    """
    hints, content = [], dict(content)
    for old, new in RENAMED.items():
        section, _, name = old.partition(".")
        if not isinstance(content.get(section), dict) or name not in content[section]:
            continue
        now = new.partition(".")[2]
        if now in content[section]:
            raise UsageError(f"{source}: {old} is the earlier name of {new}: give one of them")
        content[section] = {now if key == name else key: v for key, v in content[section].items()}
        hints.append(f"{old} is called {new} now")
    if hints:
        warnings.warn(f"{source}: {', '.join(hints)}", Notice, stacklevel=2)
    return content
