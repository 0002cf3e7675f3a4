"""Families, schedules and rows: one rule of merging, and what is said of a mistake."""

import re
from pathlib import Path
from typing import Any

import pytest

from gta.config import Recipe
from gta.errors import UsageError
from gta.recipes import find_recipe, read_header, read_recipe, shipped_rows, write_recipe
from gta.recipes.layers import merge, read_layers
from gta.recipes.shipped import PARTS, SHIPPED

ROW = "family: r2d50\nschedule: ssv2\n"


def write(folder: Path, **files: str) -> Path:
    """Writes NAME.yaml each, and gives the first."""
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder / f"{next(iter(files))}.yaml"


def merged(folder: Path, **files: str) -> dict[str, Any]:
    return merge(read_layers(write(folder, **files)))


@pytest.mark.parametrize(
    ("below", "above", "expected"),
    [
        (
            "train: {lr: 1, milestones: [1, 2]}",
            "train: {milestones: [3]}",
            {"lr": 1, "milestones": [3]},
        ),
        ("train: {clip_norm: 20}", "train: {clip_norm: null}", {"clip_norm": None}),
        ("train: {lr: 1}", "train: {epochs: 2}", {"lr": 1, "epochs": 2}),
        ("train: {a: {b: 1, c: 2}}", "train: {a: {b: 3}}", {"a": {"b": 3, "c": 2}}),
        ("train: {a: {b: 1}}", "train: {a: {}}", {"a": {"b": 1}}),
        ("train: {a: {b: 1}}", "train: {a: 5}", {"a": 5}),
        ("train: {a: [1]}", "train: {a: {b: 1}}", {"a": {"b": 1}}),
        ("train: {lr: 1}", "train: null", None),
        ("clip: {}", "train: {lr: 1}", {"lr": 1}),
    ],
)
def test_mappings_are_merged_and_all_else_replaced(tmp_path: Path, below, above, expected):
    found = merged(tmp_path, row=f"family: below.yaml\n{above}", below=below)
    assert found["train"] == expected


def test_the_row_wins_over_the_schedule_and_that_over_the_family(tmp_path: Path):
    found = merged(
        tmp_path,
        row="schedule: s.yaml\nfamily: f.yaml\ntrain: {a: row}",
        f="family: g.yaml\ntrain: {a: f, b: f, c: f}",
        g="train: {a: g, b: g, c: g, d: g}",
        s="train: {a: s, b: s}",
    )
    assert found == {"train": {"a": "row", "b": "s", "c": "f", "d": "g"}}


def test_a_row_of_ones_own(tmp_path: Path):
    recipe = read_recipe(write(tmp_path, mine=ROW + "train: {lr: 0.1}"), ["train.epochs=3"])
    shipped = read_recipe(find_recipe("ssv2", "r2d50"), ["train.epochs=3", "train.lr=0.1"])
    assert recipe == shipped


def test_a_file_that_names_nothing_is_complete_by_itself(tmp_path: Path):
    recipe = read_recipe(find_recipe("k400", "slowfast101_gta"))
    path = write(tmp_path, mine=write_recipe(recipe))
    assert len(read_layers(path)) == 1
    assert read_recipe(path) == recipe


def test_the_recipe_of_a_run_can_be_a_family(tmp_path: Path):
    before = read_recipe(find_recipe("ordered", "tiny_gta"))
    (tmp_path / "runs").mkdir()
    write(tmp_path / "runs", recipe=write_recipe(before))
    path = write(tmp_path, mine="family: runs/recipe.yaml\ntrain: {epochs: 9}")
    assert read_recipe(path) == read_recipe(find_recipe("ordered", "tiny_gta"), ["train.epochs=9"])


