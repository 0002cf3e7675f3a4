"""Frozen trunks: features are computed once, and a training on them is like any other."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from gta.backbones import TrunkNetwork
from gta.blocks.features import Projection
from gta.blocks.fused.parts import fuses
from gta.config import Recipe, TrunkModel
from gta.data.videos import list_videos
from gta.errors import UsageError
from gta.evaluation.evaluate import evaluate as scores_of
from gta.evaluation.run import evaluate
from gta.features import FeatureFiles, Trunk, feature_batches, identity
from gta.predict import load
from gta.progress import Silent
from gta.protocols import parse_protocol
from gta.recipes import find_recipe, read_recipe
from gta.runs import Run, build_network
from gta.training.optimizer import is_fused
from gta.training.run import train
from gta.training.step import Step

MODEL = TrunkModel(network="torchvision/squeezenet1_1", after="features.5", pool=2, width=16)

COMPARED = 2 * 5
"""Clips that compare a trunk with the faster one that gives the same: two sizes, before and after
each of four changes."""


class Lines(Silent):
    def __init__(self):
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def recipe(ordered: Path, tmp_path: Path) -> Recipe:
    sizes = ["clip.size=32", "clip.num_frames=4", "test.protocol=1x2-center32"]
    more = ["train.batch_size=8", "train.epochs=2", "train.warmup_epochs=1", "data.cache_gb=0"]
    more += [f"data.root={ordered}", f"data.features_dir={tmp_path / 'features'}"]
    found = read_recipe(find_recipe("ordered", "tiny"), [*sizes, *more])
    settings = found.train.model_copy(update={"freeze": True})
    return found.model_copy(update={"model": MODEL, "train": settings})


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of how many clips a trunk has said something."""
    counts: list[int] = []
    features = TrunkNetwork.features

    def counted(self, clips):
        counts.append(len(clips))
        return features(self, clips)

    monkeypatch.setattr(TrunkNetwork, "features", counted)
    return counts


def with_parts(recipe: Recipe, **parts: dict) -> Recipe:
    changed = {k: getattr(recipe, k).model_copy(update=v) for k, v in parts.items()}
    return recipe.model_copy(update=changed)


def test_features_are_computed_once_and_another_head_finds_them(
    recipe: Recipe, tmp_path: Path, computed: list[int]
):
    report = Lines()
    train(recipe, None, tmp_path / "a", device="cpu", report=report)
    # 40 videos: two clips of testing and one that is drawn; 12 to validate
    assert sum(computed) == 40 * 3 + 12 * 2 + COMPARED
    told = (
        r".* features of 40 training videos in 3 views each and of 12 validation videos, \d+\.\d s"
    )
    assert any(re.match(told, line) for line in report.lines)
    computed.clear()
    other = with_parts(recipe, model={"reader": "gru"}, train={"seed": 3})
    train(other, None, tmp_path / "b", device="cpu", report=report)
    # another seed has other weights of this network, which starts from none
    assert sum(computed) > COMPARED
    computed.clear()
    train(with_parts(recipe, model={"reader": "gru"}), None, tmp_path / "c", report=Silent())
    assert sum(computed) == COMPARED


def test_a_run_is_scored_from_features_as_from_videos(recipe: Recipe, tmp_path: Path):
    run = train(recipe, None, tmp_path / "run", device="cpu", report=Silent())
    scores = evaluate(run, device="cpu")
    last = (run.folder / "metrics.csv").read_text().splitlines()[-1].split(",")
    head = (run.folder / "metrics.csv").read_text().splitlines()[0].split(",")
    assert float(last[head.index("val_top1")]) == pytest.approx(scores.top(1))
    predictor = load(run, device="cpu")
    assert predictor.model(torch.zeros(1, 3, 4, 32, 32)).shape == (1, 4)


