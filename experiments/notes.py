"""What the tables of docs/results.md do not say themselves. Figures come from the results."""

import textwrap
from statistics import mean

from experiments.repeats import Repeats
from experiments.rows import Found
from experiments.spread import prediction_interval
from experiments.tables import EXPERIMENTS, Experiment

_ONE_SEED = """
The block as it is has {seeds} seeds, the other rows {least} each. Another seed of it would be at
{interval}: a row within that cannot be told apart from it.
"""

NOTES = {
    "table1": """
NL and DNL see no order: attention without positions treats the frames as a set, and so does the
mean over time before the classifier. They give a reversed clip the same scores and guess within the
pairs. What DNL gains is what two frames show in any order, such as how far something moved.
""",
    "table2b": """
Spatial attention alone (SA) looks within one frame, as the plain network does, and differs from it
by less than the seeds do; the paper has 0.9 points for it. TAPE sees order, but has only begun to
use it when training ends, at some seeds more than at others.
""",
    "table2a": """
With one group the pixel branch is above both branches together, where the paper has 0.3 points the
other way round: less than the seeds differ.
""",
    "table3": """
All blocks of others are blind to order, joint or decoupled: they give a reversed clip the same
scores and guess within the pairs. Decoupling gains for each of the three, as in the paper. The
pairs that are not in the paper's order are pairs of these blocks.
""",
    "region": """
Without the pixel branch beside it, the softmax over regions is not told from the two others, nor 8
regions from 4 or from 64. The rows that do differ: without a softmax 8 regions are above those of
the softmax over positions, and above 32 regions with a softmax over regions, as 4 are. Nothing
speaks for many regions.
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
channels wide) and the matrix joins every channel and frame to every other. What is the same: one
group is the worst, and from 8 on little changes, so 8 stays the default.
""",
    "table2c": """
All rows are in the paper's order, res5 as the last of the single places among them: there a frame
of 112 pixels has 4 x 4 positions left, and after the block comes nothing but the mean over them and
over the frames.
""",
    "places": """
One residual block sooner makes no difference that one seed could show.
""",
    "tsm": """
GTA adds to TSM, and TSM adds nothing to GTA that could be seen: by itself it tells nearly all pairs
from their partners, so what the shift could add is there already. The paper, whose classes are far
from that, has a point for it. With 16 frames one run with both ended with a higher loss on its
training clips than the others ({highest} against {others}) and far below them held out, which is
all that puts the row below the one of 8 frames. It is no matter of the seed: trained again for the
ensemble, the same one ended at {again}. The ensembles of 8 and 16 frames are above their members,
by little.
""",
    "slowfast": """
The fast pathway has convolutions over time and so sees order without any block. The blocks are
closer together than two seeds can tell, as they are in the paper, where all four are within 2.5
points: what can be said is that nothing here speaks against its order.
""",
    "harder": """
With slighter movements, a moving camera, more distractors and more noise the rows are far from the
ceiling and further apart. What 8 groups gain with both branches, open in Table 2a, is sure here.
The one pair in another order than the paper's, region with 8 groups and pixel with one, is closer
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
    "assignment": _ONE_SEED,
    "regions": _ONE_SEED,
    "matrix": _ONE_SEED,
    "joins": _ONE_SEED,
}
"""Of experiments whose rows have all been run."""


def note(name: str, found: Found, repeats: Repeats) -> str:
    """Markdown; empty while runs are missing."""
    experiment = EXPERIMENTS[name]
    whole = all(len(found.of(row, experiment)) >= experiment.seeds for row in experiment.rows)
    if name not in NOTES or not whole:
        return ""
    runs = [
        run["top1"] for run in found.of(EXPERIMENTS["table2b"].rows[-1], EXPERIMENTS["table2b"])
    ]
    told = NOTES[name].format(
        seeds=len(runs),
        least=min(len(found.of(row, experiment)) for row in experiment.rows),
        interval=prediction_interval(runs, repeats.spread),
        **_worst(experiment, found, repeats),
    )
    return textwrap.fill(told.strip(), 100)


def _worst(experiment: Experiment, found: Found, repeats: Repeats) -> dict[str, str]:
    """Of the last row: its highest loss, the others' mean, and where that seed ended again."""
    *others, worst = sorted(
        found.of(experiment.rows[-1], experiment), key=lambda run: run["loss"][-1]
    )
    again = [f"{100 * top1:.1f}" for top1 in repeats.of(worst["run"])]
    return {
        "highest": f"{worst['loss'][-1]:.2f}",
        "others": f"{mean(run['loss'][-1] for run in others):.2f}" if others else "",
        "again": " and ".join(again),
    }
