"""The attention of NL and DNL over frames, on clips whose event frames are known.

    python -m experiments.attention_frames NL DNL --out experiments/results/attention_frames.json

For each held-out clip of `ordered` that has an event, from all query positions of the place with
the finest grid: the entropy over frames of the attention (1: uniform), and its mass on the frames
of the event beside their share of all frames; for DNL also with the projections of its halves
exchanged. Figures 1, 3 and 6 of the paper claim that DNL attends to the frames that decide the
class, that NL's attention is uniform, and that swapped attention is on frames that look alike.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from gta.cli.figure_clips import clip_event
from gta.cli.show import chosen_view
from gta.evaluation.videos import run_videos
from gta.figures.maps import Layer, active_query, attention_over_frames, look
from gta.figures.swap import swapped
from gta.files import write_text
from gta.predict import Predictor


@dataclass(frozen=True, slots=True)
class OverFrames:
    """The attention of a clip's queries over frames."""

    entropy: float
    """Entropy over frames, mean over all queries; 1 is uniform."""
    mass: float
    """Mass on the frames of the event, mean over all queries."""
    active_entropy: float
    """The same for the most active position only, the query of the figures."""
    active_mass: float


def over_frames(layer: Layer, event: Sequence[int]) -> OverFrames:
    """The attention over frames of a layer of joint or temporal attention."""
    weights = layer.attention
    T = layer.grid[0]
    if layer.kind == "joint":
        weights = weights.unflatten(1, (T, -1)).sum(2)  # (N, T)
    else:
        weights = weights.flatten(0, 1)  # (H*W*T, T)
    active = torch.from_numpy(attention_over_frames(layer, active_query(layer)))[None]
    (entropy, mass), (active_entropy, active_mass) = (
        _measured(rows.double(), event) for rows in (weights, active)
    )
    return OverFrames(entropy, mass, active_entropy, active_mass)


def _measured(weights: torch.Tensor, event: Sequence[int]) -> tuple[float, float]:
    entropy = -(weights * weights.clamp(min=1e-12).log()).sum(1) / np.log(weights.shape[1])
    return float(entropy.mean()), float(weights[:, list(event)].sum(1).mean())


def measure(nl: Path, dnl: Path, most: int | None = None) -> dict[str, object]:
    """Measures all held-out clips with an event that does not fill the clip."""
    models = {"NL": Predictor(nl, device="cpu"), "DNL": Predictor(dnl, device="cpu")}
    videos = run_videos(models["NL"].run, None).videos[:most]
    measured_clips: dict[str, list[OverFrames]] = {"NL": [], "DNL": [], "DNL, swapped": []}
    shares: list[float] = []
    for video in videos:
        event = clip_event(models["NL"], video)
        T = models["NL"].run.recipe.clip.num_frames
        if not 0 < len(event) < T:
            continue
        shares.append(len(event) / T)
        for name, predictor in models.items():
            view, clip = chosen_view(predictor, video, None), predictor.run.recipe.clip
            measured_clips[name].append(_of(predictor, view, event))
            if name == "DNL":
                with swapped(predictor.model):
                    layers = look(predictor.model, view, clip).of_kind("temporal")
                    measured_clips["DNL, swapped"].append(over_frames(layers[0], event))
    rows = {
        name: {
            field: _mean([getattr(each, field) for each in measured])
            for field in ("entropy", "mass", "active_entropy", "active_mass")
        }
        for name, measured in measured_clips.items()
    }
    return {
        "command": "python -m experiments.attention_frames NL DNL",
        "data": "ordered, 12 classes of the quickstart, stillness 0.35, 96x96",
        "clips": len(shares),
        "share_of_event_frames": _mean(shares),
        "attention": rows,
    }


def _of(predictor: Predictor, view: torch.Tensor, event: Sequence[int]) -> OverFrames:
    seen = look(predictor.model, view, predictor.run.recipe.clip)
    return over_frames(seen.of_kind("joint", "temporal")[0], event)


def _mean(values: Sequence[float]) -> dict[str, float]:
    """The mean over clips with the half width of its 95 % interval."""
    half = 1.96 * float(np.std(values, ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return {"mean": round(float(np.mean(values)), 4), "half_width": round(half, 4)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("nl", type=Path)
    parser.add_argument("dnl", type=Path)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--most", type=int, default=None, help="Number of clips; default: all.")
    arguments = parser.parse_args()
    result = measure(arguments.nl, arguments.dnl, arguments.most)
    text = json.dumps(result, indent=1) + "\n"
    if arguments.out is not None:
        write_text(arguments.out, text)
    print(text, end="")
