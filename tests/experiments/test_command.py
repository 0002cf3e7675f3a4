"""The command: runs what is missing, goes on, and tells mistakes."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch


@pytest.mark.slow
def test_the_command_runs_what_is_missing(ours, small, tmp_path: Path, monkeypatch, capsys):
    row = ours.tables.Row("GTA", small.model, 50.6, small.settings)
    plain = ours.tables.Row("none", small.model.model_copy(update={"blocks": (), "placement": {}}))
    plain = replace(plain, settings=small.settings)
    monkeypatch.setattr(ours.tables, "DATA", small.data)
    monkeypatch.setitem(
        ours.main.EXPERIMENTS, "table1", ours.tables.Experiment("Small", (row, plain), seeds=2)
    )
    both = {"GTA and none": (("GTA", "none"), 56.5)}
    monkeypatch.setitem(ours.tables.ENSEMBLES, "table1", both)
    out = tmp_path / "results.jsonl"

    def call(*words: str) -> str:
        where = ["--device", "cpu", "--jobs", "2", "--work", str(tmp_path), "--results", str(out)]
        monkeypatch.setattr(sys, "argv", ["experiments", "table1", *words, *where])
        ours.main.main()
        return capsys.readouterr().out

    assert "1/1 none" in call("--seeds", "1", "--row", "no*", "--commit", "abc")
    out.unlink()
    assert "2/2 " in call("--seeds", "1", "--commit", "abc")
    first = out.read_text()
    assert {json.loads(line)["commit"] for line in first.splitlines()} == {"abc"}
    assert len(first.splitlines()) == 3  # with their ensemble
    call("--seeds", "1")
    assert out.read_text() == first
    assert "2/2 " in call("--seeds", "2")
    assert out.read_text().startswith(first)
    lines = [json.loads(line) for line in out.open()]
    found = [one["run"] for one in lines]
    assert sorted(run["seed"] for run in found if "seed" in run) == [0, 0, 1, 1]
    together = [one for one in lines if "ensemble" in one["run"]]
    assert len(together) == 2
    assert all(len(one["members"]) == 2 for one in together)
    (tmp_path / "results.jsonl").rename(tmp_path / "before.jsonl")
    lines = [json.dumps(one) for one in lines if "ensemble" not in one["run"]]
    out.write_text("\n".join(lines) + "\n")
    for path in tmp_path.glob("runs/*/scores-*"):
        path.unlink()
    assert "2/2 " in call("--seeds", "1")  # for their scores alone
    assert len(out.read_text().splitlines()) == len(lines) + 1
    (tmp_path / "before.jsonl").replace(out)
    assert "table1         4 of   4 runs" in call("--list")
    done = ours.rows.Runs(ours.results.read_results(out))
    shown = ours.page.experiment_table("table1", done)
    assert "| GTA | 50.6 | " in shown
    assert " ± " in shown
    assert "| GTA and none | 56.5 | " in shown
    monkeypatch.setitem(ours.main.EXPERIMENTS, "table2b", ours.main.EXPERIMENTS["table1"])
    assert ours.page.frames_table(done).count("\n") == 3


def test_mistakes(ours, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["experiments", "table9"])
    with pytest.raises(SystemExit):
        ours.main.main()
    assert "'table9' is not an experiment; they are table1, table2b," in capsys.readouterr().err
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert ours.command.device_names("cuda") == ("cuda:0", "cuda:1")
    assert ours.command.device_names("cuda:1,cpu") == ("cuda:1", "cpu")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(SystemExit, match="there is no GPU; `--device cpu` takes hours inst"):
        ours.command.device_names("cuda")
