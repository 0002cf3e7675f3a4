from pathlib import Path

import pytest
import torch
from experiments.frozen_jobs import (
    HEADS,
    THREE_HEADS,
    HeadJob,
    Seen,
    Tasks,
    network,
    recipe_of,
    runner,
    with_reversed,
)
from experiments.frozen_page import BLIND, result_table
from experiments.real_frozen import all_jobs, arguments, folds_of, known, pixels
from experiments.real_svm import svm_validated

from gta.config import TrunkModel
from gta.data.records import Video, VideoList
from gta.data.videos import load_videos
from gta.features import FrozenVideo, FrozenVideos


def frozen(count: int = 10) -> FrozenVideos:
    videos = [Video(f"{'ab'[i % 2]}/{i}x.mp4", Path(str(i)), i % 2) for i in range(count)]
    found = {i: FrozenVideo([torch.randn(5, 4, 2, 2)], [i % 2]) for i in range(count)}
    return FrozenVideos(VideoList(videos, ["a", "b"]), features=found)


def test_a_reversed_copy_has_the_features_backwards_and_the_other_label():
    before = frozen()
    both = with_reversed(before)
    assert len(both.features) == len(both.videos) == 20
    assert torch.equal(both.features[13].views[0], before.features[3].views[0].flip(1))
    assert both.features[13].labels == [0]
    assert both.labels == {i: (i + i // 10) % 2 for i in range(20)}
    assert both.videos.videos[13].label == 0
    assert torch.equal(both.features[3].views[0], before.features[3].views[0])


def test_the_split_is_taken_both_ways():
    given, none = frozen(), {}
    folds = folds_of(given, [i < 7 for i in range(10)], none, "split", 0)
    assert [folds[i] for i in range(10)] == [1] * 7 + [0] * 3


def test_what_looks_alike_is_apart_in_folds_and_together_in_recordings():
    given = frozen()
    for i in range(1, 10):
        given.features[i].views[0] = (
            given.features[0].views[0] + 1e-3 * torch.randn(5, 4, 2, 2) + (i > 4)
        )
    apart = folds_of(given, [True] * 10, {}, "folds", 0)
    assert sorted(apart.values()) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    kept = folds_of(given, [True] * 10, {}, "recordings", 0)
    assert [kept[i] for i in range(5)] == [kept[0]] * 5
    assert [kept[i] for i in range(5, 10)] == [kept[5]] * 5
    assert kept[0] != kept[5]


def test_scenes_are_left_out_within_the_training_part():
    given = frozen()
    scenes = {video.id: "xy"[i // 3 % 2] for i, video in enumerate(given.videos.videos) if i}
    folds = folds_of(given, [i < 8 for i in range(10)], scenes, "scenes", 0)
    assert folds == {1: 0, 2: 0, 3: 1, 4: 1, 5: 1, 6: 0, 7: 0}


def test_the_recipe_is_that_of_the_command():
    from gta.cli.any_network import changed_recipe
    from gta.recipes import find_recipe, read_recipe

    base = read_recipe(find_recipe("folder", "lite0_gta"))
    assert recipe_of(THREE_HEADS, "frozen", 0, None) == changed_recipe(base, None, (), freeze=True)
    assert recipe_of(HEADS["GTA"], "fine-tuned", 0, None) == base
    scratch = recipe_of(HEADS["GTA"], "scratch", 0, None)
    assert (scratch.model.weights, scratch.train.freeze) == ("none", False)


def test_settings_come_after_those_of_the_head_and_the_trunk():
    recipe = recipe_of(THREE_HEADS, "frozen", 0, None, ["model.heads=2", "train.lr=0.5"])
    assert isinstance(recipe.model, TrunkModel)
    assert (recipe.model.heads, recipe.model.bottleneck, recipe.train.lr) == (2, 128, 0.5)


def test_pixels_are_the_views_of_testing(ordered: Path):
    recipe = recipe_of(HEADS["GTA"], "scratch", 0, None)
    videos = load_videos("ssv2", ordered, "val")
    plain = VideoList(videos.videos[:2], ["a", "b"])
    found = pixels(plain, recipe)
    assert found.num_test == len(found.features[0].views) == 4
    assert found.features[1].views[0].shape == (3, 8, 160, 160)
    assert found.features[1].views[0].dtype == torch.uint8
    assert torch.equal(found.features[1].views[1], found.features[1].views[0].flip(-1))


def test_the_table_has_an_interval_for_clips():
    about = {"task": "wagon", "held_out": "folds", "trunk": "frozen", "head": "GTA", "clips": 160}
    rows = [{**about, "seed": s, "top1": v, "s": 1} for s, v in ((0, 0.9), (1, 0.92))]
    rows.append({**rows[0], "settings": ["train.batch_size=16"], "top1": 0.5})
    table = result_table(rows)
    assert "| GTA, frozen |  |  |  |  | 91.0 ± 1.4 (86 to 95) |  |" in table
    blind = result_table([{**rows[0], "head": "NL"}])
    assert "| NL, frozen |" + 4 * " 50.0 by construction |" + " 90.0 (84 to 94) |  |" in blind
    assert "| GTA, frozen, train.batch_size=16 |  |  |  |  | 50.0 (42 to 58) |  |" in table


def test_the_svm_sees_the_order_of_pictures():
    pytest.importorskip("sklearn")
    rising = torch.linspace(0, 200, 6)[:, None] + 20 * torch.rand(20, 6, 8)
    pictures = torch.cat([rising, rising.flip(1)]).flatten(1)
    labels = {i: int(i >= 20) for i in range(40)}
    folds = {i: i % 4 for i in range(40)}
    assert svm_validated(pictures, labels, folds).top1 == 1
    found = svm_validated(pictures, labels, {i: i % 4 for i in range(20, 40)} | {0: 0, 1: 1, 2: 0})
    assert found.fold_of.tolist()[:4] == [0, 1, 0, 0]


@pytest.mark.parametrize("head", BLIND)
def test_heads_that_are_called_blind_give_a_reversed_copy_the_same_scores(head: str):
    pytest.importorskip("timm")
    recipe = recipe_of(HEADS[head], "scratch", 0, None)
    model = network(recipe, 2).double().eval()
    clip = torch.randn(1, 3, 8, 64, 64, dtype=torch.float64)
    torch.testing.assert_close(model(clip), model(clip.flip(2)))


def test_jobs_come_by_task_and_seed_without_what_is_known_by_construction():
    words = "VIDEOS --trunks scratch --heads GTA NL --tasks split folds --seeds 2"
    jobs = all_jobs(arguments().parse_args(words.split()))
    assert [(job.held_out, job.seed, job.task, job.head) for job in jobs] == [
        *(("split", seed, "sit-stand", "GTA") for seed in range(2)),
        *(
            ("folds", seed, *which)
            for seed in range(2)
            for which in (("sit-stand", "GTA"), ("wagon", "GTA"), ("wagon", "NL"))
        ),
    ]
    assert known(jobs[0].identity(), [{**jobs[0].identity(), "top1": 0.5, "s": 1}])
    assert not known(jobs[0].identity(), [{**jobs[0].identity(), "settings": ["a=b"]}])


def test_a_job_is_trained_on_each_fold_and_recorded():
    """On frames of one grey level, which rises or falls."""
    pytest.importorskip("timm")
    videos = [Video(f"{'ab'[i % 2]}/{i}.mp4", Path(str(i)), i % 2) for i in range(4)]
    ramps = [torch.arange(8, dtype=torch.uint8)[:, None, None].expand(8, 32, 32) for _ in videos]
    views = [
        (30 * (ramp if i % 2 else ramp.flip(0)))[None].repeat(3, 1, 1, 1)
        for i, ramp in enumerate(ramps)
    ]
    read = {i: FrozenVideo([view] * 4, [i % 2] * 4) for i, view in enumerate(views)}
    seen = Seen.of(FrozenVideos(VideoList(videos, ["a", "b"]), 4, read), arrow=True)
    assert len(seen.items().features) == 8
    job = HeadJob("sit-stand", "split", "scratch", "GTA", 0, ("train.epochs=1", "clip.size=32"))
    tasks = Tasks(
        {("sit-stand", "scratch"): seen}, {("sit-stand", "split", 0): {0: 0, 1: 0, 2: 1, 3: 1}}
    )
    folds = list[str]()
    result = runner(tasks, torch.device("cpu"))(job, folds.append)
    assert result["clips"] == 4
    assert result["by_fold"].keys() == {"0", "1"}
    assert result["top1"] == sum(result["by_fold"].values()) / 2
    assert folds == ["1 folds", "2 folds"]
