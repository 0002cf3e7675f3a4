"""`import gta`: what is there, what it takes and gives, and that it costs nothing by itself."""

import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import gta
from gta.data.decode import read_frames
from gta.data.records import Video
from gta.data.videos import load_videos
from gta.errors import DataError, Notice, UsageError
from gta.evaluation.scores import Scores
from gta.progress import Silent
from gta.runs import Run

SIGNATURES = {
    "create_model": "(name: str, num_classes: int, *, num_frames: int | None = None, "
    "pretrained: bool = False, checkpoint_path: str | pathlib.Path | None = None) "
    "-> torch.nn.modules.module.Module",
    "evaluate": "(run: gta.runs.Run | str | pathlib.Path, root: str | pathlib.Path | None = None, "
    "*, protocol: gta.protocols.Protocol | str | None = None, best: bool = False, "
    "num_frames: int | None = None, split: Literal['val', 'test'] = 'val', "
    "workers: int | None = None, device: torch.device | str = 'auto', "
    "report: gta.progress.Report | None = None) -> gta.evaluation.scores.Scores",
    "list_models": "(filter: str | collections.abc.Sequence[str] = '*') -> list[str]",
    "load": "(source: str | pathlib.Path | gta.runs.Run, *, device: torch.device | str = 'auto', "
    "best: bool = False, protocol: gta.protocols.Protocol | str | None = None, "
    "num_frames: int | None = None, precision: Literal['auto', 'fp32', 'bf16'] = 'auto', "
    "cuda_graphs: bool | None = None) -> gta.predict.predictor.Predictor",
    "train": "(recipe: gta.config.Recipe | str | pathlib.Path, root: str | pathlib.Path | None, "
    "out: str | pathlib.Path, *, "
    "settings: collections.abc.Mapping[str, object] | collections.abc.Sequence[str] = (), "
    "device: str = 'auto', report: gta.progress.Report | None = None, "
    "stop: gta.training.stopping.Stop | None = None, name: str = '') -> gta.runs.Run",
    "Predictor": "(run: gta.runs.Run | str | pathlib.Path, *, "
    "device: torch.device | str = 'auto', best: bool = False, "
    "protocol: gta.protocols.Protocol | str | None = None, "
    "precision: Literal['auto', 'fp32', 'bf16'] = 'auto', cuda_graphs: bool | None = None)",
    "Predictor.__call__": "(self, video: str | pathlib.Path | gta.data.records.Video | "
    "torch.Tensor | numpy.ndarray | collections.abc.Sequence[Any], *, "
    "fps: float | None = None) -> gta.predict.prediction.Prediction",
    "Predictor.predict_many": "(self, videos: collections.abc.Iterable[str | pathlib.Path | "
    "gta.data.records.Video | torch.Tensor | numpy.ndarray | collections.abc.Sequence[Any]], *, "
    "fps: float | None = None, batch_size: int | None = None, threads: int | None = None, "
    "embeddings: bool = False, spent: gta.data.spent.Spent | None = None) "
    "-> collections.abc.Iterator[gta.predict.prediction.Prediction | gta.errors.UsageError]",
    "Predictor.embed": "(self, video: str | pathlib.Path | gta.data.records.Video | "
    "torch.Tensor | numpy.ndarray | collections.abc.Sequence[Any], *, "
    "fps: float | None = None) -> torch.Tensor",
    "Predictor.timeline": "(self, video: str | pathlib.Path | gta.data.records.Video | "
    "torch.Tensor | numpy.ndarray | collections.abc.Sequence[Any], *, "
    "window: float | None = None, stride: float | None = None, smoothing: float | None = None, "
    "least: float = 0.0, threshold: float = 0.0, "
    "background: collections.abc.Sequence[str] = (), fps: float | None = None, "
    "batch_size: int = 8, spent: gta.data.spent.Spent | None = None, "
    "progress: collections.abc.Callable[[float, float | None], None] | None = None) "
    "-> gta.predict.timeline.Timeline",
    "Prediction": "(path: pathlib.Path, scores: list[tuple[str, float]], "
    "cut_off: str | None = None, damage: int = 0, embedding: torch.Tensor | None = None) -> None",
    "Prediction.to_dict": "(self, top: int | None = None) -> dict[str, Any]",
    "Prediction.to_json": "(self, top: int | None = None) -> str",
}


def test_the_names_and_what_they_take():
    assert {name.split(".")[0] for name in SIGNATURES} | {"blocks"} == set(gta.__all__)
    assert set(gta.__all__) <= set(dir(gta))
    for name, expected in SIGNATURES.items():
        found = gta
        for part in name.split("."):
            found = getattr(found, part)
        # where Python's own names are is not the same in all its versions
        signature = str(inspect.signature(found)).replace("pathlib._local", "pathlib")
        assert signature.replace("typing.", "") == expected, name
    assert gta.blocks is importlib.import_module("gta.blocks")
    assert gta.load is importlib.import_module("gta.predict").load
    with pytest.raises(AttributeError, match="module 'gta' has no attribute 'lode'"):
        gta.lode  # noqa: B018


