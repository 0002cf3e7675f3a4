"""Real clips: the command, from videos to tables."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gta.ordered import render_clip
from gta.ordered.files import write_webm


@pytest.mark.slow
def test_the_command(ours, job, tmp_path: Path, monkeypatch, capsys):
    for split in ("train", "val"):
        for name in ("sit", "stand"):
            (tmp_path / "videos/sit-stand" / split / name).mkdir(parents=True)
            for i in range(3):
                path = tmp_path / "videos/sit-stand" / split / name / f"{i}.webm"
                write_webm(path, render_clip("up", seed=i), fps=12)
    out = tmp_path / "real.jsonl"

    def call(*words: str) -> str:
        where = ["--work", str(tmp_path / "work"), "--results", str(out), "--device", "cpu"]
        monkeypatch.setattr(sys, "argv", ["experiments.real", "sit-stand", *words, *where])
        ours.real.main()
        return capsys.readouterr().out

    with pytest.raises(SystemExit):
        call()
    assert "sit-stand.npz is missing; make it with --reduce VIDEOS" in capsys.readouterr().err
    call("--reduce", str(tmp_path / "videos"))
    clips = ours.real_clips.load_real(tmp_path / "work/sit-stand.npz")
    assert clips.frames.shape == (12, 32, 128, 170, 3)
    assert clips.is_train.tolist() == [True] * 6 + [False] * 6
    assert clips.labels.tolist() == [0, 0, 0, 1, 1, 1] * 2
    assert clips.scenes.tolist() == [-1] * 12
    short = replace(job, settings=replace(job.settings, steps=1))
    jobs = [replace(short, held_out=held_out) for held_out in ("folds", "split")]
    monkeypatch.setattr(ours.real, "all_jobs", lambda *_: jobs)
    monkeypatch.setitem(ours.real.TASKS, "sit-stand", ours.real.Task(("folds", "split"), True))
    printed = call("--jobs", "1", "--commit", "abc", "--seeds", "1")
    assert "task sit-stand, held_out split, seed 0, none from scratch: 50.0%" in printed
    everything = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(everything) == 2 * 2 + 2
    found = [one for one in everything if "model" in one["run"]]
    assert [one["items"] for one in found] == [24, 12]
    assert all(one["top1"] == 0.5 for one in found)
    said = ours.logs.read_log(ours.logs.log_file(out))
    for one in found:
        (words,) = said[ours.logs.run_id(one["run"])]
        assert words[0] == "begins on cpu, commit abc"
        assert words[-1].startswith("ends: top-1 0.5, ")
        assert len(words) == 2 + len(one["by_fold"])
    call("--seeds", "1")
    assert len(out.read_text().splitlines()) == 6  # nothing again
    assert "| no attention |" not in printed  # with other settings than the page's
    monkeypatch.setattr(ours.real_page, "SETTINGS", short.settings)
    printed = call("--seeds", "1")
    blind = "| 50.0 by construction | 50.0 by construction |"
    assert "sit-stand:\n|  | folds | split |\n" in printed
    assert f"\n| no attention {blind}\n" in printed
    assert f"\n| SVM, frames without order {blind}\n" in printed


@pytest.mark.slow
def test_weights_are_of_the_run_with_the_same_seed(
    ours, job, small, clips, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(ours.real_runs, "SMALL", small.settings)
    monkeypatch.setattr(ours.real_runs, "DATA", small.data)
    short = replace(job, settings=replace(job.settings, steps=1))
    first, second = (replace(short, start="ordered", seed=seed) for seed in (0, 1))
    assert second.pretraining == replace(small, model=job.model, seed=1)
    assert second.identity()["pretraining"] == second.pretraining.identity()
    limits, said = ours.workers.Limits(jobs=1, devices=("cpu",)), []

    def pretrain() -> int:
        jobs = [short, first, second, replace(second, held_out="folds")]
        return ours.real.pretrain(jobs, limits, tmp_path, lambda *words: said.append(words))

    assert pretrain() == 0
    runs = [ours.logs.run_id(one.pretraining.identity()) for one in (first, second)]
    assert [run for run, words in said if words.startswith("begins")] == runs
    one, other = (ours.runs.read_weights(each.pretraining, tmp_path) for each in (first, second))
    assert any(not one.state[name].equal(other.state[name]) for name in one.state)
    run = ours.real.runner(tmp_path, {"sit-stand": clips}, torch.device("cpu"))
    assert run(second, print)["pretraining_top1"] == other.top1
    assert "pretraining_top1" not in run(short, print)
    said.clear()
    assert pretrain() == 0
    assert not said  # they are there
