"""The rooms of src/gta and their imports as a picture, for architecture.md.

The imports are read with `ast`, wherever they stand, but for those of types alone. A room is a
folder, a wing of data/, or a file beside them; it stands below all that import it. An arrow is left
out where a path of others leads there.
"""

import ast
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from itertools import pairwise
from math import fsum  # `sum` rounds in another way from Python 3.12 on
from pathlib import Path

import networkx as nx  # comes with torch

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"
CAPTIONS = {
    "backbones": "R2D, TSM, SlowFast ...",
    "blocks": "section 3 of the paper",
    "cli": "the verbs",
    "config": "the recipe as types",
    "cost": "multiply-adds",
    "data": "videos, dataset, loader",
    "data/check": "is it complete?",
    "data/decode": "frames of a video",
    "data/formats": "annotation files",
    "data/prepare": "smaller copies, shards",
    "data/records": "Video, VideoList",
    "data/sampling": "which frames",
    "data/storage": "files, shards, URLs",
    "data/transforms": "resize, crop, mirror",
    "evaluation": "protocols, score files",
    "figures": "pictures of results",
    "gta": "the entrance, lazy",
    "inference": "views to probabilities",
    "model_factory": "a network by its name",
    "models": "the named networks",
    "ordered": "the built-in data set",
    "paper": "its cost columns",
    "predict": "one video to classes",
    "pretrained": "where weights start",
    "recipes": "one file a table row",
    "runs": "the folder of a run",
    "training": "step, loop, checkpoints",
}
"""In a few words; a room without some has its name alone."""
# Okabe and Ito's colors, light: told apart by people who are blind to some
FILLS = {"data": "#cfe6f5", "networks": "#fbe3b6", "both": "#cdeade", "neither": "#eeeeee"}
ORDER = {"data": 0, "both": 1, "neither": 2, "networks": 3}  # from the left, to begin with
LEGEND = {
    "data": "reaches data/, no network",
    "networks": "reaches networks, no data/",
    "both": "reaches both",
    "neither": "reaches neither",
}
BOX, PASS, HEIGHT, STEP = 172, 26, 46, 96
"""In pixels: a box's width, that of a line between boxes, a box's height, and a row's."""


@dataclass(frozen=True, slots=True)
class Rooms:
    """Rooms of the package and who imports whom."""

    imports: nx.DiGraph
    """From a room to those that it imports, without the ground."""
    ground: tuple[str, ...]
    """Files that import nothing but each other: any room may import them."""
    recorded: tuple[tuple[str, str], ...]
    """Imports that close a circle, on record in pyproject.toml; not in `imports`."""


@cache
def module_imports() -> dict[str, set[str]]:
    """Each module of gta with the modules of gta that it imports, anywhere in its file."""
    files = {_name(path): path for path in sorted(SOURCE.rglob("*.py"))}
    return {name: set(_imported(path, files)) for name, path in files.items()}


