"""The paper's cost figures, with ours."""

from dataclasses import dataclass
from functools import cache, partial

from gta.cost import Cost, count_cost
from gta.models import MODELS, build

REGIONS = (
    "Params: 31.24 M are those of + DNL; the temporal matrices, the assignment of regions and the "
    "second branch's biases and norms are 0.085 M more, which the printed figure does not show."
)
SLOW_REGIONS = (
    "GFLOPs: 169.80 without the regions, their assignment and products. Their number is not "
    "stated; 8 gives the printed 50.2 of R2D-50 and 170.17 here. Params: 41.42 M are those of + "
    "DNL; the temporal matrices of 16 frames, the assignment and the second branch's biases and "
    "norms are 0.21 M more, which the printed figure does not show."
)
VARIANT = (
    "GFLOPs: 106 fits the 101-50-50 variant of SlowFast-R101, 6 of whose 23 blocks of res4 have "
    "temporal kernels; the 137 of the rows with blocks fits the 101-101-101 variant, as here."
)


@dataclass(frozen=True)
class Row:
    """A row of Table 1, 2b or 4: the printed figures, and the network."""

    table: str
    row: str
    model: str
    """A key of `MODELS`."""
    clip: tuple[int, int, int, int]
    """(3, T, H, W)."""
    num_classes: int
    gflops: float
    params_m: float | None
    """None: not printed."""
    note: str | None = None
    """Why the printed figures differ from ours, if they do."""


IMAGE, SLOW, DENSE, FAST = (3, 8, 224, 224), (3, 64, 256, 256), (3, 8, 256, 256), (3, 32, 256, 256)
ROWS = (
    Row("1", "R2D-50", "r2d50", IMAGE, 174, 32.7, 23.9),
    Row("1", "R2D-50 + NL", "r2d50_nl", IMAGE, 174, 61.1, 31.2),
    Row("1", "R2D-50 + DNL", "r2d50_dnl", IMAGE, 174, 49.9, 31.2),
    Row("1", "R2D-50 + GTA", "r2d50_gta", IMAGE, 174, 50.2, 31.2, REGIONS),
    Row("1", "SlowFast-R50", "slowfast50", SLOW, 174, 131.4, 34.0),
    Row("1", "SlowFast-R50 + NL", "slowfast50_nl", SLOW, 174, 239.9, 41.4),
    Row("1", "SlowFast-R50 + DNL", "slowfast50_dnl", SLOW, 174, 169.1, 41.4),
    Row("1", "SlowFast-R50 + GTA", "slowfast50_gta", SLOW, 174, 169.9, 41.4, SLOW_REGIONS),
    Row("2b", "R2D-50", "r2d50", IMAGE, 174, 32.7, 23.9),
    Row("2b", "+ SA", "r2d50_sa", IMAGE, 174, 41.7, 27.5),
    Row("2b", "+ TA", "r2d50_ta", IMAGE, 174, 41.0, 27.5),
    Row("2b", "+ SA + TA", "r2d50_dnl", IMAGE, 174, 49.9, 31.2),
    Row("2b", "+ SA + TAPE", "r2d50_tape", IMAGE, 174, 49.9, 31.2),
    Row("2b", "+ SA + GTA", "r2d50_gta", IMAGE, 174, 50.2, 31.2, REGIONS),
    Row("4", "R2D-R50 + NL", "k400_r2d50_nl", DENSE, 400, 77, None),
    Row("4", "R2D-R50 + GTA", "k400_r2d50_gta", DENSE, 400, 62, None),
    Row("4", "SlowFast-R101 + NL", "slowfast101_nl", FAST, 400, 137, None),
    Row("4", "SlowFast-R101 + GTA", "slowfast101_gta", FAST, 400, 137, None),
    Row("4", "SlowFast-R101", "slowfast101", FAST, 400, 106, None, VARIANT),
)


@cache
def paper_costs() -> tuple[tuple[Row, Cost], ...]:
    """Every cost figure of Tables 1, 2b and 4, and the cost of this package's network."""
    counted: dict[str, Cost] = {}  # Table 2b repeats rows of Table 1
    for row in ROWS:
        if row.model not in counted:
            make = partial(
                build, MODELS[row.model], num_classes=row.num_classes, num_frames=row.clip[1]
            )
            counted[row.model] = count_cost(make, row.clip)
    return tuple((row, counted[row.model]) for row in ROWS)