def test_the_trunk_stays_and_goes_on_bit_for_bit(recipe: Recipe, tmp_path: Path):
    whole = train(with_parts(recipe, train={"epochs": 3}), None, tmp_path / "a", report=Silent())
    train(recipe, None, tmp_path / "b", report=Silent())
    longer = with_parts(recipe, train={"epochs": 3, "schedule": "steps", "steps": (3,)})
    steps = with_parts(recipe, train={"schedule": "steps", "steps": (3,)})
    train(longer, None, tmp_path / "c", report=Silent())
    train(steps, None, tmp_path / "d", report=Silent())
    train(longer, None, tmp_path / "d", report=Silent())
    a, d = (Run.open(tmp_path / n).load()[0].state_dict() for n in ("c", "d"))
    assert all(torch.equal(a[key], d[key]) for key in a)
    fresh = Run.open(whole.folder).load()[0]
    assert isinstance(fresh, TrunkNetwork)
    assert fresh.frozen


def damage(folder: Path) -> Path:
    file = sorted(folder.glob("*.safetensors"))[0]
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))
    return file


@pytest.mark.parametrize("how", ["damaged", "truncated", "foreign", "of another shape"])
def test_a_file_that_cannot_be_used_is_computed_again(
    how: str, recipe: Recipe, tmp_path: Path, computed: list[int]
):
    folder = tmp_path / "features"
    train(recipe, None, tmp_path / "a", device="cpu", report=Silent())
    file = damage(folder)
    match how:
        case "truncated":
            file.write_bytes(file.read_bytes()[:100])
        case "foreign":
            file.write_text("hello")
        case "of another shape":
            FeatureFiles(str(folder), 1, print).write(file, torch.zeros(1, 2, 3, 4, 5))
    computed.clear()
    report = Lines()
    train(recipe, None, tmp_path / "b", device="cpu", report=report)
    assert COMPARED + 1 <= sum(computed) <= COMPARED + 2
    assert sum(line.startswith(f"computed again: {file}: ") for line in report.lines) == 1
    weights = [(tmp_path / n / "last.safetensors").read_bytes() for n in "ab"]
    assert weights[0] == weights[1]


def test_a_video_that_is_changed_has_other_features(tmp_path: Path):
    video = tmp_path / "a.mp4"
    video.write_bytes(b"1" * 200_000)
    before = identity(video)
    (tmp_path / "b.mp4").write_bytes(b"1" * 200_000)
    assert identity(tmp_path / "b.mp4") == before  # wherever it lies
    video.write_bytes(b"1" * 199_999 + b"2")
    assert identity(video) != before


def test_no_room_is_said_before_anything_is_computed(
    recipe: Recipe, tmp_path: Path, computed: list[int]
):
    small = with_parts(recipe, data={"features_gb": 1e-6})
    with pytest.raises(UsageError, match=r"take 0\.0 GiB, and data\.features_gb is 0\.0: give"):
        train(small, None, tmp_path / "a", device="cpu", report=Silent())
    assert sum(computed) == COMPARED


def test_what_was_not_used_for_longest_makes_room(tmp_path: Path):
    files = FeatureFiles(str(tmp_path), 1500 / 2**30, print)
    for number in range(4):
        path = tmp_path / f"{number}.safetensors"
        path.write_bytes(b"0" * 1000)
        os.utime(path, (number, number))
    files.keep_limit()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["3.safetensors"]


def test_scoring_again_computes_nothing_whatever_the_order(
    recipe: Recipe, tmp_path: Path, computed: list[int]
):
    run = train(recipe, None, tmp_path / "run", device="cpu", report=Silent())
    computed.clear()
    first = evaluate(run, device="cpu")
    assert sum(computed) == COMPARED  # the features are those of training
    model, videos = run.load()[0], list_videos(recipe.data, "val")
    given = {"device": torch.device("cpu"), "clip": recipe.clip, "batch_size": 8}
    protocol = parse_protocol("1x2-center32")
    for order in ("forward", "reversed", "shuffled", "frozen"):
        features = feature_batches(
            *(model, videos, recipe, protocol), device=given["device"], threads=1, order=order
        )
        found = scores_of(model, videos, protocol, batches=features, **given)
        expected = scores_of(model, videos, protocol, order=order, **given)
        torch.testing.assert_close(found.scores, expected.scores, atol=5e-3, rtol=0)
        if order == "forward":
            assert torch.equal(found.scores, first.scores)
            assert found.about == expected.about


