"""A run on the built-in set from end to end, and its parts."""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from gta.evaluation.score_files import find_score_file
from gta.evaluation.scores import Scores
from gta.runs import Run
from gta.training.optimizer import learning_rate


def test_a_run_is_a_function_of_its_seed(ours, small, tmp_path: Path):
    paths = ours.clips.render(small.data, tmp_path, workers=1)
    clips = [
        ours.clips.load(paths[part], 22, torch.device("cpu")) for part in ("train", "val", "longer")
    ]
    said = []
    one, scores, _ = ours.scoring.run(small, *clips, said.append)
    again, same, _ = ours.scoring.run(small, *clips)
    other, _, _ = ours.scoring.run(replace(small, seed=1), *clips)
    assert scores.equal(same)
    assert one["loss"] == again["loss"]
    assert said == [f"step {i + 1}: loss {loss}" for i, loss in enumerate(one["loss"])]
    assert one["epochs"] == round(3 * 4 / 44, 2)
    assert one["loss"] != other["loss"]
    assert scores.shape == (44, 22)
    assert (one["other_frames"]["frames"], one["other_frames"]["clips"]) == (4, 44)
    assert (one["longer"]["frames"], one["longer"]["clips"]) == (16, 11)


def test_twice_the_frames_are_the_same_scenes(ours, small, tmp_path: Path):
    paths = ours.clips.render(small.data, tmp_path, workers=1)
    val, longer = (
        ours.clips.load(paths[part], 22, torch.device("cpu")) for part in ("val", "longer")
    )
    assert longer.labels.equal(val.labels[:11])
    # the first and the last frame are of the same moments, but for the noise
    ends = (longer.frames[:, [0, -1]].float() - val.frames[:11, [0, -1]].float()).abs().mean()
    assert ends < 10 < (longer.frames[:, [0]].float() - val.frames[11:22, [0]]).abs().mean()


def test_scores_do_not_depend_on_the_size_of_batches(ours, small, monkeypatch):
    frames = torch.randint(256, (10, 8, 32, 32, 3), dtype=torch.uint8)
    clips = ours.clips.Clips(frames, torch.arange(10))
    model = small.network()
    sizes = []
    model.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    whole = ours.scoring.scores(model, clips, small.settings)
    monkeypatch.setattr(ours.scoring, "_TEST_BATCH", 6)
    six = ours.scoring.scores(model, clips, small.settings)
    monkeypatch.setattr(ours.scoring, "_TEST_FRAMES", 4 * small.settings.num_frames)
    four = ours.scoring.scores(model, clips, small.settings)
    assert sizes == [10, 6, 4, 4, 4, 2]
    torch.testing.assert_close(six, whole)
    torch.testing.assert_close(four, whole)


@pytest.mark.slow
def test_a_compiled_step_trains_alike(ours, small, tmp_path: Path, monkeypatch):
    # traced whole, without the compiler's own minutes
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    paths = ours.clips.render(small.data, tmp_path, workers=1)
    clips = [
        ours.clips.load(paths[part], 22, torch.device("cpu")) for part in ("train", "val", "longer")
    ]
    plain, _, _ = ours.scoring.run(small, *clips)
    found, _, _ = ours.scoring.run(small, *clips, compiled=True)
    assert (plain["compiled"], found["compiled"]) == (False, True)
    assert found["loss"] == pytest.approx(plain["loss"], abs=2e-3)


def test_a_finished_run_is_one_of_the_package(ours, small, tmp_path: Path):
    model, probabilities = small.network(), torch.rand(44, 22).softmax(1)
    ours.runs.write_run(small, model, probabilities, tmp_path)
    run = Run.open(ours.runs.run_folder(small, tmp_path))
    loaded, told = run.load()
    assert told == "last.safetensors, epoch 3 of 3"
    assert all(loaded.state_dict()[name].equal(one) for name, one in model.state_dict().items())
    assert run.classes == sorted(run.classes)
    scores = Scores.load(find_score_file(run.folder))
    assert (scores.protocol, len(scores)) == ("1x1-center28@32", 44)
    assert scores.scores.equal(probabilities)
    weights = ours.runs.read_weights(small, tmp_path)
    assert weights.top1 == ours.scoring.figures(probabilities, scores.labels)["top1"]


