"""What the tables of docs/results.md do not say themselves. Figures come from the results."""

import textwrap
from statistics import mean
from typing import Any

from experiments.repeats import Repeats
from experiments.rows import Found
from experiments.spread import any_differ, prediction_interval
from experiments.tables import EXPERIMENTS, Experiment

_ONE_SEED = """
The block as it is has {seeds} seeds, the other rows {least} each. Another seed of it would be at
{interval}: a row within that cannot be told apart from it.
"""

NOTES = {
    "table1": """
NL and DNL see no order: attention without positions treats the frames as a set, and so does the
mean over time before the classifier. Up to rounding they give a reversed clip the same scores, and
they guess within the pairs. What DNL gains is what frames tell in any order.
""",
    "table2b": """
Spatial attention alone (SA) looks within one frame, as the plain network does, and no more is
gained by it here ({sa:+.1f} points, where the paper has +0.9). TAPE sees order, but has only begun
to use it when training ends, at some seeds more than at others.
""",
    "table2a": """
With one group the pixel branch is above both branches together, where the paper has 0.3 points the
other way round: less than the seeds differ.
""",
    "table3": """
All blocks of others are blind to order, joint or decoupled: up to rounding they give a reversed
clip the same scores, and they guess within the pairs. Decoupling gains for each of the three, as in
the paper. The pairs that are not in the paper's order are of these blocks among each other, joint
with joint and decoupled with decoupled, where seeds explain what sets them apart.
""",
    "region": """
An analysis of variance over all seven rows does not tell them apart (p = {p:.2f}): neither an
assignment nor a number of regions is better than another that these seeds could show.
""",
    "table7": """
Eight groups are above one in each of the four pairs of rows, by more than in the paper. Wherever
two rows are in another order than the paper's, its better row has spatial attention: that gains
nothing here which these seeds could show (as in Table 2b), so it is outweighed by what 8 groups
gain, and by what the global matrix gains over TAPE, which has not learned the order yet when
training ends (see "Three times as many steps"). One may suspect the clips: what moves where is all
that a class of `ordered` is about, while the paper's videos have hands, objects and a scene to
relate within each frame.
""",
    "figure5": """
The paper has its best at 8 groups and less beyond, since few channels are left in each group. Here
nothing is lost beyond 8, not even at 32, where a group has one channel in res3 (a branch is 32
channels wide) and the matrix joins every channel and frame to every other. One group has the lowest
mean, as in the paper; the seeds do not settle it here but at the harder level (below), and 8 stays
the default.
""",
    "table2c": """
All rows are in the paper's order, res5 as the last of the single places among them. The paper
suspects that too little of where things are is left there; with frames of 112 pixels it is 4 x 4
positions, and in R2D-18 nothing comes after the block but the mean over them and over the frames.
""",
    "places": """
One residual block sooner makes no difference that one seed could show.
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
The fast pathway has convolutions over time and so sees order without any block. The blocks are
closer together than two seeds can tell, as they are in the paper, where all four are within 2.5
points; so is NL, which is below the plain network here and above it there.
""",
    "harder": """
With slighter movements, a moving camera, more distractors and more noise the rows are far from the
ceiling and further apart. What 8 groups gain with both branches, open in Table 2a, is more than
seeds explain here. Region with 8 groups and pixel with one, the pair in another order than the
paper's, are closer together than seeds are.
""",
    "steps": """
With three times the steps TAPE and the region branch alone come to where GTA was after a third of
them, while attention without positions stays below what is possible without order. So at least a
part of what sets these rows apart in the tables above is how soon order is learned: TAPE's loss
goes with that of the order-blind networks for a long time and then leaves it, the region branch
leaves it sooner, and GTA as a whole hardly goes with it at all. One would expect so: a matrix that
is the same for all clips has only itself to learn, while TAPE must first learn positions that its
queries and keys can tell apart.
""",
    "assignment": _ONE_SEED,
    "regions": _ONE_SEED,
    "matrix": _ONE_SEED,
    "joins": _ONE_SEED,
}
"""Of experiments whose rows have all been run. What they say is held to the results by a test."""


def note(name: str, found: Found, repeats: Repeats) -> str:
    """Markdown; empty while runs are missing."""
    experiment = EXPERIMENTS[name]
    whole = all(len(found.of(row, experiment)) >= experiment.seeds for row in experiment.rows)
    if name not in NOTES or not whole:
        return ""
    figures = _FIGURES[name](experiment, found, repeats) if name in _FIGURES else {}
    return textwrap.fill(NOTES[name].format(**figures).strip(), 100)


def top1(experiment: Experiment, found: Found) -> dict[str, list[float]]:
    """Of all runs, by the label of their row."""
    return {row.label: found.top1(row, experiment) for row in experiment.rows}


def _block(experiment: Experiment, found: Found, repeats: Repeats) -> dict[str, Any]:
    """The block as it is: its seeds, and where another one would be; the least seeds of a row."""
    runs = top1(EXPERIMENTS["table2b"], found)["+ SA + GTA"]
    return {
        "seeds": len(runs),
        "least": min(map(len, top1(experiment, found).values())),
        "interval": prediction_interval(runs, repeats.spread),
    }


def _spatial(experiment: Experiment, found: Found, _: Repeats) -> dict[str, Any]:
    runs = top1(experiment, found)
    return {"sa": 100 * (mean(runs["+ SA"]) - mean(runs["R2D"]))}


def _variance(experiment: Experiment, found: Found, _: Repeats) -> dict[str, Any]:
    return {"p": any_differ(list(top1(experiment, found).values()))}


def _worst(experiment: Experiment, found: Found, repeats: Repeats) -> dict[str, Any]:
    """Of TSM + GTA: its highest loss, the others' mean, and where that seed ended again."""
    runs = found.of(experiment.row("TSM + GTA, 16 frames"), experiment)
    *others, worst = sorted(runs, key=lambda run: run["loss"][-1])
    ends = " and ".join(f"{100 * end:.1f}" for end in repeats.of(worst["run"]))
    again = (
        f" It is no matter of the seed: trained again for the ensemble, without compiling the "
        f"step, the same one ended at {ends}."
    )
    return {
        "highest": f"{worst['loss'][-1]:.2f}",
        "others": f"{mean(run['loss'][-1] for run in others):.2f}",
        "again": again if ends else "",
    }


_FIGURES = {
    **{"table2b": _spatial, "region": _variance, "tsm": _worst},
    **dict.fromkeys((name for name, told in NOTES.items() if told is _ONE_SEED), _block),
}
"""What takes the place of {} in a note."""
