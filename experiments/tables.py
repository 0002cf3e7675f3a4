"""The experiments: rows of the paper's tables, and questions that it leaves open.

R2D-18 has two residual blocks per stage, where R2D-50 has four and six: blocks are inserted after
the second of res3 and both of res4.
"""

from dataclasses import dataclass, replace
from typing import Any

from experiments.settings import Data, Job, Settings
from gta.config import (
    Block,
    FrameResNetModel,
    GlobalTemporalAttentionBlock,
    Model,
    Placement,
    SlowFastModel,
    TAPEBlock,
)
from gta.models import CG, EVEN, GC, GR, GTA, NL, NL_BEFORE, SA, SA_BEFORE, TA, gta, halves
from gta.models import r2d18 as any_r2d18
from gta.models import r2d50 as any_r2d50
from gta.ordered import Difficulty

DATA = Data()
HARDER = Data(
    difficulty=Difficulty(stillness=0.45, reach=0.2, camera=4.0, distractors=12, noise=4.0)
)
"""Difficulty settings at, or near, their limits."""
SMALL = Settings()
SLOWFAST = replace(SMALL, num_frames=16)


@dataclass(frozen=True)
class Row:
    """A row of a table."""

    label: str
    model: Model
    paper: float | None = None
    """Top-1 on Something-Something v1, in %, as printed."""
    settings: Settings = SMALL


@dataclass(frozen=True)
class Experiment:
    """A table: rows with a least number of seeds."""

    title: str
    rows: tuple[Row, ...]
    seeds: int = 3
    data: Data | None = None
    """The rendered data; default `DATA`."""

    def row(self, label: str) -> Row:
        """The row with that label."""
        (row,) = [row for row in self.rows if row.label == label]
        return row

    def job(self, row: Row, seed: int) -> Job:
        return Job(row.model, row.settings, self.data or DATA, seed)

    def jobs(self, seeds: int | None = None) -> list[tuple[Row, Job]]:
        """Jobs by seed, so that a table is complete as early as possible."""
        return [
            (row, self.job(row, seed))
            for seed in range(self.seeds if seeds is None else seeds)
            for row in self.rows
        ]


def r2d18(*blocks: Block, placement: Placement | None = None, tsm: bool = False) -> Model:
    """R2D-18 without dropout, since there are many clips."""
    model = any_r2d18(*blocks).model_copy(update={"dropout": 0.0, "tsm": tsm})
    return model if placement is None else model.model_copy(update={"placement": placement})


def r2d50(*blocks: Block) -> FrameResNetModel:
    return any_r2d50(*blocks).model_copy(update={"dropout": 0.0})


def slowfast(*blocks: Block) -> SlowFastModel:
    """SlowFast at half its width, with 16 frames, of which the slow pathway sees 4."""
    placement: Placement = {"res3": (1, 3), "res4": (1, 3, 5)} if blocks else {}
    return SlowFastModel(width=32, dropout=0.0, blocks=blocks, placement=placement)


def regions(count: int = 8, assignment: str = "softmax_regions", *, pixel: bool = True) -> Model:
    return r2d18(
        SA,
        GlobalTemporalAttentionBlock.model_validate(
            {"block": "gta", "regions": count, "assignment": assignment, "pixel": pixel}
        ),
    )


def read_as(**options: Any) -> Block:
    return GlobalTemporalAttentionBlock(block="gta", **options)


FREE: dict[str, Any] = {"region_grid": (14, 14), "assignment": "none"}
"""A learned W_R for the positions of res3; in res4 there are 7 x 7."""


def tape(groups: int = 1, **options: Any) -> Block:
    return TAPEBlock(block="tape", groups=groups, **options)