def test_it_is_typed_and_lazy():
    assert (Path(gta.__file__).parent / "py.typed").is_file()
    code = "import sys, gta; dir(gta); print([m for m in sys.modules if m.startswith('gta.')])"
    heavy = "print({'torch', 'numpy', 'av', 'pydantic', 'yaml'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {heavy}"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\nset()\n"


def first_video(root: Path) -> Video:
    return load_videos("ssv2", root, "val").videos[0]


def test_a_prediction_prints_and_turns_into_json(trained: Path, ordered: Path):
    predictor = gta.load(str(trained), device="cpu")
    video = str(first_video(ordered).path)
    prediction = predictor(video)
    assert (prediction.label, prediction.score) == prediction.scores[0]
    lines = str(prediction).splitlines()
    assert lines[0] == video
    assert lines[1] == f"{prediction.score:6.1%}  {prediction.label}"
    assert len(lines) == 1 + 4
    assert repr(prediction) == f"Prediction({video!r}: {prediction.label!r} {prediction.score:.1%})"
    told = json.loads(prediction.to_json(top=2))
    assert told == prediction.to_dict(2)
    assert told["video"] == video
    assert told["top"][0] == {"class": prediction.label, "score": prediction.score}
    assert len(told["top"]) == 2
    assert len(prediction.to_dict()["top"]) == 4


def test_a_name_that_is_not_utf8_in_json():
    name = os.fsdecode(b"caf\xe9 \xc3\xa9.mp4")
    text = gta.Prediction(Path(name), [("öffnen", 1.0)]).to_json()
    assert text.encode().decode() == text
    assert "öffnen" in text
    assert json.loads(text)["video"] == name


def test_the_page_has_all_names():
    page = (Path(__file__).parent.parent / "docs/python.md").read_text(encoding="utf-8")
    assert all(f"`gta.{name}" in page for name in gta.__all__)
    for line in re.findall(r"^(?:\w+ = )?gta\.(\w+)\(", page, re.M):
        assert line in gta.__all__


def test_the_model_of_a_predictor_takes_clips(trained: Path):
    predictor = gta.load(trained, device="cpu")
    logits = predictor.model(torch.zeros(2, 3, 4, 32, 32))
    assert logits.shape == (2, len(predictor.run.classes))


def test_a_video_on_record_is_predicted_without_a_look_around(
    trained: Path, ordered: Path, monkeypatch: pytest.MonkeyPatch
):
    predictor, video = gta.load(trained, device="cpu"), first_video(ordered)
    expected = predictor(str(video.path))

    def look(path: Path) -> None:
        raise AssertionError(path)

    monkeypatch.setattr("gta.predict.predictor._one_video", look)
    assert predictor(video) == expected
    assert predictor(read_frames(video.path)).scores == expected.scores


def test_a_file_of_weights_with_its_recipe_beside(trained: Path, tmp_path: Path):
    for name in ("recipe.yaml", "labels.json"):
        (tmp_path / name).write_bytes((trained / name).read_bytes())
    weights = tmp_path / "exported.safetensors"
    weights.write_bytes((trained / "last.safetensors").read_bytes())
    found = gta.load(weights, device="cpu")
    assert found.weights == "exported.safetensors, epoch 2 of 2"
    assert found.run.folder == tmp_path
    assert gta.load(found.run, device="cpu", num_frames=2).run.recipe.clip.num_frames == 2
    with pytest.raises(UsageError, match=r"best asks for other weights than .*exported"):
        gta.load(weights, best=True)
    (tmp_path / "labels.json").unlink()
    with pytest.raises(UsageError, match=r"has only weights: put the labels.json of its run"):
        gta.load(weights)
    with pytest.raises(UsageError, match=r"no.safetensors does not exist; give the folder of"):
        gta.load(tmp_path / "no.safetensors")
    (tmp_path / "net.pth").touch()
    with pytest.raises(
        UsageError, match=r"is not a .safetensors file.*become a run with `gta conv"
    ):
        gta.load(tmp_path / "net.pth")


def test_evaluate_is_what_gta_test_prints(trained: Path, ordered: Path):
    scores = gta.evaluate(trained, ordered, workers=0, device="cpu")
    low, high = scores.interval()
    assert str(scores) == (
        f"top-1 {scores.top(1):.1%} ({low:.1%} to {high:.1%}), 12 videos, 1x1-center32"
    )
    assert isinstance(scores, Scores)
    assert scores.model == f"{trained.name}, last.safetensors, epoch 2 of 2"
    assert (scores.about.dataset, scores.about.split) == ("ssv2", "val")
    shorter = gta.evaluate(
        Run.open(trained), protocol="3x1-full28", num_frames=2, workers=0, device="cpu"
    )
    assert (shorter.about.num_frames, shorter.about.num_views) == (2, 3)
    with pytest.raises(DataError, match="does not exist"):
        gta.evaluate(trained, ordered / "no")


