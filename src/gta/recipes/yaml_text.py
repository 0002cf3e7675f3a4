"""YAML as recipes and `--set` have it."""

import re
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """Data only, and scalars as YAML 1.2 has them: `off` is text, 1e-3 is a number."""


class _Dumper(yaml.SafeDumper):
    """Quotes words that YAML 1.1 or 1.2 takes for something else: readers of both get them."""


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
    """What a YAML text says.

    Raises:
        yaml.YAMLError: It is none, or asks for more than plain data.
    """
    return yaml.load(text, _Loader)


def write_yaml(content: dict[str, Any]) -> str:
    """YAML text of sections, a line for each of their settings, that `parse_yaml` reads."""
    text = yaml.dump(content, Dumper=_Dumper, sort_keys=False, default_flow_style=None)
    root = yaml.compose(text, _Loader)
    for _, section in root.value:
        section.flow_style = False
    return yaml.serialize(root, Dumper=_Dumper, width=100)


def in_one_line(value: Any) -> str:
    """Plain data as YAML in one line, such as `{res3: [1, 3]}`."""
    text = yaml.dump(value, Dumper=_Dumper, default_flow_style=True, width=10**6, sort_keys=False)
    return text.removesuffix("\n...\n").strip()
