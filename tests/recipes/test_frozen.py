"""Every shipped recipe says what it said when its row was written, to the last value.

frozen.json holds the SHA-256 of each resolved recipe as canonical JSON, under the names that
settings had then. A recipe that is changed on purpose, or a new row, gets its line there, with the
reason in the commit: `python tests/recipes/test_frozen.py` prints them all.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from gta.config import RENAMED
from gta.recipes import find_recipe, read_recipe, shipped_recipes

FROZEN: dict[str, str] = json.loads((Path(__file__).parent / "frozen.json").read_text())
ADDED_SINCE: dict[str, Any] = {
    "tape.position_std": 0.02,
    "tape.add_to": "qk",
    "gta.heads": None,
    "gta.region_grid": None,
    "train.position_lr_mult": None,
    "train.keep_checkpoints": 2,
    "train.max_nonfinite": 10,
    "train.freeze": False,
    "train.loggers": [],
    "augment.views": 2,
    "data.features_gb": 4.0,
    "data.features_dir": None,
    "data.scenes": None,
    "model.causal": False,
    "model.causal_frames": None,
    "model.bottleneck": None,
    "model.heads": 1,
}
"""Settings that came later, with the value that does what was done before: not in the hashes.

By section and name, such as "train.nesterov"; in blocks by the block's, such as "tape.position"."""

DEFAULTS_SINCE: dict[str, tuple[Any, Any]] = {"train.checkpoint_minutes": (0.45, 10.0)}
"""Settings of which no recipe says anything, with the value of today and that of then."""


def as_of_then(content: dict[str, Any]) -> dict[str, Any]:
    """A resolved recipe under its earlier names, without the settings that it did not have yet."""
    added = [(*name.split("."), value) for name, value in ADDED_SINCE.items()]
    parts = {**content, **{block["block"]: block for block in content["model"]["blocks"]}}
    for part, name, value in added:
        if name in parts.get(part, {}) and parts[part][name] == value:
            del parts[part][name]
    for setting, (today, then) in DEFAULTS_SINCE.items():
        section, _, name = setting.partition(".")
        if content[section][name] == today:
            content[section][name] = then
    for old, new in RENAMED.items():
        section, _, name = new.partition(".")
        content[section][old.partition(".")[2]] = content[section].pop(name)
    return content


def sha256(name: str) -> str:
    content = as_of_then(read_recipe(find_recipe(*name.split("/"))).model_dump(mode="json"))
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def shipped() -> list[str]:
    return [f"{data}/{model}" for data, models in shipped_recipes().items() for model in models]


def test_each_has_its_line():
    assert sorted(FROZEN) == sorted(shipped())


@pytest.mark.parametrize("name", FROZEN)
def test_it_is_what_it_was(name: str):
    assert sha256(name) == FROZEN[name]


if __name__ == "__main__":
    print(json.dumps({name: sha256(name) for name in shipped()}, indent=1))
