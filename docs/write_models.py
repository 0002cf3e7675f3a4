"""Writes the tables of models.md: every recipe with what it costs, and the paper's cost figures.

What `gta recipes` lists as GFLOPs is taken from them into src/gta/recipes/gflops.yaml.

    python -m docs.write_models
"""

import re
from functools import cache, partial
from pathlib import Path

from docs.markers import with_parts
from gta.config import Recipe
from gta.cost import Cost, count_cost
from gta.paper import paper_costs
from gta.protocols import parse_protocol
from gta.recipes import find_recipe, read_header, read_recipe, shipped_recipes
from gta.recipes.shipped import SHIPPED, Header
from gta.runs import build_network

PAGE = Path(__file__).parent / "models.md"
CLASSES = {"ssv1": 174, "ssv2": 174, "k400": 400, "ordered": 22, "folder": 10}
TITLES = {
    "ssv1": "Something-Something v1 (174 classes)",
    "ssv2": "Something-Something v2 (174 classes)",
    "k400": "Kinetics-400 (400 classes)",
    "folder": "Your own videos (a folder per class, here 10)",
    "ordered": "The built-in data set (22 classes)",
}


@cache
def cost(model: str, num_classes: int, num_frames: int, size: int) -> Cost:
    """Of a model as JSON, so that recipes of the same one share it."""
    data, name = model.split("/")
    recipe = read_recipe(find_recipe(data, name))
    return count_cost(partial(build_network, recipe, num_classes), (3, num_frames, size, size))


def models() -> str:
    """One table for each data set: recipe, network, clip, cost, and what the paper reports."""
    parts = []
    for data, title in TITLES.items():
        parts += [
            f"### {title}\n",
            "| `--model` | network | clip | GFLOPs | params (M) | activations (MiB) | the paper |",
            "| --- | --- | --- | ---: | ---: | ---: | --- |",
        ]
        for name in shipped_recipes()[data]:
            path = find_recipe(data, name)
            parts.append(row(name, read_header(path), read_recipe(path), f"{data}/{name}", data))
        parts.append("")
    return "\n".join(parts).rstrip()


def row(name: str, header: Header, recipe: Recipe, key: str, data: str) -> str:
    """One row of a table of models."""
    reported = re.search(r"The paper reports ([\d.]+ %.*?\([^)]*\))", header.reproduces)
    size = parse_protocol(recipe.test.protocol).size
    T = recipe.clip.num_frames
    counted = cost(key, CLASSES[data], T, size)
    figures = f"{counted.gflops:.2f} | {counted.params_m:.2f} | {counted.activations_mib:.0f}"
    paper = reported[1] if reported else ""
    return f"| `{name}` | {header.network} | {T}x{size}x{size} | {figures} | {paper} |"


def costs() -> str:
    """What `gta cost --paper` prints."""
    lines = [
        "| table | row | clip | GFLOPs | paper | params (M) | paper | note |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for row, counted in paper_costs():
        _, T, H, W = row.clip
        printed = f"{row.gflops:.{0 if row.table == '4' else 1}f}"
        params = "" if row.params_m is None else f"{row.params_m:.1f}"
        lines.append(
            f"| {row.table} | {row.row} | {T}x{H}x{W} | {counted.gflops:.2f} | {printed} | "
            f"{counted.params_m:.2f} | {params} | {row.note or ''} |"
        )
    return "\n".join(lines)


def with_tables(text: str) -> str:
    """models.md with each marked part written anew."""
    return with_parts(text, {"models": models(), "costs": costs()}, "docs/write_models.py")


def gflops(text: str) -> str:
    """GFLOPs of the recipes by data and model, as YAML, from the tables of models.md."""
    lines = ["# One view of the test protocol, by docs/write_models.py."]
    for data, title in TITLES.items():
        table = text.partition(f"### {title}\n")[2].partition("\n###")[0].partition("<!--")[0]
        rows = re.findall(r"^\| `(\w+)` \| .*? \| \w+ \| ([\d.]+) \|", table, re.M)
        lines += [f"{data}:", *(f"  {name}: {value}" for name, value in rows)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    text = with_tables(PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(text, encoding="utf-8")
    (SHIPPED / "gflops.yaml").write_text(gflops(text), encoding="utf-8")
