"""Accuracy, time and size of a network in all formats and precisions, on this machine."""

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from gta.export.about import about, as_text
from gta.export.agreement import Run as Runner
from gta.export.agreement import module_runner, runner
from gta.export.clips import RealClips
from gta.export.forms import Form, exported
from gta.export.onnx_file import loaded_form, onnx_model, require_onnx, set_metadata
from gta.export.precision import Precision, calibration, in_precision
from gta.export.program import program_runner
from gta.progress import Report, Silent
from gta.runs import Run

PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "int8")
CALIBRATED = 16
"""Number of clips for the calibration of int8."""
MOST_LOST = 0.01
"""Loss of accuracy above which a file is reported."""
_TIMES = 12
"""Number of timed runs, whose median is reported; the first two do not count."""


@dataclass(frozen=True, slots=True)
class Row:
    """One format in one precision."""

    format: str
    precision: Precision
    top1: float | None
    """Accuracy on the real clips with labels; None: there are none."""
    agrees: float
    """Share of clips with the same first class as torch."""
    difference: float
    """The largest difference of a probability."""
    milliseconds: float
    """Of a clip, or a frame of a stream, on one thread: the median."""
    cpu_milliseconds: float
    """The same as CPU time, which is less if other programs run."""
    megabytes: float
    """Size of the file, 1e6 bytes."""

    def loses(self, top1: float | None) -> bool:
        """Whether it loses more than a point against the top-1 of torch in float32.

        Without labels, where `top1` is None: whether more than 1 % of the clips have another class.
        """
        lost = 1 - self.agrees if top1 is None or self.top1 is None else top1 - self.top1
        return lost > MOST_LOST + 1e-9


@torch.inference_mode()
def scores_of(form: Form, run: Runner, clips: Sequence[Tensor]) -> Tensor:
    """Probabilities (clips, num_classes); of a stream, at the last frame of each clip."""
    logits_of_clips = []
    for clip in clips:
        if not form.streams:
            logits_of_clips.append(run((clip,))[0])
            continue
        state, logits = tuple(form.state.values()), torch.empty(0)
        for frame in clip.unbind(2):
            logits, *after = run((frame, *state))
            state = tuple(after)
        logits_of_clips.append(logits)
    return torch.cat(logits_of_clips).float().softmax(1)


def accuracy(scores: Tensor, labels: Sequence[int | None]) -> float | None:
    """Top-1 of the clips with a label."""
    right = [
        int(s.argmax()) == label
        for s, label in zip(scores, labels, strict=True)
        if label is not None
    ]
    return sum(right) / len(right) if right else None


def benchmark(
    run: Run,
    clips: RealClips,
    *,
    stream: bool = False,
    best: bool = False,
    report: Report | None = None,
) -> list[Row]:
    """Measures torch, torch.export and ONNX in each precision, on the same clips.

    Args:
        run: A trained run.
        clips: Real clips; the first of them also calibrate int8.
        stream: One step of a causal network instead of whole clips.
        best: The weights of the best epoch instead of the last.
        report: Where progress goes.
    """
    require_onnx()
    form, weights = loaded_form(run, stream=stream, best=best)
    say = report or Silent()
    rows = list[Row]()
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        reference = scores_of(form, module_runner(form.module), clips.clips)

        def measure(name: str, precision: Precision, run_file: Runner, size: float) -> None:
            scores = scores_of(form, run_file, clips.clips)
            same = scores.argmax(1) == reference.argmax(1)
            wall, cpu = milliseconds(form, run_file, clips.clips[0])
            rows.append(
                Row(
                    *(name, precision, accuracy(scores, clips.labels)),
                    agrees=float(same.double().mean()),
                    difference=float((scores - reference).abs().max()),
                    milliseconds=wall,
                    cpu_milliseconds=cpu,
                    megabytes=size / 1e6,
                )
            )

        size = sum(t.numel() * t.element_size() for t in form.module.state_dict().values())
        measure("torch", "fp32", module_runner(form.module), size)
        program = exported(form)
        path = Path(folder) / "model.pt2"
        torch.export.save(program, path)
        measure("torch.export", "fp32", program_runner(path), path.stat().st_size)
        model = onnx_model(form, program)
        for precision in PRECISIONS:
            say.say(f"ONNX {precision} ...")
            given = calibration(form, model, clips.clips[:CALIBRATED])
            made = in_precision(model, precision, given)
            set_metadata(made, as_text(about(run, weights, form, precision)))
            content = made.SerializeToString()
            measure("ONNX", precision, runner(content), len(content))
    return rows


def milliseconds(form: Form, run: Runner, clip: Tensor) -> tuple[float, float]:
    """Medians for a clip, or a frame of a stream, on one thread: wall time and CPU time."""
    first = clip[:, :, 0] if form.streams else clip
    arguments = (first.contiguous(), *form.state.values())
    threads, taken = torch.get_num_threads(), list[tuple[float, float]]()
    torch.set_num_threads(1)
    try:
        for _ in range(_TIMES):
            began = time.perf_counter(), time.process_time()
            run(arguments)
            taken.append((time.perf_counter() - began[0], time.process_time() - began[1]))
    finally:
        torch.set_num_threads(threads)
    wall, cpu = (1000 * statistics.median(column) for column in zip(*taken[2:], strict=True))
    return wall, cpu


def cpu_name() -> str:
    """The name of this machine's CPU."""
    import platform

    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
