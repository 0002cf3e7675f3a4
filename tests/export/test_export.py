"""Files for other programs: what they compute, what they say of themselves, what is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from gta.config import Model
from gta.errors import DataError, UsageError
from gta.export import export_onnx, export_program, verify_onnx
from gta.export.about import about, as_text
from gta.export.agreement import Mismatch, check, first_difference, runner
from gta.export.benchmark import Row
from gta.export.clips import RealClips
from gta.export.forms import Form, exported, form_of
from gta.export.onnx_file import loaded_form, onnx_model, set_metadata, write_checked
from gta.export.precision import calibration, in_precision
from gta.export.smaller import export_smaller
from gta.models import MODELS, build
from gta.predict import load
from gta.runs import Run

from .drawn import CLASSES, drawn_run, opened

ALL = "GTA_EXPORT_ALL" in os.environ
SIDES = [64, 64] if torch.__version__.startswith("2.11.") else ["height", "width"]
"""Of a clip: torch 2.11 traces pooled keys for features of even sides alone."""
EXAMPLE = Path(__file__).parents[2] / "examples/onnx_alone.py"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return drawn_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def form(run: Run) -> Form:
    return loaded_form(run, stream=False, best=False)[0]


@pytest.fixture(scope="module")
def model(form: Form):
    """As ONNX: it takes a while."""
    return onnx_model(form)


def alone(*words: str | Path) -> list[tuple[str, float]]:
    """What the example prints, in a process that can import neither this package nor torch."""
    without = "import sys, runpy; sys.modules |= {'gta': None, 'torch': None}; "
    code = f"{without}sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    command = [sys.executable, "-c", code, str(EXAMPLE), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    return [(name, float(score)) for score, name in rows]


def is_what_is_predicted(run: Run, file: Path, folder: Path, side: int = 32) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (9, side, side, 3), np.uint8)
    np.save(folder / "clip.npy", frames)
    expected = load(run, device="cpu")(frames).scores
    found = alone(file, folder / "clip.npy")
    assert [name for name, _ in found] == [name for name, _ in expected]
    assert [s for _, s in found] == pytest.approx([s for _, s in expected], abs=1e-4)


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Of 64 pixels: torch takes a last feature of 1x1, which 32 have, for a case of its own."""
    settings = "clip.size=64", "test.protocol=1x1-center64"
    return drawn_run(tmp_path_factory.mktemp("larger"), *settings)


@pytest.mark.slow
def test_clips_in_onnx(larger: Run, tmp_path: Path):
    run, clips = larger, [torch.randn(1, 3, 4, 64, 64)]
    made = export_onnx(run, tmp_path / "new" / "model.onnx", clips=clips)
    assert made.difference < 1e-5
    assert made.inputs == {"clips": ["batch", 3, 4, *SIDES]}
    assert made.outputs == {"logits": ["batch", 4]}
    assert [path.name for path in made.path.parent.iterdir()] == ["model.onnx"]
    model = run.load()[0]
    for shape in ((5, 3, 4, 64, 64), (1, 3, 4, 96, 80)):
        clips = torch.randn(shape)
        with torch.no_grad():
            assert torch.allclose(runner(made.path)([clips])[0], model(clips), atol=1e-5)
    is_what_is_predicted(run, made.path, tmp_path, side=64)


@pytest.mark.slow
def test_a_step_in_onnx(run: Run, tmp_path: Path):
    clip = torch.randn(1, 3, 4, 32, 32)
    made = export_onnx(run, tmp_path / "step.onnx", stream=True, clips=[clip])
    assert made.difference < 1e-5
    assert made.inputs["frame"] == ["batch", 3, 32, 32]
    states = [name for name in made.inputs if name.startswith("state.")]
    assert len(states) == 5
    assert [name.replace("next.", "state.") for name in made.outputs] == ["logits", *states]
    is_what_is_predicted(run, made.path, tmp_path)


@pytest.mark.slow
def test_what_the_file_says_of_itself(run: Run, form: Form, tmp_path: Path):
    import onnx

    model = onnx.load(str(export_onnx(run, tmp_path / "model.onnx").path))
    told = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert told["labels"] == CLASSES
    clip = run.recipe.clip
    assert (told["mean"], told["std"]) == (list(clip.mean), list(clip.std))
    assert (told["size"], told["resize"], told["frames"]) == (32, 32, 4)
    assert (told["sampling"], told["stride"], told["form"]) == ("dense", 1, "clips")


@pytest.mark.slow
def test_a_planted_mismatch_fails_and_is_found(form: Form, model, tmp_path: Path):
    import onnx
    from onnx import numpy_helper

    assert first_difference(form, model) is None
    for layer, part, named in (
        ("layer2.0.conv1", "weight", "layer2.0.bn1"),  # they are one node of the file
        ("inserted.res4_0.1.pixel.output", "bias", "inserted.res4_0.1.pixel.output"),
    ):
        planted = onnx.ModelProto()
        planted.CopyFrom(model)
        weight = next(w for w in planted.graph.initializer if w.name.endswith(f"{layer}.{part}"))
        changed = numpy_helper.to_array(weight).copy()
        changed[0] += 0.5
        weight.CopyFrom(numpy_helper.from_array(changed, weight.name))
        with pytest.raises(
            Mismatch, match=rf"was not written: it differs.*that differs is {named}"
        ):
            write_checked(planted, tmp_path / "model.onnx", form)
        assert not [*tmp_path.iterdir()]


