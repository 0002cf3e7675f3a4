"""The runs of a row."""

from collections.abc import Iterator, Sequence
from typing import Any

from experiments.results import Result, by_key, key
from experiments.tables import EXPERIMENTS, SMALL, Experiment, Row


class Found:
    """Results, by what they are of."""

    def __init__(self, results: Sequence[Result]):
        self._runs = by_key(results)
        self._rows: dict[str, list[Result]] = {}
        for result in sorted(self._runs.values(), key=lambda one: one["run"].get("seed", 0)):
            self._rows.setdefault(without_seed(result["run"]), []).append(result)

    def of(self, row: Row, experiment: Experiment) -> list[Result]:
        """All finished runs of a row, whatever their seeds."""
        return self._rows.get(without_seed(experiment.job(row, 0).identity()), [])

    def all(self) -> Iterator[list[Result]]:
        """The runs of each row, by their seeds; ensembles are rows too."""
        yield from self._rows.values()

    def top1(self, row: Row, experiment: Experiment) -> list[float]:
        """That of each of those runs."""
        return [run["top1"] for run in self.of(row, experiment)]

    def get(self, identity: dict[str, Any]) -> Result | None:
        """One run, or an ensemble."""
        return self._runs.get(key(identity))


def short_rows(names: Sequence[str]) -> Iterator[tuple[str, Row, str]]:
    """Experiment, row and label of each network that these train with as few frames as most."""
    shown = set[str]()
    for name in names:
        for row in EXPERIMENTS[name].rows:
            model = row.model.model_dump_json()
            if model not in shown and row.settings.num_frames == SMALL.num_frames:
                shown.add(model)
                yield name, row, row.label.removesuffix(f", {SMALL.num_frames} frames")


def without_seed(identity: dict[str, Any]) -> str:
    """The same for all runs of a row."""
    return key({name: value for name, value in identity.items() if name != "seed"})