@pytest.mark.parametrize("name", ["../secret.yaml", "{}/secret.yaml", "link.yaml", "~/secret.yaml"])
def test_a_recipe_reads_nothing_outside_of_its_folder(tmp_path: Path, monkeypatch, name: str):
    """Also not through a file that it names; what stands there is not told."""
    (tmp_path / "mine/below").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path, secret="password: 12345")
    (tmp_path / "mine/link.yaml").symlink_to(tmp_path / "secret.yaml")
    name = name.format(tmp_path)
    for row, other in ((f"family: {name}", ""), ("family: below/b.yaml", f"schedule: ../{name}")):
        write(tmp_path / "mine/below", b=other)
        with pytest.raises(UsageError) as caught:
            read_recipe(write(tmp_path / "mine", row=row))
        told = str(caught.value)
        assert "12345" not in told
        assert "is outside of" in told or "no such file" in told
    write(tmp_path / "mine/below", b="family: ../c.yaml")
    found = merge(read_layers(write(tmp_path / "mine", row="family: below/b.yaml", c="a: 3")))
    assert found == {"a": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "family: r2d5\nschedule: ssv2",
            r"mine.yaml: family: there is no family 'r2d5'. Did you mean 'r2d50'\? The package "
            r"has c2d50, .*; your own is named by its file, such as my_family.yaml",
        ),
        (
            "family: r2d50\nschedule: ssv3",
            r"mine.yaml: schedule: there is no schedule 'ssv3'. Did you mean 'ssv[12]'\? The",
        ),
        ("family: ../families/r2d50", r"there is no family '../families/r2d50'"),
        ("family: [r2d50, tsm50]", r"family: expected one name, such as family: ssv2, got \['r2d5"),
        ("schedule:", r"schedule: expected one name, such as schedule: ssv2, got None"),
        ("family: no.yaml", r"mine.yaml: family: no such file: .*/no.yaml"),
        (
            "family: mine.yaml",
            r"mine.yaml: family: a file cannot be made of itself: .*mine.yaml -> .*mine.yaml$",
        ),
        (
            "family: other.yaml",
            r"third.yaml: schedule: a file cannot be made of itself: "
            r".*mine.yaml -> .*other.yaml -> .*third.yaml -> .*mine.yaml$",
        ),
        (ROW + "train: {lrr: 1}", r"\n  train.lrr: no such name. Did you mean 'train.lr'\?"),
        (
            ROW + "model: {backbone: slow_fast}",
            r"\n  model.tsm: no such name \(family r2d50\). Names: .*alpha",
        ),
        ("family: bad.yaml\nschedule: ssv2", r"\n  model.depth: .*got 7 \(.*bad.yaml\)"),
        (ROW + "train: 3", r"\n  train: input should be .*got 3$"),
        ("family: list.yaml", r"list.yaml is not a recipe: its sections are model, clip"),
        (
            "family: r2d50",
            r"\n  train: is missing\n.*\n  A file is complete, or names a family and a schedul",
        ),
    ],
)
def test_mistakes(tmp_path: Path, text: str, message: str):
    path = write(
        tmp_path,
        mine=text,
        other="family: third.yaml",
        third="schedule: mine.yaml",
        bad="family: r2d50\nmodel: {depth: 7}",
        list="[1]",
    )
    with pytest.raises(UsageError, match=re.compile(message, re.S)):
        read_recipe(path)


def test_parts_have_headers_and_are_used():
    used = {layer.path for row in shipped_rows() for layer in read_layers(row)[:-1]}
    parts = {path for folder in PARTS.values() for path in (SHIPPED / folder).iterdir()}
    assert used == parts
    assert all(read_header(path).title for path in parts)


@pytest.mark.parametrize("path", shipped_rows(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_row_says_what_is_its_own(path: Path):
    """Nothing that its family or schedule says already."""
    *below, row = read_layers(path)
    stated = merge(below)
    assert row.content.keys() <= Recipe.model_fields.keys()
    for section, settings in row.content.items():
        for name, value in settings.items():
            assert stated[section].get(name) != value, f"{section}.{name}"


def test_the_examples_of_the_page(tmp_path: Path):
    page = (Path(__file__).parents[2] / "docs/recipes.md").read_text(encoding="utf-8")
    shipped, own = re.findall(r"```yaml\n(.*?)```", page, re.S)
    assert shipped == find_recipe("ssv1", "r2d50_ta").read_text(encoding="utf-8")
    recipe = read_recipe(write(tmp_path, own=own))
    settings = ["train.lr=0.02", "model.blocks.1.groups=4"]
    assert recipe == read_recipe(find_recipe("ssv2", "r2d50_gta"), settings)