@pytest.mark.parametrize(
    ("steps", "part"), [(3, 1), (40, 2), (47, 47), (300, 15), (1500, 75), (4500, 225)]
)
def test_parts_of_a_run_are_epochs_of_its_recipe(ours, small, steps: int, part: int):
    settings = replace(small.settings, steps=steps)
    train = replace(small, settings=settings).recipe().train
    assert (settings.part, train.epochs) == (part, steps // part)
    # an epoch of which was a step, before the package's loop trained
    whole = train.model_copy(update={"epochs": steps, "warmup_epochs": settings.warmup * steps})
    for step in range(0, steps, max(steps // 40, 1)):
        rate = learning_rate(train, (step + 0.5) / part)
        assert rate == pytest.approx(learning_rate(whole, step + 0.5), rel=1e-12)


def test_batches_in_memory_go_on_in_the_middle(ours, small):
    data = replace(small.data, num_train=5)
    settings = replace(small.settings, steps=40)
    clips = ours.clips.Clips(torch.randint(256, (5, 8, 32, 32, 3)), torch.arange(5))
    draws = ours.clips.draw(data, settings, 0, torch.device("cpu"))
    source = ours.clips.batches(clips, draws, settings)
    assert source.num_batches == 2
    seen = [batch.indices.tolist() for part in range(20) for batch in source.epoch(part)]
    assert seen == draws.clips.tolist()
    assert [batch.indices.tolist() for batch in source.epoch(3, 1)] == [draws.clips[7].tolist()]
    batch = next(source.epoch(0))
    assert batch.clips.shape == (4, 3, 8, 28, 28)
    assert batch.labels.equal(batch.indices)


def test_draws(ours, small):
    device = torch.device("cpu")
    settings = replace(small.settings, steps=22)
    draws = ours.clips.draw(small.data, settings, 3, device)
    assert draws.clips.flatten()[:44].sort().values.tolist() == list(range(44))  # an epoch each
    assert draws.clips.flatten()[44:].sort().values.tolist() == list(range(44))
    assert draws.frames.diff(dim=-1).min() == 1  # 8 of 8
    sixteen = ours.clips.draw(replace(small.data, num_frames=16), settings, 3, device)
    assert (sixteen.frames // 2 == torch.arange(8)).all()
    assert set((sixteen.frames % 2).flatten().tolist()) == {0, 1}
    assert (draws.top.min(), draws.top.max()) == (0, 4)
    assert not draws.top.equal(draws.left)


def test_gather(ours):
    frames = torch.randint(256, (5, 6, 9, 10, 3), dtype=torch.uint8)
    index, which = torch.tensor([4, 0]), torch.tensor([[0, 5], [3, 2]])
    top, left = torch.tensor([1, 2]), torch.tensor([3, 0])
    batch = ours.clips.gather(frames, index, which, top, left, 7)
    assert batch.shape == (2, 3, 2, 7, 7)
    for i in range(2):
        wanted = frames[index[i], which[i], top[i] : top[i] + 7, left[i] : left[i] + 7]
        assert batch[i].permute(1, 2, 3, 0).equal(wanted)


def test_figures(ours):
    labels = torch.arange(22)
    perfect = torch.eye(22)
    found = ours.scoring.figures(perfect, labels)
    assert (found["top1"], found["neutral"], set(found["pairs"].values())) == (1, 1, {1.0})
    keys = ours.training.KEYS
    swapped = perfect.clone()
    up, down = keys.index("up"), keys.index("down")
    swapped[[up, down]] = perfect[[down, up]]
    found = ours.scoring.figures(swapped, labels)
    assert found["pairs"]["up"] == 0
    assert sum(found["pairs"].values()) == len(found["pairs"]) - 1
    assert found["top1"] == round(20 / 22, 5)


def test_probes_change_the_order_alone(ours):
    frames = torch.arange(8).expand(5, -1)
    assert ours.scoring.reverse(frames)[2].tolist() == list(range(7, -1, -1))
    shuffled = ours.scoring.shuffle(frames)
    assert shuffled.sort(1).values.equal(frames)
    assert len({tuple(row.tolist()) for row in shuffled}) > 1
    assert shuffled.equal(ours.scoring.shuffle(frames))
    dropped = ours.scoring.drop(frames)
    assert all(len(set(row.tolist())) in (6, 7) for row in dropped)  # 7: a lost one's neighbour too
    assert (dropped - frames).abs().max() == 1
    centres = torch.arange(1, 16, 2).expand(5, -1)
    assert ours.scoring.middle(centres)[0].tolist() == list(range(4, 12))


def test_time_of_a_clip(ours, small, monkeypatch):
    monkeypatch.setattr(ours.times, "ROUNDS", 3)
    monkeypatch.setattr(ours.times, "BATCHES", {"cpu": 2})
    longer = replace(small, settings=replace(small.settings, num_frames=16))
    short, long = ours.times.milliseconds([small, longer], torch.device("cpu"))
    assert min(short, long) > 0
    assert ours.times.job_key(longer, "CPU") != ours.times.job_key(small, "CPU")
    assert ours.times.job_key(small, "CPU") != ours.times.job_key(small, "NVIDIA H200")
    assert ours.times.job_key(replace(small, seed=1), "CPU") == ours.times.job_key(small, "CPU")


def test_times_that_were_measured_again(ours, small, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(ours.times, "EXPERIMENTS", {"table2b": Jobs([small, small])})
    ends = iter([80.0, 78.0])
    monkeypatch.setattr(ours.times, "milliseconds", lambda jobs, _: [next(ends) for _ in jobs])
    out = tmp_path / "times.jsonl"
    for more in ([], [], ["--again"]):
        args = ["times", "--device", "cpu", "--commit", "abc", "--results", str(out), *more]
        monkeypatch.setattr(sys, "argv", args)
        ours.times.main()
    times = ours.results.read_results(out)
    assert [one["ms"] for one in times] == [80.0, 78.0]
    assert ours.times.measured(times) == {
        ours.times.job_key(small, ours.times.name_of(torch.device("cpu"))): [80.0, 78.0]
    }
    assert ours.times.times_apart(times) == pytest.approx(2 / 79)


class Jobs:
    """An experiment of these."""

    def __init__(self, jobs):
        self._jobs = jobs

    def jobs(self, seeds):
        return [(SimpleNamespace(label=f"row {seed}"), job) for seed, job in enumerate(self._jobs)]