ASSIGNMENTS = ("softmax_regions", "softmax_positions", "none")
COUNTS = (4, 8, 16, 32, 64)
LONG = replace(SMALL, steps=3 * SMALL.steps)
BEST: dict[str, Any] = {"position_std": 1.0, "add_to": "input"}
"""The settings of `POSITIONS` for TAPE in Tables 2b and 7."""
PE, PE8 = tape(**BEST), tape(8, **BEST)
PIXEL, PIXEL_1 = gta(region=False), gta(1, region=False)
POSITIONS: dict[str, tuple[dict[str, Any], Settings]] = {
    "drawn at 0.02": ({}, SMALL),
    "drawn at 0.5": ({"position_std": 0.5}, SMALL),
    "drawn at 1": ({"position_std": 1.0}, SMALL),
    "drawn at 0.02, learning rate x 10": ({}, replace(SMALL, position_lr=10.0)),
    "sinusoids": ({"position": "sinusoidal"}, SMALL),
    "sinusoids, values too": ({"position": "sinusoidal", "add_to": "qkv"}, SMALL),
    "input, drawn at 0.02": ({"add_to": "input"}, SMALL),
    "input, drawn at 1": (BEST, SMALL),
    "input, sinusoids": ({"position": "sinusoidal", "add_to": "input"}, SMALL),
}
"""TAPE's positions: added to queries and keys by default; their start and learning rate."""
BRANCHES = (
    Row("pixel + region, G = 8", r2d18(SA, GTA), 50.6),
    Row("pixel, G = 8", r2d18(SA, PIXEL), 49.6),
    Row("region, G = 8", r2d18(SA, gta(pixel=False)), 47.9),
    Row("pixel + region, G = 1", r2d18(SA, gta(1)), 49.4),
    Row("pixel, G = 1", r2d18(SA, PIXEL_1), 49.1),
    Row("region, G = 1", r2d18(SA, gta(1, pixel=False)), 46.3),
)
EXPERIMENTS: dict[str, Experiment] = {
    "table1": Experiment(
        "Table 1: the blocks compared (R2D-50)",
        (
            Row("R2D-50", r2d50(), 17.0),
            Row("+ NL", r2d50(NL), 31.2),
            Row("+ DNL", r2d50(SA, TA), 38.8),
            Row("+ GTA", r2d50(SA, GTA), 50.6),
        ),
        seeds=2,
    ),
    "table2b": Experiment(
        "Table 2b: what attention over time gains (R2D-18)",
        (
            Row("R2D", r2d18(), 17.0),
            Row("+ SA", r2d18(SA), 17.9),
            Row("+ TA", r2d18(TA), 37.6),
            Row("+ SA + TA", r2d18(SA, TA), 38.8),
            Row("+ SA + TAPE", r2d18(SA, PE), 48.4),
            Row("+ SA + GTA", r2d18(SA, GTA), 50.6),
        ),
        seeds=6,
    ),
    "table2a": Experiment(
        "Table 2a: pixels, regions and channel heads (R2D-18)",
        BRANCHES,
        seeds=6,
    ),
    "assignment": Experiment(
        "Open: how the assignment to regions is normalised (R2D-18)",
        tuple(Row(name, regions(assignment=name)) for name in ASSIGNMENTS),
        seeds=2,
    ),
    "regions": Experiment(
        "Open: the number of regions (R2D-18)",
        tuple(Row(f"R = {count}", regions(count)) for count in COUNTS),
        seeds=2,
    ),
    "region": Experiment(
        "Open: both questions for the region branch alone (R2D-18)",
        (
            *(Row(f"R = 8, {name}", regions(assignment=name, pixel=False)) for name in ASSIGNMENTS),
            *(Row(f"R = {count}", regions(count, pixel=False)) for count in COUNTS if count != 8),
        ),
    ),
    "matrix": Experiment(
        "Open: start, learning rate and weight decay of the matrix (R2D-18)",
        (
            Row("as other weights", r2d18(SA, GTA)),
            Row(
                "no weight decay",
                r2d18(SA, GTA),
                settings=replace(SMALL, matrix_weight_decay=0.0),
            ),
            Row("learning rate x 0.1", r2d18(SA, GTA), settings=replace(SMALL, matrix_lr=0.1)),
            Row("learning rate x 10", r2d18(SA, GTA), settings=replace(SMALL, matrix_lr=10.0)),
            Row("drawn a tenth", r2d18(SA, GTA), settings=replace(SMALL, matrix_init="small")),
            Row(
                "identity at first", r2d18(SA, GTA), settings=replace(SMALL, matrix_init="identity")
            ),
        ),
        seeds=2,
    ),
    "tape": Experiment(
        "Open: how TAPE's positions start, and where they are added (R2D-18)",
        (
            *(
                Row(positions, r2d18(SA, tape(**options)), settings=settings)
                for positions, (options, settings) in POSITIONS.items()
            ),
            Row("drawn at 0.02, G = 8", r2d18(SA, tape(8))),
            Row("drawn at 0.02, without SA", r2d18(tape())),
            Row("drawn at 0.02, without SA, G = 8", r2d18(tape(8))),
        ),
        seeds=1,
    ),
    "readings": Experiment(
        "Open: W_R as a free matrix, and other numbers of heads than groups (R2D-18)",
        (
            Row("W_R from X, N_h = G = 8", r2d18(SA, GTA)),
            Row("W_R free", r2d18(SA, read_as(**FREE))),
            Row("N_h = 4", r2d18(SA, read_as(heads=4))),
            Row("N_h = 16", r2d18(SA, read_as(heads=16))),
        ),
        seeds=2,
    ),
    "free_regions": Experiment(
        "Open: W_R as a free matrix for the region branch alone (R2D-18)",
        (
            Row("region alone, W_R from X", r2d18(SA, gta(pixel=False))),
            Row("region alone, W_R free", r2d18(SA, read_as(**FREE, pixel=False))),
        ),
        seeds=2,
    ),
    "joins": Experiment(
        "Open: residual connection and normalisation of the blocks (R2D-18)",
        tuple(
            Row(label, r2d18(SA, GTA), settings=replace(SMALL, join=join))
            for join, label in (
                ("zero", "a norm from zero for each half and branch"),
                ("one", "the same norms from one"),
                ("layer", "normalised over each clip (layer norm), from zero"),
                ("none", "no norm, W_O from zero"),
                ("shared", "one norm for the sum of the two branches"),
                ("before", "a norm before the block, W_O from zero"),
                ("around", "one residual connection round both halves"),
                ("parallel", "both halves see the same input"),
            )
        ),
        seeds=2,
    ),
    "clip_norm": Experiment(
        "Open: features normalised over each clip before the blocks (R2D-50 and R2D-18)",
        tuple(
            Row(label, model, settings=replace(SMALL, join=join))
            for network, model in (("R2D-50", r2d50(SA, GTA)), ("R2D-18", r2d18(SA, GTA)))
            for label, join in (
                (f"{network} + GTA", "zero"),
                (f"{network} + GTA, normalised over each clip", "clip"),
            )
        ),
    ),
    "steps": Experiment(
        "Three times as many steps (R2D-18)",
        (
            Row("SA + TA", r2d18(SA, TA), settings=LONG),
            Row("SA + TAPE, drawn at 0.02", r2d18(SA, tape()), settings=LONG),
            Row("SA + region GTA", r2d18(SA, gta(pixel=False)), settings=LONG),
            Row("SA + GTA", r2d18(SA, GTA), settings=LONG),
        ),
        seeds=1,
    ),
    "places": Experiment(
        "Open: after which residual blocks (R2D-50)",
        (
            Row("res3 1, 3; res4 1, 3, 5", r2d50(SA, GTA)),
            Row("res3 0, 2; res4 0, 2, 4", r2d50(SA, GTA).model_copy(update={"placement": EVEN})),
        ),
        seeds=1,
    ),
    "table3": Experiment(
        "Table 3: other blocks, joint and decoupled (R2D-18)",
        (
            Row("CGNL", r2d18(CG), 26.7),
            Row("CGNL, decoupled", r2d18(*halves(CG)), 37.4),
            Row("GCNet", r2d18(GC), 28.4),
            Row("GCNet, decoupled", r2d18(*halves(GC)), 39.0),
            Row("GloRe", r2d18(GR), 33.2),
            Row("GloRe, decoupled", r2d18(*halves(GR)), 38.6),
            Row("GTA", r2d18(SA, GTA), 50.6),
        ),
    ),
    "table7": Experiment(
        "Table 7: channel heads with and without spatial attention (R2D-18)",
        (
            Row("TAPE, G = 1", r2d18(PE), 46.5),
            Row("TAPE, G = 8", r2d18(PE8), 47.2),
            Row("pixel GTA, G = 1", r2d18(PIXEL_1), 48.0),
            Row("pixel GTA, G = 8", r2d18(PIXEL), 48.5),
            Row("SA + TAPE, G = 1", r2d18(SA, PE), 48.4),
            Row("SA + TAPE, G = 8", r2d18(SA, PE8), 48.8),
            Row("SA + pixel GTA, G = 1", r2d18(SA, PIXEL_1), 49.1),
            Row("SA + pixel GTA, G = 8", r2d18(SA, PIXEL), 49.6),
        ),
        seeds=6,
    ),
    "figure5": Experiment(
        "Figure 5: the number of groups (R2D-18)",
        tuple(
            Row(f"G = {groups}", r2d18(SA, gta(groups)), {1: 49.4, 8: 50.6}.get(groups))  # Table 2a
            for groups in (1, 2, 4, 8, 16, 32)
        ),
    ),
    "table2c": Experiment(
        "Table 2c: where the blocks are (R2D-18)",
        (
            Row("none", r2d18(), 17.0),
            Row("res3 + 1", r2d18(SA, GTA, placement={"res3": (1,)}), 46.2),
            Row("res4 + 1", r2d18(SA, GTA, placement={"res4": (1,)}), 46.4),
            Row("res5 + 1", r2d18(SA, GTA, placement={"res5": (1,)}), 37.4),
            Row("res3 + 1, res4 + 1", r2d18(SA, GTA, placement={"res3": (1,), "res4": (1,)}), 49.5),
            Row("res3 + 1, res4 + 2 (the paper: + 2, + 3)", r2d18(SA, GTA), 50.6),
        ),
    ),
    "tsm": Experiment(
        "Table 5: 8 and 16 frames, with and without TSM (R2D-18)",
        (
            Row("GTA, 8 frames", r2d18(SA, GTA), 50.6),
            Row("GTA, 16 frames", r2d18(SA, GTA), 52.0, SLOWFAST),
            Row("TSM, 8 frames", r2d18(tsm=True), 45.6),
            Row("TSM + GTA, 8 frames", r2d18(SA, GTA, tsm=True), 51.6),
            Row("TSM + GTA, 16 frames", r2d18(SA, GTA, tsm=True), 53.7, SLOWFAST),
        ),
    ),
    "slowfast": Experiment(
        "Table 1: SlowFast-R50 at half of its width, 16 frames",
        (
            Row("SlowFast", slowfast(), 50.9, SLOWFAST),
            Row("+ NL", slowfast(NL_BEFORE), 51.7, SLOWFAST),
            Row("+ DNL", slowfast(SA_BEFORE, TA), 52.0, SLOWFAST),
            Row("+ GTA", slowfast(SA_BEFORE, GTA), 53.4, SLOWFAST),
        ),
        seeds=6,
    ),
    "harder": Experiment("Table 2a at a harder level (R2D-18)", BRANCHES, data=HARDER),
}
"""The experiments, in the order of running."""

ENSEMBLES: dict[str, dict[str, tuple[tuple[str, ...], float | None]]] = {
    "tsm": {
        "GTA, 8 + 16 frames": (("GTA, 8 frames", "GTA, 16 frames"), None),
        "TSM + GTA, 8 + 16 frames": (("TSM + GTA, 8 frames", "TSM + GTA, 16 frames"), 56.5),
    }
}
"""By experiment and label: the rows whose probabilities are averaged, and the paper's top-1."""