def test_threads_that_read_and_compute_give_the_features_of_one(recipe: Recipe, tmp_path: Path):
    videos = list_videos(recipe.data, "val")
    model = build_network(recipe, 4)
    before, found = torch.get_num_threads(), []
    try:
        for cores in (1, 2):
            torch.set_num_threads(cores)
            files = FeatureFiles(str(tmp_path / str(cores)), 1, print)
            trunk = Trunk(model, recipe, files, torch.device("cpu"), threads=2)
            found.append(trunk.all(videos, advance=lambda done, note: None))
            assert torch.get_num_threads() == cores
            with ThreadPoolExecutor(1) as later:
                assert later.submit(torch.get_num_threads).result() == cores
    finally:
        torch.set_num_threads(before)
    assert list(found[0].features) == list(found[1].features) == list(range(len(videos)))
    for one, other in zip(*(frozen.features.values() for frozen in found), strict=True):
        assert one.labels == other.labels
        for ours, theirs in zip(one.views, other.views, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-2, atol=1e-3)


def test_no_room_for_features_is_no_error_in_scoring(recipe: Recipe, tmp_path: Path):
    model = build_network(recipe, 4)
    small = with_parts(recipe, data={"features_gb": 1e-6})
    videos, protocol = list_videos(recipe.data, "val"), parse_protocol("1x2-center32")
    given = {"device": torch.device("cpu"), "threads": 1}
    assert feature_batches(model, videos, small, protocol, **given) is None
    whole = with_parts(recipe, train={"freeze": False})
    assert feature_batches(model, videos, whole, protocol, **given) is None


def test_mirror_images_are_seen_in_training_and_testing(
    recipe: Recipe, tmp_path: Path, computed: list[int]
):
    flipped = with_parts(recipe, test={"protocol": "1x2-center32+flip"})
    train(flipped, None, tmp_path / "a", device="cpu", report=Silent())
    # the classes of this folder tell a direction: there is nothing to mirror
    assert sum(computed) == 40 * 3 + 12 * 2 + COMPARED


@pytest.mark.parametrize("freeze", [True, False])
def test_small_steps_of_a_cpu_take_one_thread_and_plain_blocks(
    freeze: bool, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seen, update = set[tuple[int, bool, bool]](), Step.__call__
    parts = Projection(2, 2)

    def watched(self, *args):
        fused = fuses(torch.zeros(2), parts)
        seen.add((torch.get_num_threads(), fused, is_fused(self.optimizer)))
        return update(self, *args)

    monkeypatch.setattr(Step, "__call__", watched)
    settings = recipe.train.model_copy(update={"freeze": freeze, "epochs": 1, "warmup_epochs": 0})
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        changed = recipe.model_copy(update={"train": settings})
        train(changed, None, tmp_path / "a", device="cpu", report=Silent())
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert seen == {(1, False, True) if freeze else (2, True, False)}
    assert fuses(torch.zeros(2), parts)


def test_threads_may_keep_the_same_features_at_once(tmp_path: Path):
    said: list[str] = []
    files = FeatureFiles(str(tmp_path), 1, said.append)
    features, path = torch.randn(4, 8, 16, 3, 3), tmp_path / "same.safetensors"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: files.write(path, features), range(40)))
    kept = files.read(path, tuple(features.shape))
    assert kept is not None
    assert torch.equal(kept, features.to(torch.float16))
    assert (said, files.bad, [each.name for each in tmp_path.iterdir()]) == ([], 0, [path.name])
