"""Settings under the names that they had in earlier versions: read, and said."""

import re
import warnings
from pathlib import Path

import pytest
import yaml

from gta.config import RENAMED
from gta.errors import Notice, UsageError
from gta.recipes import fields, find_recipe, read_recipe, write_recipe
from gta.runs import Run

VALUES = {
    "train.sync_norm": True,
    "train.precise_norm": 3,
    "train.matrix_lr": 0.5,
    "data.max_bad": 0.25,
    "augment.jitter": [64, 80],
    "train.steps": [1],
}


def as_before() -> str:
    """A complete recipe as earlier versions wrote it."""
    content = yaml.safe_load(write_recipe(read_recipe(find_recipe("ordered", "tiny_gta"))))
    for old, new in RENAMED.items():
        section, _, name = old.partition(".")
        del content[section][new.partition(".")[2]]
        content[section][name] = VALUES[old]
    return yaml.safe_dump(content)


def of_today():
    settings = [f"{new}={str(VALUES[old]).lower()}" for old, new in RENAMED.items()]
    return read_recipe(find_recipe("ordered", "tiny_gta"), settings)


def test_the_names_of_today_are_settings_and_the_earlier_ones_are_not():
    names = {f"{section}.{name}" for section, name, _ in fields()}
    assert set(RENAMED.values()) <= names
    assert not RENAMED.keys() & names


def test_an_old_run_opens_with_a_hint(tmp_path: Path):
    (tmp_path / "recipe.yaml").write_text(as_before())
    (tmp_path / "labels.json").write_text('["down", "up"]')
    with pytest.warns(Notice) as caught:
        run = Run.open(tmp_path)
    assert run.recipe == of_today()
    assert [str(warning.message) for warning in caught] == [
        f"{tmp_path / 'recipe.yaml'}: train.sync_norm is called train.sync_bn now, "
        "train.precise_norm is called train.precise_bn now, "
        "train.matrix_lr is called train.matrix_lr_mult now, "
        "data.max_bad is called data.max_unreadable now, "
        "augment.jitter is called augment.scale_jitter now, "
        "train.steps is called train.milestones now"
    ]


def test_old_settings():
    settings = [f"{old}={str(value).lower()}" for old, value in VALUES.items()]
    with pytest.warns(Notice) as caught:
        assert read_recipe(find_recipe("ordered", "tiny_gta"), settings) == of_today()
    assert [str(warning.message) for warning in caught] == [
        f"--set: {old} is called {new} now" for old, new in RENAMED.items()
    ]


def test_an_old_row_over_a_schedule_of_today(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text("family: r2d50\nschedule: ssv2\ntrain: {matrix_lr: 2}")
    with pytest.warns(Notice, match=r"mine.yaml: train.matrix_lr is called train.matrix_lr_mult"):
        assert read_recipe(path).train.matrix_lr_mult == 2


def test_both_names_at_once_are_refused(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text("family: r2d50\nschedule: ssv2\ntrain: {matrix_lr: 2, matrix_lr_mult: 1}")
    message = f"{path}: train.matrix_lr is the earlier name of train.matrix_lr_mult: give one"
    with pytest.raises(UsageError, match=re.escape(message)):
        read_recipe(path)


def test_names_of_today_give_no_hint():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        of_today()
