"""The runs of a row."""

from collections.abc import Iterator, Sequence
from typing import Any

from experiments.repeats import Repeats, read_repeats
from experiments.results import Result, by_key, key, read_results
from experiments.tables import EXPERIMENTS, SMALL, Row


class Runs:
    """Finished runs by row, in the order of their seeds."""

    def __init__(self, results: Sequence[Result], repeats: Repeats | None = None):
        self.repeats = repeats or Repeats()
        self._latest = by_key(results)
        self.rows: dict[str, list[Result]] = {}
        for result in sorted(self._latest.values(), key=lambda run: run["run"].get("seed", 0)):
            self.rows.setdefault(without_seed(result["run"]), []).append(result)

    def of(self, experiment: str, label: str) -> list[Result]:
        """All runs of a row."""
        about = EXPERIMENTS[experiment]
        return self.rows.get(without_seed(about.job(about.row(label), 0).identity()), [])

    def top1(self, experiment: str, label: str) -> list[float]:
        return [run["top1"] for run in self.of(experiment, label)]

    def get(self, identity: dict[str, Any]) -> Result | None:
        """One run, or an ensemble."""
        return self._latest.get(key(identity))


def read_runs() -> Runs:
    """The runs in the repository."""
    results = read_results()
    return Runs(results, read_repeats(results))


def short_rows(names: Sequence[str]) -> Iterator[tuple[str, Row]]:
    """Experiment and row of each network, once, with the usual number of frames."""
    shown = set[str]()
    for name in names:
        for row in EXPERIMENTS[name].rows:
            model = row.model.model_dump_json()
            if model not in shown and row.settings.num_frames == SMALL.num_frames:
                shown.add(model)
                yield name, row


def without_seed(identity: dict[str, Any]) -> str:
    """The same for all runs of a row."""
    return key({name: value for name, value in identity.items() if name != "seed"})
