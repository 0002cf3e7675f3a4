"""The tables of real clips."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import product

from experiments.markdown import table
from experiments.real_baselines import BASELINES
from experiments.real_runs import MODELS, SETTINGS, STARTS
from experiments.results import Result, by_key, key
from experiments.significance import mean_interval, mean_std, span

BLIND = ("no attention", "NL", "DNL", BASELINES[1])
"""Models whose scores do not depend on the order of frames."""


@dataclass(frozen=True)
class Column:
    """A column: runs on a set of clips with a kind of held-out part."""

    head: str
    task: str
    held_out: str
    arrow: bool = False
    augment: str = "none"

    def runs(self, latest: Iterable[Result], name: str, start: str = "") -> list[Result]:
        """The runs of a network of `MODELS`, or of a baseline, which has no start."""
        wanted = {"task": self.task, "held_out": self.held_out, "arrow": self.arrow}
        if start:
            wanted["start"] = start
            how = {"model": MODELS[name].model_dump(mode="json"), "settings": asdict(SETTINGS)}
        else:
            wanted["baseline"], how = name, {}
        return [
            result
            for result in latest
            if wanted.items() <= result["run"].items()
            and result["run"].get("augment", "none") == self.augment
            and key({part: result["run"][part] for part in how}) == key(how)
        ]


FOLDS = Column("sit-stand, 5-fold", "sit-stand", "folds", arrow=True)
SPLIT = Column("sit-stand, own split", "sit-stand", "split", arrow=True)
WAGON = Column("wagon, 5-fold", "wagon", "folds")
SCENES = Column("leave one scene out", "sit-stand", "scenes", arrow=True)
KNOWN = Column("5-fold, same clips", "sit-stand", "folds of known scenes", arrow=True)
NEGATIVES = Column("own split, negatives", "sit-stand", "split", True, "negatives")
PAN = Column("own split, moving camera", "sit-stand", "split", True, "pan")
REAL_TABLES = {"real": (FOLDS, SPLIT, WAGON), "scenes": (SCENES, KNOWN, NEGATIVES, PAN)}


def interval(runs: Sequence[Result], column: Column) -> tuple[float, float]:
    """Wilson's interval; a clip and its reversed copy count as one."""
    return mean_interval([run["top1"] for run in runs], runs[0]["items"] // (1 + column.arrow))


def real_table(results: Sequence[Result], columns: Sequence[Column]) -> str:
    """A line for each network and start, then the baselines, which have no start."""
    lines, latest = [], by_key(results).values()
    for name, start in [*product(MODELS, STARTS), *((name, "") for name in BASELINES)]:
        cells = [_cell(column, column.runs(latest, name, start), name) for column in columns]
        if any(cells):
            lines.append([name + (" from `ordered`" if start == "ordered" else ""), *cells])
    return table(["", *(column.head for column in columns)], lines)


def _cell(column: Column, runs: Sequence[Result], name: str) -> str:
    if not runs:
        return ""
    values = [run["top1"] for run in runs]
    if column.arrow and name in BLIND and set(values) == {0.5}:
        return "50.0 by construction"
    return f"{mean_std(values)} ({span(interval(runs, column), 0)})"
