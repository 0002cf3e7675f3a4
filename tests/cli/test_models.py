"""Costs of the paper's models, weights from elsewhere, another number of frames."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from gta import paper
from gta.cost import Cost

from .conftest import Run
from .test_mistakes import ORDERED, small

GOLDEN = Path(__file__).parents[1] / "backbones/golden"
SMALL = small(["model.width=8", "model.window=2"])
SLOWFAST = ("--model", "slowfast50", "--data", "k400", *SMALL)


@pytest.fixture
def pyth(tmp_path: Path) -> Path:
    """A checkpoint as PySlowFast writes it: SlowFast-R50 of width 8 with 11 classes."""
    tensors = load_file(GOLDEN / "psf_slowfast_nln_r50_tiny.safetensors")
    weights = {
        key.removeprefix("weight/"): value.float() if value.is_floating_point() else value
        for key, value in tensors.items()
        if key.startswith("weight/") and "nonlocal" not in key
    }
    path = tmp_path / "checkpoint_epoch_00196.pyth"
    torch.save({"epoch": 195, "model_state": weights, "cfg": "TRAIN: ..."}, path)
    return path


@pytest.fixture(scope="module")
def some_papers_costs() -> tuple[tuple[paper.Row, Cost], ...]:
    """Those of a few rows; `test_paper.py` has all."""
    few = ("R2D-50 + GTA", "SlowFast-R50 + GTA", "+ SA", "+ TA", "SlowFast-R101")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paper, "ROWS", [row for row in paper.ROWS if row.row in few])
        return paper.paper_costs.__wrapped__()


@pytest.fixture
def papers_costs(some_papers_costs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper, "paper_costs", lambda: some_papers_costs)


@pytest.mark.usefixtures("papers_costs")
def test_the_papers_costs(run: Run):
    rows = json.loads(run("cost", "--paper", "--json").out)["rows"]
    assert len(rows) == 5
    keys = {"table", "row", "gflops", "paper_gflops", "params_m", "paper_params_m", "note"}
    assert all(keys <= row.keys() for row in rows)
    found = {(row["table"], row["row"]): row for row in rows}
    gta = found["1", "SlowFast-R50 + GTA"]
    assert (round(gta["gflops"], 2), gta["paper_gflops"]) == (170.17, 169.9)
    assert gta["note"].startswith("GFLOPs: 169.80 without the regions")
    assert found["4", "SlowFast-R101"]["paper_params_m"] is None
    assert found["2b", "+ SA"]["note"] is None


@pytest.mark.usefixtures("papers_costs")
def test_the_papers_costs_as_a_table(run: Run):
    out = run("cost", "--paper").out
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines()]
    table = {row[1]: row for row in cells if len(row) == 9}
    assert table["+ TA"][3:7] == ["40.97", "41.0", "27.55", "27.5"]
    assert table["SlowFast-R101"][3:] == ["125.91", "106", "62.83", "", "2021", "[3]"]
    assert "[3] GFLOPs: 106 fits the 101-50-50 variant" in out


def test_the_cost_of_any_clip(run: Run, trained: Path):
    told = json.loads(
        run("cost", "--model", "tiny", "--data", "ordered", "--clip", "6x32x48", "--json").out
    )
    assert told["clip"] == [3, 6, 32, 48]
    out = run("cost", trained, "--clip", "8x32x32").out
    assert "One clip of 8 frames of 32x32 (height x width), 4 classes" in out
    assert "MiB of activations" in out


def test_a_checkpoint_of_pyslowfast_becomes_a_run(
    run: Run, pyth: Path, tmp_path: Path, ordered: Path
):
    only_told = run("convert", pyth, *SLOWFAST)
    assert only_told.code == 0, only_told.err
    assert f"{pyth}: 662 tensors used, from the names of PySlowFast" in only_told.out
    assert "Nothing was written. Give --out RUN" in only_told.out
    (tmp_path / "labels.txt").write_text("".join(f"class {i}\n" for i in range(11)))
    out = tmp_path / "run"
    made = run("convert", pyth, *SLOWFAST, "--out", out, "--labels", tmp_path / "labels.txt")
    assert made.code == 0, made.err
    video = next((ordered / "20bn-something-something-v2").iterdir())
    told = json.loads(run("predict", out, video, "--protocol", "1x1-center64", "--json").out)
    assert told["weights"] == f"last.safetensors, {pyth.name} (PySlowFast)"
    assert told["videos"][0]["top"][0]["class"].startswith("class ")
    assert f"weights: {pyth}" in (out / "recipe.yaml").read_text()
    again = run("convert", pyth, *SLOWFAST, "--out", out)
    assert (again.code, "exists already; give a new folder" in again.err) == (2, True)


def test_mistakes_of_convert(run: Run, pyth: Path, tmp_path: Path):
    (tmp_path / "labels.txt").write_text("one\ntwo\n")
    answer = run("convert", pyth, *SLOWFAST, "--labels", tmp_path / "labels.txt")
    assert "names 2 classes, but the classifier of" in answer.err
    assert "has 11: give one name a line" in answer.err
    (tmp_path / "labels.json").write_text('{"a": 1}')
    answer = run("convert", pyth, *SLOWFAST, "--labels", tmp_path / "labels.json")
    assert "labels.json cannot be read: it is not a list of names" in answer.err
    (tmp_path / "labels.txt").write_bytes(b"caf\xe9")
    answer = run("convert", pyth, *SLOWFAST, "--labels", tmp_path / "labels.txt")
    assert "labels.txt cannot be read: 'utf-8' codec can't decode" in answer.err
    answer = run("convert", pyth, *SLOWFAST, "--labels", tmp_path / "no.txt")
    assert (answer.code, "no.txt cannot be read: " in answer.err) == (2, True)
    answer = run("convert", pyth, "--model", "r2d50", "--data", "ssv2")
    assert "It holds a SlowFast network, and the model is a ResNet over frames." in answer.err


def test_training_starts_from_weights_from_elsewhere(
    run: Run, pyth: Path, tmp_path: Path, ordered: Path
):
    answer = run(
        *("train", "--model", "slowfast50_gta", "--data", "ssv2", "--root", ordered, *SMALL),
        *("--weights", pyth, "--out", tmp_path / "run"),
        *small(["train.epochs=1", "train.warmup_epochs=0", "train.batch_size=8"]),
        *small(
            ["clip.num_frames=8", "clip.size=32", "clip.resize=32", "augment.scale_jitter=[32,40]"]
        ),
        *small(["test.protocol=1x1-center32", "train.milestones=[1]"]),
    )
    assert answer.code == 0, answer.err
    assert "tensors used, from the names of PySlowFast" in answer.out
    assert "head.projection.weight (shape 11x288, the model's is 4x288)" in answer.out
    assert "from scratch: " in answer.out
    assert "fc (2), inserted.res3_1" in answer.out
    assert str(pyth) in (tmp_path / "run/recipe.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "r2d18", "--data", "folder", "--weights", "kinetics"], "is for SlowFast"),
        (
            ["--model", "slowfast50", "--data", "ssv2", "--weights", "imagenet"],
            "there are no ImageNet weights for SlowFast: set model.weights=kinetics",
        ),
    ],
)
def test_weights_that_do_not_exist(arguments: list[str], message: str):
    from gta.errors import UsageError
    from gta.pretrained import find_weights
    from gta.recipes import find_recipe, read_recipe

    recipe = read_recipe(find_recipe(arguments[3], arguments[1]), [f"model.weights={arguments[5]}"])
    with pytest.raises(UsageError, match=message):
        find_weights(recipe.model)


def test_another_number_of_frames(run: Run, trained: Path, ordered: Path, tmp_path: Path):
    trained = shutil.copytree(trained, tmp_path / "run")  # scores stay with the run
    told = json.loads(run("test", trained, "--frames", "7", "--json").out)
    assert told["model"].endswith("resampled from 4 frames")
    assert told["scores"].endswith("-7frames.npz")
    same = json.loads(run("test", trained, "--json").out)
    assert same["scores"] != told["scores"]
    video = next((ordered / "20bn-something-something-v2").iterdir())
    answer = run("predict", trained, video, "--frames", "9")
    assert answer.code == 0, answer.err
    assert "resampled from 4 frames" in answer.out


def test_fine_tuning_at_another_number_of_frames(
    run: Run, trained: Path, ordered: Path, tmp_path: Path, small_settings: list[str]
):
    settings = [s for s in small_settings if not s.startswith(("clip.num_frames", "model.weights"))]
    command = (
        *(*ORDERED, "--root", ordered, "--weights", trained / "last.safetensors"),
        *small([*settings, "clip.num_frames=6", "train.epochs=1", "train.warmup_epochs=0"]),
    )
    without = run(*command, "--out", tmp_path / "without")
    assert "pixel.matrix (shape 8x4x8x4, the model's is 8x6x8x6)" in without.out
    resampled = run(*command, *small(["model.resample=true"]), "--out", tmp_path / "resampled")
    assert "resampled in time: inserted.res3_0.1.pixel.matrix, " in resampled.out
    assert "not used" not in resampled.out
