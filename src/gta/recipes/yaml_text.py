"""The YAML of recipes and of `--set`."""

import re
from typing import Any

import yaml

LARGEST = 2**18
"""Most characters; recipes have some thousands."""
_MOST_VALUES, _DEEPEST = 5_000, 40
"""Most values, with repeats by aliases; recipes have some hundred, six levels deep."""


class _Loader(yaml.SafeLoader):
    """Data only, and scalars as YAML 1.2 has them: `off` is text, 1e-3 is a number.

    Values are counted before they are built: with aliases of aliases, a short text could fill any
    memory.
    """

    def __init__(self, text: str):
        if len(text) > LARGEST:
            raise yaml.YAMLError(f"it has more than {LARGEST:,} characters")
        super().__init__(text)
        self._depth, self._composed, self._values = 0, 0, dict[int, int]()

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._depth, self._composed = self._depth + 1, self._composed + 1
        if self._depth > _DEEPEST:
            raise yaml.YAMLError(f"it is nested more than {_DEEPEST} levels deep")
        is_alias = self.check_event(yaml.AliasEvent)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if is_alias and id(node) not in self._values:
            raise yaml.YAMLError("it is a part of itself")
        if not is_alias:
            self._values[id(node)] = 1 + sum(self._values[id(part)] for part in _parts(node))
        if max(self._composed, self._values[id(node)]) > _MOST_VALUES:
            raise yaml.YAMLError(f"it has more than {_MOST_VALUES:,} values")
        return node

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError) as error:  # a number of thousands of digits, no date
            raise yaml.YAMLError(str(error)) from error


def _parts(node: Any) -> list[Any]:
    """Keys and values of a mapping, or the members of a list."""
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


class _Dumper(yaml.SafeDumper):
    """Quotes words that YAML 1.1 or 1.2 would not read as text."""


_Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", list("-+.")),
):
    for side in (_Loader, _Dumper):
        side.add_implicit_resolver(
            f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), first
        )


def parse_yaml(text: str) -> Any:
    """The data of a YAML text.

    Raises:
        yaml.YAMLError: It is not YAML, has more than plain data, or is too large or too deep.
    """
    return yaml.load(text, _Loader)


def write_yaml(content: dict[str, Any]) -> str:
    """YAML text of sections, with a line for each setting, that `parse_yaml` reads."""
    text = yaml.dump(content, Dumper=_Dumper, sort_keys=False, default_flow_style=None)
    root = yaml.compose(text, _Loader)
    for _, section in root.value:
        section.flow_style = False
    return yaml.serialize(root, Dumper=_Dumper, width=100)


def in_one_line(value: Any) -> str:
    """Plain data as YAML in one line, such as `{res3: [1, 3]}`."""
    text = yaml.dump(value, Dumper=_Dumper, default_flow_style=True, width=10**6, sort_keys=False)
    return text.removesuffix("\n...\n").strip()
