"""The metadata of an exported file: labels and preprocessing."""

import json
from typing import Any

from gta import __version__
from gta.export.forms import Form
from gta.protocols import parse_protocol
from gta.runs import Run


def about(run: Run, weights: str, form: Form, precision: str = "fp32") -> dict[str, Any]:
    """Everything that a program needs besides the file.

    `resize` is the short side in pixels, or [height, width], before the central crop of `size`;
    then pixels are (x / 255 - mean) / std. `sampling` names the frames of a clip, see
    `gta.data.sampling`; `stride` is the distance between frames.
    """
    clip, protocol = run.recipe.clip, parse_protocol(run.recipe.test.protocol)
    return {
        "form": "step" if form.streams else "clips",
        "precision": precision,
        "labels": run.classes,
        "mean": clip.mean,
        "std": clip.std,
        "size": protocol.size,
        "resize": protocol.resize,
        "frames": clip.num_frames,
        "sampling": clip.sampling,
        "stride": clip.stride,
        "protocol": protocol.name,
        "backbone": run.recipe.model.backbone,
        "weights": weights,
        "gta": __version__,
    }


def as_text(known: dict[str, Any]) -> dict[str, str]:
    """The same as JSON texts, the form of ONNX metadata."""
    return {name: json.dumps(value, ensure_ascii=False) for name, value in known.items()}
