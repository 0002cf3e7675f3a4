"""`gta convert`: what becomes a run, what does not, and the command that it names next."""

import shlex
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from gta.backbones import FrameResNet
from gta.blocks import GlobalTemporalAttention, NonLocal, SpatialAttention

from .conftest import Run
from .test_mistakes import small

SETTINGS = small(["clip.size=32", "clip.num_frames=4", "test.protocol=1x1-center32"])
TINY = ("--model", "tiny", "--data", "ordered", *SETTINGS)
TINY_GTA = ("--model", "tiny_gta", "--data", "ordered", *SETTINGS)
PLACES = {"res3": [0], "res4": [0]}


def network(num_classes: int = 4, **options) -> FrameResNet:
    return FrameResNet(10, num_classes=num_classes, num_frames=4, width=16, **options)


def saved(path: Path, model: nn.Module, prefix: str = "") -> Path:
    torch.save({"state_dict": {f"{prefix}{k}": v for k, v in model.state_dict().items()}}, path)
    return path


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A network without blocks, as Lightning keeps it, of as many classes as the data set."""
    return saved(tmp_path / "plain.ckpt", network(), "model.")


def next_of(out: str) -> list[str]:
    """The command that a text names after "Next: ", as a shell reads it."""
    line = next(line for line in out.splitlines() if line.startswith("Next: "))
    return shlex.split(line.removeprefix("Next: ").split("   or   ")[0])


def test_the_next_command_with_the_classes_of_the_data_set(
    run: Run, plain: Path, ordered: Path, tmp_path: Path
):
    out = tmp_path / "a run"
    made = run("convert", plain, *TINY, "--root", ordered, "--out", out)
    assert made.code == 0, made.err
    command = next_of(made.out)
    assert command == ["gta", "test", str(out)]
    tested = run(*command[1:])
    assert tested.code == 0, tested.err
    assert "top-1" in tested.out


def test_the_next_command_with_labels(run: Run, plain: Path, ordered: Path, tmp_path: Path):
    classes = run_classes(run, plain, ordered, tmp_path)
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(classes), encoding="utf-8")
    out = tmp_path / "run"
    made = run("convert", plain, *TINY, "--labels", labels, "--out", out)
    command = next_of(made.out)
    assert command == ["gta", "test", str(out), "--root", "DIR"]
    tested = run(*command[1:-1], ordered)
    assert tested.code == 0, tested.err
    labels.write_text("\n".join([*classes[1:], classes[0]]), encoding="utf-8")
    answer = run("convert", plain, *TINY, "--labels", labels, "--root", ordered)
    assert answer.code == 2
    assert f"names other classes than the data set in {ordered}, which gta test would" in answer.err
    assert f"class 0 is {classes[1]!r} and {classes[0]!r}" in answer.err


def run_classes(run: Run, plain: Path, ordered: Path, tmp_path: Path) -> list[str]:
    """The names of classes in a run that took them from the data set."""
    import json

    out = tmp_path / "for its classes"
    assert run("convert", plain, *TINY, "--root", ordered, "--out", out).code == 0
    return json.loads((out / "labels.json").read_text(encoding="utf-8"))


def test_classes_without_names_can_be_predicted_but_not_tested(
    run: Run, plain: Path, ordered: Path, tmp_path: Path
):
    out = tmp_path / "run"
    made = run("convert", plain, *TINY, "--out", out)
    assert made.code == 0
    assert next_of(made.out)[:3] == ["gta", "predict", str(out)]
    assert "for gta test, convert again with their names, --labels FILE or --root DIR" in made.out
    video = next((ordered / "20bn-something-something-v2").iterdir())
    assert run("predict", out, video).code == 0


def test_a_classifier_of_other_classes_than_the_data_set(run: Run, ordered: Path, tmp_path: Path):
    file = saved(tmp_path / "w.pth", network(7))
    answer = run("convert", file, *TINY, "--root", ordered)
    assert answer.code == 2
    assert f"{ordered} names 4 classes, but the classifier of {file} has 7" in answer.err


BLOCKS = [SpatialAttention, partial(GlobalTemporalAttention, groups=8)]


@pytest.mark.parametrize(
    ("blocks", "model", "why"),
    [
        (BLOCKS, TINY, "its blocks after res3_0, res4_0 have no place in this model"),
        ([], TINY_GTA, "the model's blocks after res3_0, res4_0 are not in it"),
        ([NonLocal], TINY_GTA, "the blocks after res3_0, res4_0 are of another kind or size"),
    ],
    ids=["more", "fewer", "others"],
)
def test_another_network_is_no_run(run: Run, tmp_path: Path, blocks: list, model: tuple, why: str):
    file = saved(tmp_path / "w.pth", network(blocks=blocks, placement=PLACES if blocks else {}))
    told = run("convert", file, *model)
    assert told.code == 0
    assert f"This is another network than that of {file}: {why}." in told.out
    assert f"Nothing was written. To train from it: gta train ... --weights {file}" in told.out
    assert "gta test" not in told.out
    made = run("convert", file, *model, "--out", tmp_path / "run")
    assert made.code == 2
    assert f"no run was made: its scores would not be those of {file}, since {why}." in made.err
    assert "Next" not in made.out
    assert not (tmp_path / "run").exists()


def test_the_same_network_with_blocks_is_one(run: Run, tmp_path: Path):
    file = saved(tmp_path / "w.pth", network(blocks=BLOCKS, placement=PLACES))
    made = run("convert", file, *TINY_GTA, "--out", tmp_path / "run")
    assert made.code == 0, made.err
    assert "Next: gta predict" in made.out


def test_a_file_without_a_classifier_names_what_it_has(run: Run, tmp_path: Path):
    state = {k: v for k, v in network().state_dict().items() if not k.startswith("fc.")}
    state |= {"head.0.weight": torch.ones(9, 128), "head.2.weight": torch.ones(4, 9)}
    torch.save(state, tmp_path / "w.pth")
    told = run("convert", tmp_path / "w.pth", *TINY)
    assert told.code == 0
    assert "not used: head.0.weight (not in the model), head.2.weight (not in" in told.out
    assert "another network than that of" in told.out
    assert "the model's classifier is not in it." in told.out
    made = run("convert", tmp_path / "w.pth", *TINY, "--out", tmp_path / "run")
    assert (made.code, (tmp_path / "run").exists()) == (2, False)


def test_numbers_that_are_not_finite(run: Run, tmp_path: Path):
    model = network()
    with torch.no_grad():
        model.fc.bias[2] = float("nan")
    file = saved(tmp_path / "w.pth", model)
    answer = run("convert", file, *TINY, "--out", tmp_path / "run")
    assert answer.code == 2
    assert "1 of 74 tensors hold NaN or infinite numbers: fc.bias (1 of 4)" in answer.err
    assert not (tmp_path / "run").exists()


def test_a_run_whose_weights_are_not_finite(run: Run, tmp_path: Path, plain: Path, ordered: Path):
    out = tmp_path / "run"
    assert run("convert", plain, *TINY, "--root", ordered, "--out", out).code == 0
    weights = out / "last.safetensors"
    state: dict[str, Tensor] = load_file(weights)
    state["bn1.bias"][0] = float("inf")
    save_file(state, weights)
    answer = run("test", out)
    assert answer.code == 2
    assert f"{weights}: 1 of 74 tensors hold NaN or infinite numbers: bn1.bias" in answer.err


def test_one_of_several_parts(run: Run, tmp_path: Path):
    state, other = network().state_dict(), network(7).state_dict()
    torch.save({"model": state, "model_ema": other}, tmp_path / "w.pth")
    told = run("convert", tmp_path / "w.pth", *TINY, "--out", tmp_path / "run")
    assert f"read from model; others are {tmp_path / 'w.pth'}#model_ema" in told.out
    file = f"{tmp_path / 'w.pth'}#model_ema"
    made = run("convert", file, *TINY, "--out", tmp_path / "averaged")
    assert made.code == 0, made.err
    assert load_file(tmp_path / "averaged/last.safetensors")["fc.bias"].shape == (7,)
