"""The experiments' training and scoring are, in float64, what they were when they had their own."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from .measured import measure

FROZEN = Path(__file__).parent / "frozen/trainer.json"


def test_the_trainer_is_the_one_of_before(ours, small, monkeypatch):
    tiny = importlib.import_module("gta.models").MODELS["tiny_gta"]
    wanted = json.loads(FROZEN.read_text(encoding="utf-8"))
    same(measure(ours, monkeypatch, small, tiny), wanted["found"], "")


def same(found: Any, wanted: Any, where: str) -> None:
    """Equal, numbers to 1e-10."""
    if isinstance(wanted, dict):
        assert list(found) == list(wanted), where
        for name in wanted:
            same(found[name], wanted[name], f"{where} {name}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), where
        for index, (one, other) in enumerate(zip(found, wanted, strict=True)):
            same(one, other, f"{where} {index}")
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, abs=1e-10, rel=1e-10), where
    else:
        assert found == wanted, where
