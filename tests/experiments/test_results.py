"""The results file: its lines, its log, and whose they are."""

from pathlib import Path

import pytest


@pytest.mark.parametrize("file", ["FILE", "AGAIN_FILE"])
def test_results_are_those_of_their_log(ours, logged, file: str):
    found = list(logged(getattr(ours.results, file)))
    assert found
    for one, said in found:
        assert [float(words.rpartition(" ")[2]) for words in said] == one["loss"]


def test_every_result_is_of_an_experiment(ours):
    known = {
        ours.rows.without_seed(job.identity())
        for experiment in ours.tables.EXPERIMENTS.values()
        for _, job in experiment.jobs(1)
    }
    for name in ours.tables.ENSEMBLES:
        known |= {ours.results.key(identity) for _, identity, _ in ours.ensembles.members(name, 9)}
    results = ours.results.read_results()
    assert results
    for result in results:
        assert ours.rows.without_seed(result["run"]) in known
        assert 0 < result["top1"] < 1
        assert result["commit"] != "unknown"


def test_half_a_line_is_no_result(ours, tmp_path: Path, capsys):
    path = tmp_path / "results.jsonl"
    ours.results.append_result({"run": 1}, path)
    with path.open("ab") as file:
        file.write(b'{"run": 2, "to')
    assert ours.results.read_results(path) == [{"run": 1}]
    assert "the last line is not whole; that run counts as not done" in capsys.readouterr().out
    ours.results.append_result({"run": 3}, path)
    assert [result["run"] for result in ours.results.read_results(path)] == [1, 3]
