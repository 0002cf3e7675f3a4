"""What the tables of docs/results.md do not say themselves. Figures come from the results."""

from statistics import mean
from typing import Any

from experiments.markdown import filled
from experiments.repeats import Repeats
from experiments.results import Result
from experiments.rows import Found
from experiments.spread import Apart, apart_from
from experiments.tables import EXPERIMENTS

CONTROLS = {
    "assignment": "softmax_regions",
    "regions": "R = 8",
    "region": "R = 8, softmax_regions",
    "matrix": "as other weights",
    "joins": "a norm from zero for each half and branch",
    "figure5": "G = 8",
}
"""The row of the block as it is, which the others are compared with."""
_CONTROL = """
Compared with "{control}" and its {seeds} seeds, {told} (t-tests with one spread for all rows, p <
0.05 after Bonferroni's correction). What is less than {reach:.1f} points apart would hardly show.
"""

NOTES = {
    "table1": """
NL and DNL see no order: attention without positions treats the frames as a set, and so does the
mean over time before the classifier. Up to rounding they give a reversed clip the same scores, and
they guess within the pairs. What DNL gains is what frames tell in any order.
""",
    "table2b": """
Spatial attention (SA) looks within one frame, as the plain network does, and nothing is gained by
it here that six seeds could show, neither alone ({sa:+.1f} points, where the paper has +0.9) nor
before attention over time ({sa_ta:+.1f}, where it has +1.2). TAPE sees order, but has only begun to
use it when training ends, at some seeds more than at others.
""",
    "table2a": """
All rows are in the paper's order. What regions add to pixels with 8 groups is half a point, where
pixels alone are near the top, and just more than seeds explain; at the harder level (below), where
they are not near it, three seeds leave open what regions add.
""",
    "table3": """
All blocks of others are blind to order, joint or decoupled: up to rounding they give a reversed
clip the same scores, and they guess within the pairs. Decoupling gains for each of the three, as in
the paper. The pairs that are not in the paper's order are of these blocks among each other, joint
with joint and decoupled with decoupled, where seeds explain what sets them apart.
""",
    "region": _CONTROL,
    "table7": """
Eight groups are above one with GTA, alone and after spatial attention, by more than seeds explain
and by more than in the paper; with TAPE seeds are too far apart to tell. Wherever two rows are in
another order than the paper's, its better row has spatial attention: that gains nothing here which
these seeds could show (as in Table 2b), so it is outweighed by what 8 groups gain, and by what the
global matrix gains over TAPE, which has learned only a part of the order when training ends (see
"Three times as many steps"). One may suspect the clips: what moves where is all that a class of
`ordered` is about, while the paper's videos have hands, objects and a scene to relate within each
frame. TAPE with one group is even lower after spatial attention, but that hangs on single runs: one
of the twelve, made twice, ended at {ends}, and with the better time it is open.
""",
    "figure5": """
The paper has its best at 8 groups and less beyond, since few channels are left in each group. Here
nothing is lost beyond 8, not even at 32, where a group has one channel in res3 (a branch is 32
channels wide) and the matrix joins every channel and frame to every other.
"""
    + _CONTROL.lstrip(),
    "table2c": """
All rows are in the paper's order, res5 as the last of the single places among them. The paper
suspects that too little of where things are is left there; with frames of 112 pixels it is 4 x 4
positions, and in R2D-18 nothing comes after the block but the mean over them and over the frames.
""",
    "places": """
One residual block sooner has been run once, and ended where the better of the two others did: that
is no test, and gives no reason to change.
""",
    "tsm": """
GTA adds to TSM, and TSM adds nothing to GTA that could be seen: by itself it tells nearly all pairs
from their partners, so what the shift could add is there already. The paper, whose classes are far
from that, has a point for it. With 16 frames one run with both ended with a higher loss on its
training clips than the others ({highest} against {others}) and far below them held out, which is
what puts the row below the one of 8 frames.{again} Without that run, both and GTA alone are as
close together as with 8 frames. The ensembles of 8 and 16 frames, of one view here and of 3 x 2 in
the paper, are above their members, by little.
""",
    "slowfast": """
The fast pathway has convolutions over time and so sees order without any block. GTA is above the
other three, as in the paper and as there by less than in R2D; whether by more than seeds explain
hangs on how many comparisons one corrects for: each of the three has p < 0.05 by itself. NL and DNL
gain nothing over the plain network that six seeds could show, where the paper has 0.8 and 1.1
points.
""",
    "harder": """
With slighter movements, a moving camera, more distractors and more noise the rows are far from the
ceiling and further apart. What 8 groups gain with both branches is more than in Table 2a. Region
with 8 groups and pixel with one, the pair in another order than the paper's, are closer together
than seeds are.
""",
    "steps": """
With three times the steps (one seed each) TAPE and the region branch alone come to where GTA was
after a third of them, while attention without positions stays below what is possible without order.
So at least a part of what sets these rows apart in the tables above is how soon order is learned:
TAPE's loss goes with that of the order-blind networks for a long time and then leaves it, the
region branch leaves it sooner, and GTA as a whole hardly goes with it at all. One would expect so:
a matrix that is the same for all clips has only itself to learn, while TAPE must first learn
positions that its queries and keys can tell apart.
""",
    **dict.fromkeys(("assignment", "regions", "matrix", "joins"), _CONTROL),
}
"""Of experiments whose rows have all been run. What they say is held to the results by a test."""


