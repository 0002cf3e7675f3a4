"""An ONNX file in fewer bits; if it loses more than a point, it is written only on request."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from gta.errors import UsageError
from gta.export.about import about, as_text
from gta.export.agreement import module_runner, runner
from gta.export.benchmark import CALIBRATED, MOST_LOST, accuracy, scores_of
from gta.export.clips import RealClips
from gta.export.onnx_file import loaded_form, onnx_model, require_onnx, set_metadata
from gta.export.precision import calibration, in_precision
from gta.files import write_atomically
from gta.runs import Run


@dataclass(frozen=True, slots=True)
class Smaller:
    """The quality of a file in fewer bits, on real clips."""

    precision: str
    clips: int
    top1: float | None
    """Accuracy; None without labels."""
    top1_torch: float | None
    agrees: float
    """Share of clips with the same first class as torch."""
    difference: float
    """The largest difference of a probability."""

    @property
    def lost(self) -> float:
        """Loss of accuracy; without labels, the share of clips with another first class."""
        if self.top1 is None or self.top1_torch is None:
            return 1 - self.agrees
        return self.top1_torch - self.top1

    def to_dict(self) -> dict[str, Any]:
        """Its values by name."""
        return asdict(self)

    def __str__(self) -> str:
        known = self.top1 is not None and self.top1_torch is not None
        top1 = f"top-1 {self.top1_torch:.1%} -> {self.top1:.1%}, " if known else ""
        return (
            f"{self.precision}, {top1}{self.agrees:.1%} of {self.clips} real clips with the same "
            f"class as torch, probabilities differ by {self.difference:.2g} at most"
        )


def export_smaller(
    run: Run,
    path: Path,
    precision: Literal["fp16", "int8"],
    clips: RealClips,
    *,
    stream: bool = False,
    best: bool = False,
    allow_loss: bool = False,
) -> Smaller:
    """Writes a run's network as ONNX in fewer bits.

    Args:
        run: A trained run.
        path: The file, *.onnx.
        precision: "int8" is calibrated on the first of the clips.
        clips: Real clips, on which it is compared with torch.
        stream: One step of a causal network instead of whole clips.
        best: The weights of the best epoch instead of the last.
        allow_loss: Write it even if it loses more than a point.

    Raises:
        UsageError: It loses more than a point; nothing was written.
    """
    require_onnx()
    form, weights = loaded_form(run, stream=stream, best=best)
    model = onnx_model(form)
    given = calibration(form, model, clips.clips[:CALIBRATED])
    made = in_precision(model, precision, given)
    set_metadata(made, as_text(about(run, weights, form, precision)))
    content = made.SerializeToString()
    reference = scores_of(form, module_runner(form.module), clips.clips)
    scores = scores_of(form, runner(content), clips.clips)
    smaller = Smaller(
        *(precision, len(clips), accuracy(scores, clips.labels)),
        top1_torch=accuracy(reference, clips.labels),
        agrees=float((scores.argmax(1) == reference.argmax(1)).double().mean()),
        difference=float((scores - reference).abs().max()),
    )
    if smaller.lost > MOST_LOST + 1e-9 and not allow_loss:
        raise UsageError(
            f"{path} was not written: it loses {100 * smaller.lost:.1f} points ({smaller}). "
            f"--allow-loss writes it all the same; fp32 loses nothing"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda part: part.write_bytes(content))
    return smaller