@pytest.mark.slow
def test_a_file_that_is_there_is_told_from_those_of_other_runs(
    run: Run, form: Form, model, tmp_path: Path
):
    import onnx
    from onnx import numpy_helper

    path, changed = tmp_path / "model.onnx", tmp_path / "changed.onnx"
    set_metadata(model, as_text(about(run, "last", form)))
    onnx.save(model, str(path))
    assert verify_onnx(run, path) < 1e-5
    model = onnx.load(str(path))
    bias = next(w for w in model.graph.initializer if w.name.endswith("pixel.output.bias"))
    values = numpy_helper.to_array(bias).copy()
    values[0] += 0.5
    bias.CopyFrom(numpy_helper.from_array(values, bias.name))
    onnx.save(model, str(changed))
    with pytest.raises(Mismatch, match=r"not this run's: .*that differs is inserted.*pixel.output"):
        verify_onnx(run, changed)
    for swapped, key in ((json.dumps(CLASSES[::-1]), "labels"), ("[0.5, 0.5, 0.5]", "mean")):
        model = onnx.load(str(path))
        set_metadata(model, {key: swapped})
        onnx.save(model, str(changed))
        with pytest.raises(Mismatch, match=rf"changed.onnx is not this run's: its {key} are \["):
            verify_onnx(run, changed)
    content = path.read_bytes()
    last = content.index(b"\x0a\x03gta") - 2  # where the last entry begins: without it, still ONNX
    for end, said in ((-200, "cannot be read as a whole ONNX file"), (last, "is incomplete")):
        changed.write_bytes(content[:end])
        with pytest.raises(DataError, match=rf"changed.onnx {said}"):
            verify_onnx(run, changed)
    set_metadata(model, {"precision": '"int8"'})
    onnx.save(model, str(changed))
    with pytest.raises(UsageError, match=r"changed.onnx is int8: .*--benchmark"):
        verify_onnx(run, changed)
    with pytest.raises(DataError, match=r"none.onnx does not exist"):
        verify_onnx(run, tmp_path / "none.onnx")


@pytest.mark.slow
def test_fewer_bits_compute_nearly_the_same(form: Form, model):
    clips = [torch.randn(1, 3, 4, 32, 32) for _ in range(4)]
    with torch.no_grad():
        expected = form.module(clips[0])
    for precision, most, least in (("fp16", 0.02, 0.0), ("int8", 0.5, 1e-4)):
        made = in_precision(model, precision, calibration(form, model, clips))
        found = runner(made.SerializeToString())([clips[0]])[0]
        difference = float((found - expected).abs().max() / expected.abs().max())
        assert least <= difference <= most
        assert found.dtype == torch.float32
    assert in_precision(model, "fp32", []) == model


@pytest.mark.slow
def test_what_loses_more_than_a_point_is_written_on_request_alone(
    run: Run, form: Form, model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from onnx import numpy_helper

    def spoiled(model, precision, inputs):
        made = in_precision(model, precision, inputs)
        bias = next(tensor for tensor in made.graph.initializer if tensor.name.endswith("fc.bias"))
        values = numpy_helper.to_array(bias).copy()
        values[0] += 100
        bias.CopyFrom(numpy_helper.from_array(values, bias.name))
        return made

    clips = [torch.randn(1, 3, 4, 32, 32) for _ in range(20)]
    with torch.no_grad():
        labels = [int(form.module(clip).argmax()) for clip in clips]
    assert set(labels) != {0}
    monkeypatch.setattr("gta.export.smaller.onnx_model", lambda form: model)
    path = tmp_path / "small.onnx"
    told = export_smaller(run, path, "fp16", RealClips(clips, list(labels)))
    assert (told.top1, told.lost) == (1.0, 0.0)
    path.unlink()
    monkeypatch.setattr("gta.export.smaller.in_precision", spoiled)
    for known in (list(labels), [None] * len(clips)):
        with pytest.raises(
            UsageError, match=r"was not written: it loses \d+\.\d points.*--allow-loss writes it"
        ):
            export_smaller(run, path, "fp16", RealClips(clips, known))
        assert not [*tmp_path.iterdir()]
        told = export_smaller(run, path, "fp16", RealClips(clips, known), allow_loss=True)
        assert told.lost == pytest.approx(1 - labels.count(0) / len(labels))
        path.unlink()


def test_a_row_says_whether_it_loses_more_than_a_point():
    def row(top1: float | None, agrees: float) -> Row:
        return Row("ONNX", "int8", top1, agrees, 0.1, 1.0, 1.0, 1.0)

    assert [row(top1, 0.5).loses(0.97) for top1 in (0.98, 0.97, 0.96, 0.959)] == [
        *(False, False, False, True)
    ]
    assert [row(None, agrees).loses(None) for agrees in (1.0, 0.99, 0.98)] == [False, False, True]


@pytest.mark.parametrize("stream", [False, True])
def test_a_program_of_torch(run: Run, tmp_path: Path, stream: bool):
    made = export_program(run, tmp_path / "model.pt2", stream=stream)
    assert made.difference < 1e-5
    files = {"gta.json": ""}
    program = torch.export.load(made.path, extra_files=files)
    assert json.loads(files["gta.json"])["labels"] == CLASSES
    form = loaded_form(run, stream=stream, best=False)[0]
    first, *state = (argument[:1] for argument in form.arguments)
    with torch.no_grad():
        expected = form.module(first, *state)
        found = program.module()(first, *state)
    pairs = zip(expected, found, strict=True) if stream else [(expected, found)]
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in pairs)