def note(name: str, found: Found, repeats: Repeats) -> str:
    """Markdown; empty while runs are missing."""
    experiment = EXPERIMENTS[name]
    whole = all(len(found.of(row, experiment)) >= experiment.seeds for row in experiment.rows)
    if name not in NOTES or not whole:
        return ""
    figures = _FIGURES[name](name, found, repeats) if name in _FIGURES else {}
    return filled(NOTES[name].format(**figures))


def top1(name: str, found: Found) -> dict[str, list[float]]:
    """Of all runs of an experiment, by the label of their row."""
    experiment = EXPERIMENTS[name]
    return {row.label: found.top1(row, experiment) for row in experiment.rows}


def runs_of(name: str, label: str, found: Found) -> list[Result]:
    """Of one row."""
    experiment = EXPERIMENTS[name]
    return found.of(experiment.row(label), experiment)


def compared(name: str, found: Found, repeats: Repeats) -> dict[str, Apart]:
    """How far each other row of these experiments is above the block as it is."""
    rows = top1(name, found)
    control = rows.pop(CONTROLS[name])
    return apart_from(control, rows, repeats.spread)


def _compared(name: str, found: Found, repeats: Repeats) -> dict[str, Any]:
    apart = compared(name, found, repeats)
    told = [
        f'"{label}" is {100 * abs(one.mean):.1f} points {"higher" if one.mean > 0 else "lower"}'
        for label, one in apart.items()
        if one.is_sure
    ]
    rest = "and no other row can be told from it" if told else "no row can be told from it"
    return {
        "control": CONTROLS[name],
        "seeds": len(top1(name, found)[CONTROLS[name]]),
        "told": ", ".join([*told, rest]),
        "reach": 100 * max(one.high - one.mean for one in apart.values()),
    }


def _spatial(name: str, found: Found, _: Repeats) -> dict[str, Any]:
    rows = {label: mean(values) for label, values in top1(name, found).items()}
    return {
        "sa": 100 * (rows["+ SA"] - rows["R2D"]),
        "sa_ta": 100 * (rows["+ SA + TA"] - rows["+ TA"]),
    }


def _tape(name: str, found: Found, repeats: Repeats) -> dict[str, Any]:
    """Where the run of SA + TAPE with one group ended that has been furthest from itself."""
    runs = runs_of(name, "SA + TAPE, G = 1", found)
    ends = [[run["top1"], *repeats.of(run["run"])] for run in runs]
    furthest = max(ends, key=lambda one: max(one) - min(one))
    return {"ends": " and ".join(f"{100 * end:.1f}" for end in sorted(furthest))}


def _worst(name: str, found: Found, repeats: Repeats) -> dict[str, Any]:
    """Of TSM + GTA: its highest loss, the others' mean, and where that seed ended again."""
    runs = runs_of(name, "TSM + GTA, 16 frames", found)
    *others, worst = sorted(runs, key=lambda run: run["loss"][-1])
    ends = " and ".join(f"{100 * end:.1f}" for end in repeats.of(worst["run"]))
    again = (
        f" The seed need not be to blame: trained again for the ensemble, without compiling the "
        f"step, the same one ended at {ends}."
    )
    return {
        "highest": f"{worst['loss'][-1]:.2f}",
        "others": f"{mean(run['loss'][-1] for run in others):.2f}",
        "again": again if ends else "",
    }


_FIGURES = {
    **{"table2b": _spatial, "table7": _tape, "tsm": _worst},
    **dict.fromkeys(CONTROLS, _compared),
}
"""What takes the place of {} in a note."""
