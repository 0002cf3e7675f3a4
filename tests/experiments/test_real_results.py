"""Real clips: the jobs, the results file and its log."""

import json
from dataclasses import asdict
from itertools import product

import pytest

BLIND = ("no attention", "NL", "DNL")


def test_jobs_of_a_folder_of_ones_own(ours, clips):
    task = ours.real.task_of("mine", clips, arrow=False)
    assert task == ours.real.Task(("folds", "split"))
    assert ours.real.task_of("sit-stand", clips, arrow=False) == ours.real.TASKS["sit-stand"]
    clips.is_train[:] = True
    assert ours.real.task_of("mine", clips, arrow=True) == ours.real.Task(("folds",), arrow=True)
    clips.scenes[:] = -1  # nobody knows where they were taken
    known = ours.real.task_of("sit-stand", clips, arrow=False)
    assert known == ours.real.Task(("folds", "split"), arrow=True)
    clips.classes.append("third")
    with pytest.raises(SystemExit, match="mine has 3 classes; the arrow of time is asked of two"):
        ours.real.task_of("mine", clips, arrow=True)
    with pytest.raises(ValueError, match="the arrow of time needs two classes, got 3"):
        ours.real_items.make_items(clips, arrow=True, held_out="folds", seed=0)
    with pytest.raises(ValueError, match="held_out='fold' is not possible; it is one of folds, sp"):
        ours.real_items.make_items(clips, arrow=False, held_out="fold", seed=0)
    jobs = ours.real.all_jobs({"mine": task}, seeds=2)
    assert len(jobs) == len({json.dumps(job.identity(), sort_keys=True) for job in jobs})
    assert len(jobs) == 2 * 2 * 2 * len(ours.real_runs.MODELS)
    assert not any(job.arrow or job.augment != "none" for job in jobs)


def test_every_real_result_is_of_a_job(ours):
    jobs = ours.real.all_jobs(ours.real.TASKS, seeds=9)
    known = {ours.results.key(job.identity()) for job in jobs}
    results = ours.results.read_results(ours.results.REAL_FILE)
    assert results
    for seed, (folder, task) in product(range(9), ours.real.TASKS.items()):
        for held_out, name in product(task.held_out, ours.real_baselines.BASELINES):
            about = ours.real_baselines.identity(name, folder, held_out, seed, arrow=task.arrow)
            known.add(ours.results.key(about))
    for result in results:
        assert ours.results.key(result["run"]) in known
        assert result["commit"] != "unknown"


def test_blind_networks_are_at_one_half_in_the_results(ours):
    blind = [ours.real_runs.MODELS[name].model_dump(mode="json") for name in BLIND]
    found = [
        one["top1"]
        for one in ours.results.read_results(ours.results.REAL_FILE)
        if one["run"]["arrow"]
        and (
            one["run"].get("model") in blind
            or one["run"].get("baseline") == ours.real_baselines.BASELINES[1]
        )
    ]
    assert found
    assert set(found) == {0.5}


def test_real_results_are_those_of_their_log(ours, logged):
    found = list(logged(ours.results.REAL_FILE))
    assert found
    for one, said in found:
        right = [int(words.split(", ")[1].split()[0]) for words in said]
        assert round(sum(right) / one["items"], 5) == one["top1"]


def test_what_the_page_counts(ours):
    """Of made-up results: scenes, what is beyond chance, and what starting from `ordered` gains."""
    real, sections = ours.report_real, ours.report_real.SECTIONS
    settings = asdict(ours.real_runs.SETTINGS)

    def run(name: str, section, start: str, top1: float, seed: int = 0) -> dict:
        model = ours.real_runs.MODELS[name].model_dump(mode="json")
        about = {"model": model, "settings": settings, "start": start, "seed": seed}
        where = {"task": section.task, "held_out": section.held_out, "arrow": section.arrow}
        return {"run": {**about, **where}, "top1": top1, "items": 62}

    _, split, scenes, known, *_, wagon = sections
    results = [
        *(run("GTA", known, "scratch", top1, seed) for seed, top1 in enumerate((0.94, 0.96))),
        run("GTA", scenes, "scratch", 0.85),
        run("TSM", known, "ordered", 0.9),
        run("TSM", scenes, "ordered", 0.5),
        run("TSM", scenes, "scratch", 0.5),  # nothing to compare it with
        run("GTA", split, "scratch", 0.9),
        run("TSM", split, "scratch", 0.6),
        run("NL", split, "scratch", 0.5),
        *(run("no attention", wagon, "scratch", 0.5 + 0.01 * seed, seed) for seed in range(3)),
        *(run("NL", wagon, "scratch", 0.51 + 0.01 * seed, seed) for seed in range(3)),
        *(run("GTA", wagon, "scratch", 0.6 + 0.01 * seed, seed) for seed in range(3)),
        *(run("GTA", wagon, "ordered", 0.7 + 0.01 * seed, seed) for seed in range(3)),
    ]
    assert real.new_scenes(results) == pytest.approx({"least": 10, "most": 40})
    assert real.beyond_chance(results) == {"figures": "2", "beyond": "there is 1"}
    assert real.above_none(results, wagon) == {"who": "GTA from scratch is", "comparisons": "2"}
    near = [
        run(name, wagon, start, top1 + 0.01 * seed, seed)
        for name, start, top1 in (
            ("no attention", "scratch", 0.5),
            ("NL", "scratch", 0.524),  # p = 0.042, and with another comparison 0.084
            ("no attention", "ordered", 0.5),
            ("NL", "ordered", 0.5),
        )
        for seed in range(3)
    ]
    assert real.above_none(near[:6], wagon) == {"who": "NL from scratch is", "comparisons": "1"}
    assert real.above_none(near, wagon) == {"who": "None is", "comparisons": "2"}
    assert real.above_none([], wagon)["who"] == "None is"
    _, told, table = real.worth(results).split("\n\n")
    told = told.replace("\n", " ")
    assert "1 of 1 leave zero out" in told
    assert told.endswith(": GTA (wagon, folds).")
    assert table.splitlines() == [
        "| | sit-stand, folds | sit-stand, split | sit-stand, scenes | sit-stand, folds of known "
        "scenes | wagon, folds |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| GTA |  |  |  |  | +10.0 (+7.7 to +12.3) |",
    ]
    assert real.worth([]) == ""
    assert real.told_again(ours.repeats.Repeats()) == ""
    again = real.told_again(ours.repeats.Repeats(apart=[(0.5, 0.02), (0.9, 0.06)]))
    assert "2 of the runs" in again.replace("\n", " ")
    assert "4.0 points from the one in the file in the mean and 6 at most" in again.replace(
        "\n", " "
    )
