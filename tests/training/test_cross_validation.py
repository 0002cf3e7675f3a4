from pathlib import Path

import torch
from torch import nn

from gta.backbones.trunk import TrunkNetwork
from gta.config import Recipe, TrunkModel
from gta.data.records import Video, VideoList
from gta.features import FrozenVideo, FrozenVideos
from gta.recipes import find_recipe, read_recipe
from gta.runs import build_network
from gta.training.cross_validation import (
    CrossValidated,
    assign_folds,
    cross_validate,
    together,
    train_copy,
)
from gta.training.processes import Processes


def test_groups_stay_in_one_fold_and_classes_are_spread():
    labels = {i: i % 2 for i in range(40)}
    groups = {i: f"scene {i // 4}" for i in labels}
    folds = assign_folds(groups, labels, 5, seed=0)
    assert folds.keys() == labels.keys()
    for group in set(groups.values()):
        assert len({folds[i] for i in groups if groups[i] == group}) == 1
    for fold in range(5):
        mine = [labels[i] for i in folds if folds[i] == fold]
        assert mine.count(0) == mine.count(1) == 4
    assert folds == assign_folds(groups, labels, 5, seed=0)
    assert folds != assign_folds(groups, labels, 5, seed=1)


def frozen(names: list[str], features: torch.Tensor) -> FrozenVideos:
    videos = VideoList([Video(name, Path(name), 0) for name in names], ["a"])
    rows = {i: FrozenVideo([one.view(-1, 1, 1, 1)], [0]) for i, one in enumerate(features)}
    return FrozenVideos(videos, features=rows)


def test_videos_that_look_alike_are_of_one_recording():
    features = torch.randn(6, 50)
    features[4] = features[1] + 0.02 * torch.randn(50)
    names = [f"a/{word}.mp4" for word in ("one", "two", "three", "four", "five", "six")]
    groups, how = together(frozen(names, features).videos, frozen(names, features), {})
    assert groups[1] == groups[4]
    assert len(set(groups.values())) == 5
    assert how == "recordings: 1 pairs by picture"


def test_scenes_of_a_file_come_before_names_and_pictures():
    names = ["a/1.mp4", "a/2.mp4", "a/3.mp4"]
    found = frozen(names, torch.ones(3, 50))
    groups, how = together(found.videos, found, {"a/1.mp4": "x", "a/3.mp4": "x"})
    assert groups[0] == groups[2] != groups[1]
    assert how == "scenes of the file"


def test_the_figure_and_its_interval():
    found = CrossValidated(torch.tensor([True] * 90 + [False] * 10), torch.arange(100) // 20)
    assert found.top1 == 0.9
    assert found.folds == 5
    assert found.by_fold == {0: 1, 1: 1, 2: 1, 3: 1, 4: 0.5}
    low, high = found.interval
    assert (round(low, 3), round(high, 3)) == (0.826, 0.945)


def small_task(**changes) -> tuple[nn.Module, Recipe, FrozenVideos]:
    """A head, its recipe and the features of 24 videos of two classes."""
    head = TrunkModel(network="torchvision/squeezenet1_1", after="features.5", pool=1, width=8)
    head = head.model_copy(update={"normalize": "none", "statistics": True})
    recipe = read_recipe(find_recipe("ordered", "tiny"), ["clip.num_frames=2", "train.lr=0.01"])
    train = recipe.train.model_copy(
        update={"freeze": True, "epochs": 6, "batch_size": 8, **changes}
    )
    recipe = recipe.model_copy(update={"model": head, "train": train})
    torch.manual_seed(0)
    model = build_network(recipe, 2)
    assert isinstance(model, TrunkNetwork)
    videos = VideoList([Video(str(i), Path(str(i)), i % 2) for i in range(24)], ["a", "b"])
    rows = {
        i: FrozenVideo([torch.randn(model.channels, 2, 1, 1) + 2 * (i % 2)], [i % 2])
        for i in range(24)
    }
    return model, recipe, FrozenVideos(videos, features=rows)


def trained(**changes) -> nn.Module:
    return train_copy(*small_task(**changes), Processes(torch.device("cpu")))


def test_every_video_is_scored_by_a_head_that_did_not_see_it():
    model, recipe, frozen = small_task()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    folds = {i: i // 8 for i in range(24)}
    found = cross_validate(model, recipe, frozen, folds, Processes(torch.device("cpu")))
    assert found.folds == 3
    assert len(found.right) == 24
    assert found.top1 > 0.9
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_the_average_of_the_weights_is_scored():
    """With a decay near 1 it stays where the first step led."""
    first = trained(epochs=1, batch_size=24).state_dict()
    last, averaged = trained(batch_size=24), trained(batch_size=24, ema=0.99999)
    name = "inserted.head.classifier.weight"
    assert not torch.allclose(last.state_dict()[name], first[name], atol=1e-3)
    torch.testing.assert_close(averaged.state_dict()[name], first[name], atol=1e-4, rtol=0)


def test_statistics_are_renewed():
    """Of one batch with all videos they are the means of the features."""
    _, _, frozen = small_task()
    raw = torch.stack([video.views[0].mean((1, 2, 3)) for video in frozen.features.values()])
    lagging, renewed = (
        trained(batch_size=24, precise_bn=count).state_dict()[
            "inserted.head.statistics.running_mean"
        ]
        for count in (0, 1)
    )
    channels = raw.shape[1]
    torch.testing.assert_close(renewed[:channels], raw.mean(0))
    assert not torch.allclose(lagging[:channels], raw.mean(0), atol=1e-2)
