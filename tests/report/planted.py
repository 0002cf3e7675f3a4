"""Reports of planted extremes: as many classes and videos as asked for, and nasty names."""

import base64
import io
from typing import Any

import numpy as np
import torch
from PIL import Image

from gta.evaluation.scores import Scores
from gta.report.chosen import choose
from gta.report.html import page
from gta.report.scored import numbers, packed

NASTY = (
    "</script><script>document.documentElement.dataset.owned = 'yes'</script>",
    "<img src=x onerror=\"document.documentElement.dataset.owned='yes'\">",
    "&lt;b&gt; \"quoted\" 'name' ${x} <!-- --> ]]>",
    "\u202eright to left\u2028line",
    "Pushing [something] so that it   slightly moves, 把某物推開",
)


def scores(num_classes: int, num_videos: int, *, seed: int = 0, sure: float = 6.0) -> Scores:
    """A model that is right on some of the videos; names are those of Kinetics in length."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(num_videos) % num_classes
    logits = torch.randn(num_videos, num_classes, generator=generator)
    logits[torch.arange(num_videos), labels] += sure * torch.rand(num_videos, generator=generator)
    words = ("Pushing something so that it slightly moves", "Folding something", "Nothing at all")
    classes = [f"{words[c % 3]} {c}" for c in range(num_classes)]
    for place, name in enumerate(NASTY[:num_classes]):
        classes[place] = name
    return Scores(
        ids=[
            f"{i:06d}/a_video_with_a_long_name_{i * 7919 % 10**9}.webm" for i in range(num_videos)
        ],
        labels=labels,
        scores=logits.softmax(1),
        classes=classes,
        protocol="1x1-center224",
        model="planted, last.safetensors, epoch 50 of 50",
    )


def strip(seed: int = 0) -> str:
    """A preview of 8 frames, as large as one of a real clip."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (14, 8 * 14, 3), dtype=np.uint8)
    file = io.BytesIO()
    image = Image.fromarray(small).resize((8 * 112, 112), Image.Resampling.BICUBIC)
    image.save(file, "WEBP", quality=55)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()


def run_of(found: Scores, name: str = "planted") -> dict[str, Any]:
    """What the page knows of one run."""
    rng, epochs = np.random.default_rng(0), list(range(1, 51))
    matrix = rng.standard_normal((8, 8, 8, 8)).astype(np.float32)
    curve = [2 / (1 + epoch / 8) for epoch in epochs]
    return {
        "name": name,
        "folder": f"runs/{name}",
        "network": "frame_resnet-50 + SA + GTA, 8 frames of 224x224",
        "recipe": "model:\n  backbone: frame_resnet\n",
        "epochs": 50,
        "history": {
            "epoch": epochs,
            "lr": [0.01 if epoch < 30 else 0.001 for epoch in epochs],
            "train_loss": curve,
            "val_loss": [value + 0.2 for value in curve],
            "train_top1": [1 - value / 2.5 for value in curve],
            "val_top1": [0.9 - value / 2.5 for value in curve],
            "seconds": [600.0] * 50,
            "waited": [60.0] * 50,
        },
        "environment": {"gta": "0.1.0", "gpu": None, "git": {"gta": None, "folder": None}},
        "commands": ["gta train --model r2d50_gta --data ssv2 --root '/data/<ssv2>'"],
        "cost": {"gflops": 50.2, "params_m": 31.3, "activations_mib": 900.0, "views": 1},
        "speed": {"ms": 123.4, "threads": 2, "passes": 5},
        "scores": packed(found),
        "matrices": [
            {
                "block": "inserted.res3_1.1",
                "level": level,
                "shape": [8, 8, 8, 8],
                "weights": numbers(matrix),
                "mean": numbers(matrix.mean((0, 2))),
                "added": numbers(np.eye(8, dtype=np.float32) - np.eye(8, k=-1, dtype=np.float32)),
                "likeness": {"shift": -0.7, "difference": 1.0, "mean": 0.1},
            }
            for level in ("pixel", "region")
        ],
    }


def data_of(*found: Scores, clips: bool = True) -> dict[str, Any]:
    """What the page knows."""
    first = found[0]
    entries: list[dict[str, Any]] = []
    if clips:
        for place, one in enumerate(choose(first)):
            entry: dict[str, Any] = {
                **{"video": one.index, "why": one.why},
                **{"strip": strip(one.index), "frames": 8},
            }
            if place < 6:
                kinds = ("spatial attention from x=12, y=40", "regions", "evidence (Grad-CAM)")
                entry["maps"] = [
                    {"name": kind, "layer": "res4_1", "strip": strip(n), "frames": 8}
                    for n, kind in enumerate(kinds)
                ]
            entries.append(entry)
    runs = [run_of(each, f"planted-{n}" if n else "planted") for n, each in enumerate(found)]
    return {
        "title": ", ".join(run["name"] for run in runs),
        "made": "2030-01-01 12:00",
        "version": "0.1.0",
        "classes": first.classes,
        "runs": runs,
        "comparisons": [None, *["B is better than A by 1.0 points."] * (len(found) - 1)],
        "videos": {"names": first.ids, "labels": numbers(first.labels.numpy())},
        "clips": entries,
    }


def planted(num_classes: int, num_videos: int, *, clips: bool = True) -> str:
    """The page itself."""
    return page("planted", data_of(scores(num_classes, num_videos), clips=clips))
