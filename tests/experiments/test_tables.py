"""Rows are networks that can be built, and carry the printed figures."""

from pathlib import Path

import torch

ROOT = Path(__file__).parent.parent.parent


def test_rows_are_networks_that_can_be_built(ours):
    jobs = {}
    for experiment in ours.tables.EXPERIMENTS.values():
        jobs |= {job.model.model_dump_json(): job for _, job in experiment.jobs(1)}
        assert len({row.label for row in experiment.rows}) == len(experiment.rows)
    with torch.device("meta"):
        for job in jobs.values():
            job.network()


def test_the_papers_figures_are_those_of_its_tables(ours):
    """Against a copy of what is printed, by hand, from Tables 1, 2, 3, 5 and 7."""
    printed = {
        "table1": [17.0, 31.2, 38.8, 50.6],
        "table2a": [50.6, 49.6, 47.9, 49.4, 49.1, 46.3],
        "table2b": [17.0, 17.9, 37.6, 38.8, 48.4, 50.6],
        "table2c": [17.0, 46.2, 46.4, 37.4, 49.5, 50.6],
        "table3": [26.7, 37.4, 28.4, 39.0, 33.2, 38.6, 50.6],
        "table7": [46.5, 47.2, 48.0, 48.5, 48.4, 48.8, 49.1, 49.6],
        "slowfast": [50.9, 51.7, 52.0, 53.4],
        "tsm": [50.6, 52.0, 45.6, 51.6, 53.7],
        "figure5": [49.4, None, None, 50.6, None, None],
    }
    for name, values in printed.items():
        assert [row.paper for row in ours.tables.EXPERIMENTS[name].rows] == values


def test_the_harder_level_is_the_one_in_the_docs(ours):
    knobs = ours.tables.HARDER.difficulty
    told = (ROOT / "docs" / "data.md").read_text(encoding="utf-8").replace("\n", " ")
    assert (
        f"stillness {knobs.stillness}, reach {knobs.reach}, camera {knobs.camera:g}, distractors "
        f"{knobs.distractors}, noise {knobs.noise:g}."
    ) in told
