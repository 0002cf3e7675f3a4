"""What the tables of docs/results.md do not say themselves. Figures come from the results."""

from experiments.rows import Found
from experiments.spread import prediction_interval
from experiments.tables import EXPERIMENTS

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


def note(name: str, found: Found) -> str:
    """Markdown; empty while runs are missing."""
    experiment = EXPERIMENTS[name]
    whole = all(len(found.of(row, experiment)) >= experiment.seeds for row in experiment.rows)
    if name not in NOTES or not whole:
        return ""
    runs = [
        run["top1"] for run in found.of(EXPERIMENTS["table2b"].rows[-1], EXPERIMENTS["table2b"])
    ]
    return (
        NOTES[name]
        .strip()
        .format(
            seeds=len(runs),
            least=min(len(found.of(row, experiment)) for row in experiment.rows),
            interval=prediction_interval(runs),
        )
    )