def _name(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


def _imported(path: Path, names: Iterable[str]) -> Iterable[str]:
    lazy = path == SOURCE / "gta/__init__.py"  # what it hands out is imported on demand
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not lazy:
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:  # a module, or something in one
                whole = f"{node.module}.{alias.name}"
                if whole in names or node.module in names:
                    yield whole if whole in names else node.module


@cache
def read_rooms() -> Rooms:
    """The rooms as the code has them now."""
    modules = module_imports()
    files = {name for name in modules if name.count(".") == 1 and _is_file(name)} - {"gta.config"}
    ground = set[str]()
    while new := {f for f in files - ground if modules[f] - {"gta"} <= ground}:
        ground |= new
    recorded = {(_room(a), _room(b)) for a, b in _recorded() if b in modules.get(a, ())}
    graph = nx.DiGraph()
    for module, imported in modules.items():
        if module in ground:
            continue
        if module != "gta":  # the package itself is one where it imports something
            graph.add_node(_room(module))
        for other in imported - ground:
            edge = _room(module), _room(other)
            if edge[0] != edge[1] != "gta" and edge not in recorded:
                graph.add_edge(*edge)
    return Rooms(graph, tuple(sorted(g.removeprefix("gta.") for g in ground)), tuple(recorded))


def _is_file(module: str) -> bool:
    return (SOURCE / module.replace(".", "/")).with_suffix(".py").is_file()


def _room(module: str) -> str:
    parts = module.split(".")[1:]
    if parts[:1] == ["__main__"]:
        return "cli"
    if parts[:1] == ["data"] and parts[1:]:
        wing = parts[1] == "records" or not _is_file(f"gta.data.{parts[1]}")
        return f"data/{parts[1]}" if wing else "data"
    return parts[0] if parts else "gta"


def _recorded() -> list[list[str]]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = contracts["tool"]["importlinter"]["contracts"]
    circles = [each for each in listed if each["type"] == "acyclic_siblings"]
    return [
        pair.split(" -> ") for contract in circles for pair in contract.get("ignore_imports", [])
    ]


def side(rooms: Rooms, room: str) -> str:
    """What a room works on: "data", "networks", "both" or "neither"."""
    reached = nx.descendants(rooms.imports, room) | {room}
    data, networks = any(r.split("/")[0] == "data" for r in reached), "blocks" in reached
    return ("both" if networks else "data") if data else "networks" if networks else "neither"


Node = tuple[str, ...]
"""(room,), or a line's place in a row that it passes: (from, to, row)."""
Line = list[Node]
"""The nodes that an arrow goes through, from the importing room down."""


def lay_out(rooms: Rooms) -> tuple[list[list[Node]], dict[Node, float], list[Line]]:
    """Rows from the top, where nodes have their middle, and the lines (Sugiyama et al. 1981)."""
    graph = nx.transitive_reduction(rooms.imports)
    depth: dict[str, int] = {}
    for room in nx.lexicographical_topological_sort(graph):
        depth[room] = 1 + max((depth[user] for user in graph.predecessors(room)), default=-1)
    rows: list[list[Node]] = [[] for _ in range(max(depth.values()) + 1)]
    for room in sorted(depth, key=lambda room: (ORDER[side(rooms, room)], room)):
        rows[depth[room]].append((room,))
    lines: list[Line] = []
    for user, used in sorted(graph.edges):
        between = range(depth[user] + 1, depth[used])
        passes: list[Node] = [(user, used, str(row)) for row in between]
        for row, place in zip(between, passes, strict=True):
            rows[row].append(place)
        lines.append([(user,), *passes, (used,)])
    sides = {room: ORDER[side(rooms, room)] for room in graph}
    rows = _untangled(rows, lines, sides)
    return rows, _places(rows, lines), lines


def _untangled(
    rows: list[list[Node]], lines: list[Line], sides: dict[str, int]
) -> list[list[Node]]:
    """The rows in an order in which few lines cross, and rooms of a kind stand together."""

    def tangles(rows: list[list[Node]]) -> float:
        kinds = [[sides[node[0]] for node in row if len(node) == 1] for row in rows]
        mixed = sum(a > b for row in kinds for n, b in enumerate(row) for a in row[:n])
        return _crossings(rows, lines) + 0.4 * mixed

    near = _neighbors(lines)
    best = rows
    for sweep in range(40):
        at = {node: n / len(row) for row in rows for n, node in enumerate(row)}
        rows = [list(row) for row in rows]
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            wish = {node: fsum(at[n] for n in near[node]) / len(near[node]) for node in row}
            row.sort(key=lambda node: (wish[node], node))
            at |= {node: n / len(row) for n, node in enumerate(row)}
        best = min(best, rows, key=tangles)
    while True:  # neighbors change places as long as that helps
        before = tangles(best)
        for row in best:
            for n in range(len(row) - 1):
                least = tangles(best)
                row[n], row[n + 1] = row[n + 1], row[n]
                if tangles(best) >= least:
                    row[n], row[n + 1] = row[n + 1], row[n]
        if tangles(best) == before:
            return best


def _neighbors(lines: Iterable[Line]) -> dict[Node, list[Node]]:
    near: dict[Node, list[Node]] = {}
    for upper, lower in (pair for line in lines for pair in pairwise(line)):
        near.setdefault(upper, []).append(lower)
        near.setdefault(lower, []).append(upper)
    return near


def _crossings(rows: Iterable[Sequence[Node]], lines: Iterable[Line]) -> int:
    at = {node: (r, n) for r, row in enumerate(rows) for n, node in enumerate(row)}
    pairs = sorted((*at[a], at[b][1]) for line in lines for a, b in pairwise(line))
    return sum(
        row == other and (upper - left) * (lower - right) < 0
        for k, (row, upper, lower) in enumerate(pairs)
        for other, left, right in pairs[:k]
    )


def _places(rows: list[list[Node]], lines: list[Line]) -> dict[Node, float]:
    """The middle of each node: near those that it is joined to, long lines straight."""
    near = _neighbors(lines)
    x = {node: n * (BOX + 14.0) for row in rows for n, node in enumerate(row)}
    for sweep in range(200):
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            wishes = []
            for node in row:
                weights = [9 if len(node) == len(other) == 3 else 1 for other in near[node]]
                joined = zip(near[node], weights, strict=True)
                wishes.append(fsum(x[other] * w for other, w in joined) / sum(weights))
            x |= _spread(row, wishes)
    left = min(place - _width(node) / 2 for node, place in x.items())
    return {node: round(place - left) + 20 for node, place in x.items()}


def _width(node: Node) -> int:
    return BOX + 14 if len(node) == 1 else PASS


def _spread(row: Sequence[Node], wish: Sequence[float]) -> dict[Node, float]:
    """Places near the wishes, in order, without overlap: neighbors that collide move together."""
    groups: list[tuple[float, list[Node]]] = []  # (wished left edge, nodes side by side)
    for node, middle in zip(row, wish, strict=True):
        left, members = middle - _width(node) / 2, [node]
        while groups and groups[-1][0] + sum(map(_width, groups[-1][1])) > left:
            before, earlier = groups.pop()
            shift = sum(map(_width, earlier))
            total = len(earlier) + len(members)
            left = (before * len(earlier) + (left - shift) * len(members)) / total
            members = [*earlier, *members]
        groups.append((left, members))
    places = {}
    for left, members in groups:
        for node in members:
            places[node] = left + _width(node) / 2
            left += _width(node)
    return places


def picture() -> str:
    """The SVG."""
    rooms = read_rooms()
    rows, x, lines = lay_out(rooms)
    y = {node: 40 + STEP * number for number, row in enumerate(rows) for node in row}
    width = max(x[node] + _width(node) // 2 for node in x) + 20
    bottom = 40 + STEP * len(rows)
    height = bottom + 110
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="DejaVu Sans, Verdana, Helvetica, Arial, sans-serif" text-anchor="middle">',
        '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 1 10 5 0 9z" fill="#444"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    parts += [_line(line, x, y) for line in lines]
    for user, used in rooms.recorded:  # upwards
        parts.append(
            f'<path d="M{x[user,] - 30} {y[user,]}L{x[used,] - 30} {y[used,] + HEIGHT}" '
            f'stroke="#b3005a" stroke-dasharray="6 5" stroke-width="1.5" '
            f'marker-end="url(#head)"/>'
        )
    for node in (node for row in rows for node in row if len(node) == 1):
        fill = FILLS[side(rooms, node[0])]
        parts += _box(x[node], y[node], BOX, node[0], CAPTIONS.get(node[0], ""), fill)
    names = ", ".join(rooms.ground)
    parts += _box(width // 2, bottom, width - 40, names, "any room may import these", "white")
    for number, (kind, text) in enumerate(LEGEND.items()):
        left = 20 + number * 250
        parts.append(
            f'<rect x="{left}" y="{bottom + 70}" width="18" height="18" fill="{FILLS[kind]}" '
            f'stroke="#444"/><text x="{left + 26}" y="{bottom + 84}" font-size="14" '
            f'text-anchor="start">{text}</text>'
        )
    if rooms.recorded:
        left = 20 + len(LEGEND) * 250
        parts.append(
            f'<path d="M{left} {bottom + 79}h30" stroke="#b3005a" stroke-dasharray="6 5"/><text '
            f'x="{left + 38}" y="{bottom + 84}" font-size="14" text-anchor="start">a circle</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _box(x: float, y: float, width: float, name: str, caption: str, fill: str) -> list[str]:
    return [
        f'<rect x="{x - width / 2:g}" y="{y}" width="{width:g}" height="{HEIGHT}" rx="5" '
        f'fill="{fill}" stroke="#444"/>',
        f'<text x="{x}" y="{y + (19 if caption else 28)}" font-size="15" font-weight="bold">'
        f"{escape(name)}</text>",
        f'<text x="{x}" y="{y + 37}" font-size="11.5">{escape(caption)}</text>',
    ]


def _line(line: Line, x: dict[Node, float], y: dict[Node, int]) -> str:
    """From the lower edge of a box to the upper edge of another, straight down where it passes."""
    path = f"M{x[line[0]]} {y[line[0]] + HEIGHT}"
    for upper, lower in pairwise(line):
        bend = (y[lower] - y[upper] - HEIGHT) / 2
        path += (
            f"C{x[upper]} {y[upper] + HEIGHT + bend:g} {x[lower]} {y[lower] - bend:g} "
            f"{x[lower]} {y[lower]}"
        )
        if len(lower) > 1:
            path += f"V{y[lower] + HEIGHT}"
    return (
        f'<path d="{path}" fill="none" stroke="#444" stroke-width="1.5" marker-end="url(#head)"/>'
    )
