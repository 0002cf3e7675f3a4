"""Real clips: the jobs, the results file and its log."""

import json
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
    with pytest.raises(SystemExit, match="mine has 3 classes; the arrow of time needs two that"):
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
