"""The runs of a row."""

from experiments.results import Result, key
from experiments.tables import Experiment, Row


def found_runs(row: Row, experiment: Experiment, done: dict[str, Result]) -> list[Result]:
    """Those that are finished."""
    keys = [key(job.identity()) for one, job in experiment.jobs() if one is row]
    return [done[one] for one in keys if one in done]