def test_a_recipe_is_trained_by_its_name(
    ordered: Path, trained: Path, small_settings: list[str], tmp_path: Path, capsys
):
    """And is what the command line makes of the same words."""
    settings = dict(setting.split("=") for setting in small_settings)
    numbers = {k: int(v) if v.isdigit() else v for k, v in settings.items()}
    run = gta.train("ordered/tiny_gta", ordered, tmp_path / "run", settings=numbers, device="cpu")
    assert run == Run.open(tmp_path / "run")
    assert repr(run).startswith("Run(folder=")
    assert "ordered/tiny_gta on cpu, 1 process" in capsys.readouterr().out
    assert "epoch 2/2" in (tmp_path / "run/log.txt").read_text()
    same = ("recipe.yaml", "labels.json")
    assert all((run.folder / n).read_text() == (trained / n).read_text() for n in same)
    ours, theirs = run.load()[0].state_dict(), Run.open(trained).load()[0].state_dict()
    assert all(ours[key].equal(theirs[key]) for key in theirs)
    again = gta.train(run.folder, None, run.folder, device="cpu", report=Silent())
    assert again == run
    assert not capsys.readouterr().out


def test_recipes_that_are_none(tmp_path: Path):
    for recipe, said in (
        ("tiny_gta", r"'tiny_gta' is no recipe: .* such as ssv2/r2d50_gta \(data: folder, k400"),
        ("ordred/tiny_gta", "no recipe for data 'ordred'. Did you mean 'ordered'"),
        ("ordered/tiny_gat", "no recipe for model 'tiny_gat' on ordered. Did you mean 'tiny_gta'"),
        (tmp_path / "own.yaml", r"own.yaml: no such recipe file"),
        (tmp_path, r"is not the folder of a run: no recipe.yaml in it"),
    ):
        with pytest.raises(UsageError, match=said):
            gta.train(recipe, tmp_path, tmp_path / "run")
    with pytest.raises(UsageError, match=r"train.lrr.*train.lr"):
        gta.train("ordered/tiny", tmp_path, tmp_path / "run", settings={"train.lrr": 1})
    assert not (tmp_path / "run").exists()


@pytest.mark.slow  # starts Python and torch three times
def test_a_script_needs_no_main(trained: Path, ordered: Path, tmp_path: Path):
    """Loader processes do not run it again."""
    script = tmp_path / "three_lines.py"
    script.write_text(
        f"import gta\nprint('begun')\nprint(gta.evaluate({str(trained)!r}, workers=1))\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("begun") == 1
    assert ", 12 videos, 1x1-center32" in done.stdout


def test_models_by_their_names():
    assert gta.list_models("slowfast101*") == ["slowfast101", "slowfast101_gta", "slowfast101_nl"]
    assert gta.list_models(["tiny", "r2d18*"]) == ["r2d18", "r2d18_gta", "tiny"]
    assert gta.list_models("") == gta.list_models() == sorted(gta.list_models())
    model = gta.create_model("tiny_gta", num_classes=5, num_frames=4)
    assert model(torch.zeros(1, 3, 4, 32, 32)).shape == (1, 5)
    assert model.training
    assert gta.create_model("tiny_gta", 5)(torch.zeros(1, 3, 8, 32, 32)).shape == (1, 5)


def test_models_that_are_none(trained: Path):
    for arguments, said in (
        (
            ("tiny_gat", 5),
            r"no model 'tiny_gat'. Did you mean 'tiny_gta'\? gta.list_models\(\) has",
        ),
        (("tiny", True), r"num_classes=True is not possible: .* num_classes=174, pretrained=True"),
        (("tiny", 0), "num_classes=0 is not possible"),
    ):
        with pytest.raises(UsageError, match=said):
            gta.create_model(*arguments)
    with pytest.raises(UsageError, match="pretrained and checkpoint_path are two places"):
        gta.create_model("tiny", 5, pretrained=True, checkpoint_path=trained / "last.safetensors")
    with pytest.raises(UsageError, match="there are no ImageNet weights for depth 10"):
        gta.create_model("tiny", 5, pretrained=True)


def test_a_model_with_the_weights_of_a_file(tmp_path: Path, recwarn):
    made = gta.create_model("tiny_gta", 4, num_frames=4)
    torch.save(made.state_dict(), tmp_path / "weights.pt")
    same = gta.create_model("tiny_gta", 4, num_frames=4, checkpoint_path=tmp_path / "weights.pt")
    expected = made.state_dict()
    assert all(value.equal(expected[key]) for key, value in same.state_dict().items())
    assert not [warning for warning in recwarn if warning.category is Notice]
    with pytest.warns(Notice, match=r"not used: .*fc.weight .*\n  from scratch: "):
        gta.create_model("tiny_gta", 3, num_frames=4, checkpoint_path=tmp_path / "weights.pt")