def test_a_program_says_which_of_its_sizes_are_free(larger: Run, run: Run, tmp_path: Path):
    made = export_program(larger, tmp_path / "clips.pt2")
    assert made.inputs == {"clips": ["batch", 3, 4, *SIDES]}
    step = export_program(run, tmp_path / "step.pt2", stream=True)
    assert step.inputs["frame"] == ["batch", 3, 32, 32]
    assert len(step.inputs) == 6
    assert all(shape[0] == "batch" for shape in step.inputs.values())


def test_what_computes_something_else_is_refused(form: Form):
    def other(arguments):
        return [form.module(*arguments) * 1.01]

    def broken(arguments):
        return [form.module(*arguments) * float("nan")]

    for run_file in (other, broken):
        with pytest.raises(
            Mismatch, match=r"differs from the network by .* on random input, batch"
        ):
            check(form, run_file, [])


def test_what_cannot_be_exported(tmp_path: Path):
    clips = drawn_run(tmp_path, "model.causal=false", "model.causal_frames=null")
    with pytest.raises(UsageError, match=r"no step to export: this FrameResNet needs whole clips"):
        export_program(clips, tmp_path / "model.pt2", stream=True)

    class Data(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    form = Form(Data(), (torch.randn(2, 3, 4, 8, 8),), ["clips"], ["logits"], {})
    with pytest.raises(UsageError, match=r"torch.export cannot trace this network"):
        exported(form)


def test_height_and_width_are_fixed_where_padding_depends_on_them():
    class Conv2dSame(nn.Conv2d):
        """As timm names it."""

    for kind, free in ((Conv2dSame, False), (nn.Conv2d, True)):
        network = nn.Sequential(
            nn.Flatten(1, 2), kind(12, 5, 3, padding=1), nn.AdaptiveAvgPool2d(1)
        )
        form = form_of(network, frames=4, size=8, stream=False)
        program = exported(form)
        (given,) = [n for n in program.graph.nodes if n.op == "placeholder" and n.name == "input"]
        found = given.meta["val"].shape[3:]
        assert [isinstance(side, torch.SymInt) for side in found] == [free, free]


@pytest.mark.slow  # networks whole
def test_height_and_width_are_fixed_where_larger_clips_are_pooled_in_windows():
    """torch traced one way of the two, and the file had free sizes at which it was wrong."""
    for name, free in (("k400_slowfast50", False), ("r2d18", True)):
        given = {"num_classes": 3, "num_frames": 8 if free else 32}
        form = form_of(
            build(MODELS[name], **given).eval(), frames=given["num_frames"], size=64, stream=False
        )
        program = exported(form)
        (clips,) = [n for n in program.graph.nodes if n.op == "placeholder" and n.name == "clips"]
        found = clips.meta["val"].shape[3:]
        assert [isinstance(side, torch.SymInt) for side in found] == [free, free]


KINDS = [
    *("tsm50_nl", "r2d50_dnl", "r2d50_tape", "r2d50_cgnl", "r2d50_gc", "r2d50_glore"),
    *("tsm50_gta", "k400_r2d50_gta", "c2d50_nl"),
]
"""Between them every block, the shift and each pooling; the others take minutes each."""


def cut(model: Model) -> Model:
    """The same operations, fewer times and narrower; all of it where `GTA_EXPORT_ALL` is set."""
    if ALL:
        return model
    return model.model_copy(update={"depth": 10, "width": 16, "placement": {"res3": [0]}})


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS if ALL else KINDS)
def test_every_named_model(name: str):
    model = cut(MODELS[name])
    frames = 32 if model.backbone == "slow_fast" else 4
    network = build(model, num_classes=5, num_frames=frames).eval()
    opened(network)
    form = form_of(network, frames=frames, size=64, stream=False)
    made = onnx_model(form)
    assert check(form, runner(made.SerializeToString()), []) < 1e-4
    assert made.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
