"""What the tables of docs/results.md do not say themselves. Figures come from the results."""

import textwrap
from statistics import correlation, mean
from typing import Any

from experiments.repeats import Repeats
from experiments.rows import Found
from experiments.spread import any_differ, prediction_interval, prediction_range
from experiments.tables import EXPERIMENTS, Experiment

_OPEN = """
The block as it is has {seeds} seeds. Another one of it would be at {interval}, and so are all runs
of the other rows{but}. A row with runs within that cannot be told apart from it.
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
All rows are in the paper's order. What regions add to pixels is less than these seeds could show:
half a point with 8 groups, where pixels alone are near the top, and no more than that at the harder
level, where they are not (below).
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
relate within each frame. TAPE with one group even loses by it, and that is a matter of how soon
again: with spatial attention before it, it has come less far when training ends (a loss of
{with_sa} against {alone}), and over those twelve runs top-1 goes with the loss (r = {r:.2f}).
""",
    "figure5": """
The paper has its best at 8 groups and less beyond, since few channels are left in each group. Here
nothing is lost beyond 8, not even at 32, where a group has one channel in res3 (a branch is 32
channels wide) and the matrix joins every channel and frame to every other. One group is below 8, as
in the paper and by more than seeds explain; 8 stays the default.
""",
    "table2c": """
All rows are in the paper's order, res5 as the last of the single places among them. The paper
suspects that too little of where things are is left there; with frames of 112 pixels it is 4 x 4
positions, and in R2D-18 nothing comes after the block but the mean over them and over the frames.
""",
    "places": """
One residual block sooner makes no difference that these seeds could show.
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
other three, by more than seeds explain and by less than in R2D, as in the paper. NL and DNL gain
nothing over the plain network that six seeds could show, where the paper has 0.8 and 1.1 points.
""",
    "harder": """
With slighter movements, a moving camera, more distractors and more noise the rows are far from the
ceiling and further apart. What 8 groups gain with both branches is more than in Table 2a. Region
with 8 groups and pixel with one, the pair in another order than the paper's, are closer together
than seeds are.
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
    "assignment": _OPEN,
    "regions": _OPEN,
    "matrix": _OPEN,
    "joins": _OPEN,
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
    """The block as it is: its seeds, where another one would be, and which runs are not there."""
    runs = top1(EXPERIMENTS["table2b"], found)["+ SA + GTA"]
    told = [
        f"{len(out)} of {count} of {label}"
        for label, (out, count) in elsewhere(experiment, found, repeats).items()
        if out
    ]
    return {
        "seeds": len(runs),
        "interval": prediction_interval(runs, repeats.spread),
        "but": f" but for {', '.join(told)}" if told else "",
    }


def elsewhere(
    experiment: Experiment, found: Found, repeats: Repeats
) -> dict[str, tuple[list[float], int]]:
    """Of each row but that of the block as it is: its runs where none of that would be; all."""
    block = EXPERIMENTS["table2b"].row("+ SA + GTA")
    within = prediction_range(found.top1(block, experiment), repeats.spread)
    rows = {
        row.label: found.top1(row, experiment)
        for row in experiment.rows
        if (row.model, row.settings) != (block.model, block.settings)
    }
    return {
        label: ([one for one in runs if within and not within[0] <= one <= within[1]], len(runs))
        for label, runs in rows.items()
    }


def _spatial(experiment: Experiment, found: Found, _: Repeats) -> dict[str, Any]:
    rows = {label: mean(runs) for label, runs in top1(experiment, found).items()}
    return {
        "sa": 100 * (rows["+ SA"] - rows["R2D"]),
        "sa_ta": 100 * (rows["+ SA + TA"] - rows["+ TA"]),
    }


def _tape(experiment: Experiment, found: Found, _: Repeats) -> dict[str, Any]:
    """TAPE with one group, alone and after spatial attention: how top-1 goes with the last loss."""
    alone, with_sa = (
        found.of(experiment.row(f"{sa}TAPE, G = 1"), experiment) for sa in ("", "SA + ")
    )
    losses = [[run["loss"][-1] for run in runs] for runs in (alone, with_sa)]
    ends = [run["top1"] for run in (*alone, *with_sa)]
    return {
        "alone": f"{mean(losses[0]):.2f}",
        "with_sa": f"{mean(losses[1]):.2f}",
        "r": correlation([*losses[0], *losses[1]], ends),
    }


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
    **{"table2b": _spatial, "region": _variance, "table7": _tape, "tsm": _worst},
    **dict.fromkeys((name for name, told in NOTES.items() if told is _OPEN), _block),
}
"""What takes the place of {} in a note."""
