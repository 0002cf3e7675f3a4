"""Real clips: what is held out, what is backwards, and a run from end to end."""

import importlib
import json
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from gta.data.ordered import render_clip
from gta.data.ordered.files import write_webm

ROOT = Path(__file__).parent.parent.parent
NAMES = (
    *(
        "real",
        "real_baselines",
        "real_batches",
        "real_clips",
        "real_gap",
        "real_items",
        "real_runs",
        "report_real",
    ),
    *("logs", "results", "settings", "weights"),
)
BLIND = ("no attention", "NL", "DNL")


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.syspath_prepend(str(ROOT))
    return SimpleNamespace(
        **{name: importlib.import_module(f"experiments.{name}") for name in NAMES}
    )


def made(ours, count: int = 20):
    """Clips whose class is how their brightness goes: up or down."""
    frames = torch.empty(count, 32, 128, 170, 3, dtype=torch.uint8)
    labels = torch.arange(count) % 2
    for i, label in enumerate(labels):
        ramp = torch.linspace(0, 200, 32).to(torch.uint8) + i
        frames[i] = (ramp if label else ramp.flip(0))[:, None, None, None]
    scenes = torch.where(torch.arange(count) < 14, torch.arange(count) // 2 % 3, -1)
    return ours.real_clips.RealClips(
        frames, labels, torch.arange(count) < 14, ["down", "up"], scenes
    )


def test_copies_share_a_fold_and_have_the_other_label(ours):
    clips = made(ours)
    items = ours.real_items.make_items(clips, arrow=True, held_out="folds", seed=3)
    count = len(clips.labels)
    assert len(items.labels) == 2 * count
    assert items.folds[:count].equal(items.folds[count:])
    assert items.labels[:count].equal(1 - items.labels[count:])
    assert items.backwards.tolist() == [False] * count + [True] * count
    for label in (0, 1):  # each fold has its share of each class
        folds = items.folds[:count][clips.labels == label]
        assert torch.bincount(folds, minlength=5).tolist() == [2] * 5
    other = ours.real_items.make_items(clips, arrow=True, held_out="folds", seed=4)
    assert not other.folds.equal(items.folds)
    split = ours.real_items.make_items(clips, arrow=False, held_out="split", seed=0)
    assert split.folds.tolist() == [-1] * 14 + [0] * 6
    assert not split.backwards.any()
    ((fold, training, held_out),) = ours.real_items.each_fold(split)
    assert (fold, len(training.labels), len(held_out.labels)) == (0, 14, 6)


def test_scenes_are_held_out_whole(ours):
    clips = made(ours)
    items = ours.real_items.make_items(clips, arrow=True, held_out="scenes", seed=0)
    folds = list(ours.real_items.each_fold(items))
    assert [fold for fold, _, _ in folds] == [0, 1, 2]
    for _, training, held_out in folds:
        assert len(training.labels) + len(held_out.labels) == 28  # of 14 clips with a scene
        assert not set(clips.scenes[training.clips].tolist()) & set(
            clips.scenes[held_out.clips].tolist()
        )
    same = ours.real_items.make_items(clips, arrow=True, held_out="folds of known scenes", seed=0)
    assert set(same.clips.tolist()) == set(items.clips.tolist())
    assert len(list(ours.real_items.each_fold(same))) == 5


def test_the_support_vector_machine_without_order_is_right_in_half(ours):
    clips = made(ours)
    ordered, blind = (
        ours.real_baselines.run_baseline(
            ours.real_baselines.identity(name, "sit-stand", "folds", 0, arrow=True), clips
        )
        for name in ours.real_baselines.BASELINES
    )
    assert (ordered["top1"], blind["top1"], ordered["items"]) == (1, 0.5, 40)


@pytest.fixture
def job(ours):
    settings = ours.settings.Settings(steps=40, batch_size=8, num_frames=8, crop=32, lr=2e-3)
    return ours.real_runs.RealJob(
        "no attention", "sit-stand", "split", "scratch", 0, True, settings=settings
    )


def tiny(ours, monkeypatch, *names: str) -> None:
    models = importlib.import_module("gta.models").MODELS
    for name, model in zip(("no attention", "GTA"), names, strict=False):
        monkeypatch.setitem(ours.real_runs.MODELS, name, models[model])


def test_blind_networks_are_right_in_exactly_half_and_gta_sees_the_order(ours, job, monkeypatch):
    tiny(ours, monkeypatch, "tiny", "tiny_gta")
    clips, device = made(ours), torch.device("cpu")
    blind = ours.real_runs.run_real(job, clips, None, device)
    assert blind["top1"] == 0.5
    assert blind["items"] == 12
    gta = ours.real_runs.run_real(replace(job, name="GTA"), clips, None, device)
    assert gta["top1"] > 0.9
    assert ours.real_runs.run_real(replace(job, name="GTA"), clips, None, device) == gta


def test_training_clips_are_crops_of_their_items(ours, job):
    clips = made(ours)
    clips.frames[:, :, :, :, 0] = torch.arange(170)  # red tells the column
    items = ours.real_items.make_items(clips, arrow=True, held_out="split", seed=0)
    job = replace(job, settings=replace(job.settings, steps=5))
    batch = ours.real_batches.batches(clips.frames, items, job.settings, np.random.default_rng(0))
    mirrored = set()
    for number in range(5):
        taken, labels = batch(torch.tensor(number))
        assert taken.shape == (8, 3, 8, 32, 32)
        rises = taken[:, 1, -1, 0, 0].int() > taken[:, 1, 0, 0, 0].int()
        assert rises.long().equal(labels)  # also of copies that run backwards
        steps = taken[:, 0, 0, 0].int().diff(dim=1)
        assert (steps.abs() == 1).all()
        mirrored |= set(steps[:, 0].tolist())
    assert mirrored == {-1, 1}


def augmented(ours, job, clips, augment: str):
    """Ten batches, from the same draws."""
    items = ours.real_items.make_items(clips, arrow=True, held_out="split", seed=0)
    rng = np.random.default_rng(0)
    batch = ours.real_batches.batches(clips.frames, items, job.settings, rng, augment)
    return [batch(torch.tensor(number)) for number in range(10)]


def test_negatives_change_nothing_else(ours, job):
    clips, kinds = made(ours), set()
    for (seen, labels), (other, same) in zip(
        augmented(ours, job, clips, "none"), augmented(ours, job, clips, "negatives"), strict=True
    ):
        assert labels.equal(same)
        for one, another in zip(seen, other, strict=True):
            negative = another.equal(255 - one)
            assert negative or another.equal(one)
            kinds.add(negative)
    assert kinds == {True, False}


def test_a_panned_crop_moves_evenly(ours, job):
    clips = made(ours)
    clips.frames[..., 0] = torch.arange(128)[:, None]  # red tells the row
    clips.frames[..., 1] = torch.arange(170)  # green the column
    still = torch.stack([seen for seen, _ in augmented(ours, job, clips, "none")])
    moved = torch.stack([seen for seen, _ in augmented(ours, job, clips, "pan")])
    assert moved[:, :, :2, 0].equal(still[:, :, :2, 0])  # it begins where the other stays
    rows, columns = moved[:, :, 0, :, 0, 0].int(), moved[:, :, 1, :, 0, 0].int()
    for way in (rows, columns):
        steps = way.diff(dim=2)
        assert (steps.amax(2) - steps.amin(2)).max() <= 1  # rounded
        assert steps.max() > 2
        assert steps.min() < -2
    assert moved[:, :, 0, :, -1, 0].int().sub(rows).eq(job.settings.crop - 1).all()


def test_augmentations_that_are_not_there_are_refused(ours, job):
    with pytest.raises(
        ValueError, match="augment='zoom' is not possible; it is one of none, negat"
    ):
        augmented(ours, job, made(ours), "zoom")
    plain = job.identity()
    assert replace(job, augment="pan").identity() == {**plain, "augment": "pan"}


def test_a_folder_without_a_split_and_with_what_cannot_be_read(ours, tmp_path: Path, capsys):
    for name in ("open", "close"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for i in range(3):
            write_webm(tmp_path / "mine" / name / f"{i}.webm", render_clip("up", seed=i), fps=12)
    (tmp_path / "mine/open/1.webm").write_bytes(b"no video")
    (tmp_path / "mine/open/notes.txt").write_text("not one either")
    (tmp_path / "mine/labels.csv").write_text("path,scene\nclose/0.webm,a\nopen/2.webm,b\n")
    ours.real_clips.reduce_folder(tmp_path / "mine", tmp_path / "mine.npz")
    assert "left out: " in (told := capsys.readouterr().out)
    assert "open/1.webm" in told
    clips = ours.real_clips.load_real(tmp_path / "mine.npz")
    assert clips.classes == ["close", "open"]
    assert clips.labels.tolist() == [0, 0, 0, 1, 1]
    assert clips.scenes.tolist() == [0, -1, -1, -1, 1]
    assert clips.is_train.all()


def test_what_falls_and_how_far_the_camera_went(ours):
    torch.manual_seed(0)
    wall = torch.rand(160, 90).mul(200).round()
    still = torch.stack([wall[20:110, :80]] * 9)
    assert ours.real_gap.camera_path(still) == 0
    tops = [20, 23, 28, 28, 22, 20, 20, 15, 15]  # 3 + 5 + 0 + 6 + 2 + 0 + 5 + 0 rows
    panned = torch.stack([wall[top : top + 90, :80] for top in tops])
    assert ours.real_gap.camera_path(panned) == 21
    falling = still.clone()
    for index in range(9):
        falling[index, 8 * index : 8 * index + 12, 30:50] = 255
    assert ours.real_gap.falls(falling)
    assert not ours.real_gap.falls(falling.flip(0))
    clips = made(ours)
    clips.frames[:] = wall[None, None, :128, :].repeat(1, 1, 1, 2)[..., :170, None].to(torch.uint8)
    for clip, label in zip(clips.frames, clips.labels, strict=True):  # "down" falls, "up" does not
        for index in range(32):
            top = 3 * (index if label == 0 else 31 - index)
            clip[index, top : top + 12, 60:80] = 255
    clips.frames[14] = clips.frames[14].flip(0)  # but for one
    clips.frames[15:20:2] = torch.stack(
        [clips.frames[15:20:2, index].roll(6 * (index % 2), 1) for index in range(32)], 1
    )
    found = ours.real_gap.measure(clips)
    assert found["train"] == {
        **{"clips": 14, "scenes": 3, "of_one_class": 0, "camera_path": 0.0},
        **{"right": 14, "still": 14, "still_right": 14},
    }
    val = found["val"]
    assert (val["clips"], val["scenes"], val["right"]) == (6, 0, 5)
    assert (val["still"], val["still_right"]) == (3, 2)
    assert val["camera_path"] in (0.0, round(31 * 6 / 128, 3))
    clips.scenes[:14:2] = 7  # the scene tells the class
    clips.scenes[1:14:2] = 8
    assert ours.real_gap.measure(clips)["train"]["of_one_class"] == 14


def test_jobs_of_a_folder_of_ones_own(ours):
    clips = made(ours)
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


def test_real_results_are_those_of_their_log(ours):
    said = ours.logs.read_log(ours.logs.log_file(ours.results.REAL_FILE))
    for one in ours.results.read_results(ours.results.REAL_FILE):
        if "baseline" in one["run"]:
            continue
        told = [
            words
            for words in said[ours.logs.run_id(one["run"])]
            if words[-1] == f"ends: top-1 {one['top1']}, {one['elapsed']} s"
        ]
        assert told
        right = [int(words.split(", ")[1].split()[0]) for words in told[-1][1:-1]]
        assert round(sum(right) / one["items"], 5) == one["top1"]


def test_weights_of_ordered_give_all_but_the_classifier(ours, job):
    models = importlib.import_module("gta.models")
    full = models.build(job.model, num_classes=22, num_frames=8).state_dict()
    weights = ours.weights.Weights(full, top1=0.5)
    model = ours.real_runs.start(job, 2, weights)
    changed = [name for name, one in model.state_dict().items() if one.shape != full[name].shape]
    assert len(changed) == 2
    assert all(
        one.equal(full[name]) for name, one in model.state_dict().items() if name not in changed
    )
    with pytest.raises(ValueError, match="these have another shape in the weights of `ordered`"):
        ours.real_runs.start(job, 22, weights)


def test_macro_f1(ours):
    truth, said = torch.tensor([0, 0, 1, 1, 2]), torch.tensor([0, 1, 1, 1, 0])
    # 2*1/(2+2), 2*2/(2+3), 0
    assert ours.real_runs.macro_f1(truth, said, 3) == pytest.approx((0.5 + 0.8 + 0) / 3)


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
        assert words[0] == "begins on cpu"
        assert words[-1].startswith("ends: top-1 0.5, ")
        assert len(words) == 2 + len(one["by_fold"])
    call("--seeds", "1")
    assert len(out.read_text().splitlines()) == 6  # nothing again
    gap = json.loads(ours.real_gap.GAP_FILE.read_text())
    shown = ours.report_real.real_section(everything, gap)
    assert "| no attention" not in shown  # with other settings than the page's
    monkeypatch.setattr(ours.report_real, "SETTINGS", short.settings)
    shown = ours.report_real.real_section(everything, gap)
    assert "| no attention | 50.0 by construction (1 seed) |" in shown
    assert "| SVM, frames without order | 50.0 by construction (1 seed) |" in shown
    assert shown.count("\n### ") == 2
    section = ours.report_real.Section("sit-stand", "split", "", arrow=False)
    assert ours.report_real.table_of(everything, section) == ""
