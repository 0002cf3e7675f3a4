"""What a trainer makes of small sets, in float64, to compare one trainer with another.

`frozen/trainer.json` is what the trainer made that experiments had for themselves before they
called the package's, by this function, and `test_frozen_trainer.py` holds today's to it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook

STEPS = 20


@contextmanager
def doubled(patch: Any) -> Iterator[list[float]]:
    """Networks that are built inside compute in float64; a list of the losses that they have had.

    Args:
        patch: pytest's monkeypatch.
    """
    losses = list[float]()
    plain = F.cross_entropy

    def noted(*args: Any, **kwargs: Any) -> Tensor:
        losses.append(float((found := plain(*args, **kwargs)).detach()))
        return found

    def cast(module: nn.Module, inputs: tuple) -> tuple:
        return tuple(
            x.double() if isinstance(x, Tensor) and x.is_floating_point() else x for x in inputs
        )

    hook = register_module_forward_pre_hook(cast)
    with patch.context() as here:
        here.setattr(F, "cross_entropy", noted)
        here.setattr(Tensor, "float", Tensor.double)
        torch.set_default_dtype(torch.float64)
        try:
            yield losses
        finally:
            torch.set_default_dtype(torch.float32)
            hook.remove()


def measure(ours: SimpleNamespace, patch: Any, tiny: Any, network: Any) -> dict[str, Any]:
    """Losses, weights and scores of two runs: on arrays as of `ordered`, and on real clips.

    Frames are random, so that they are the same on every machine.

    Args:
        ours: The modules of the experiments.
        patch: pytest's monkeypatch.
        tiny: A job of `ordered`, of seconds.
        network: The model of the run on real clips.
    """
    rng, found = np.random.default_rng(7), dict[str, Any]()
    settings = replace(tiny.settings, steps=STEPS, matrix_lr=2.0, matrix_init="small")
    job = replace(tiny, settings=settings, seed=3)
    parts = [
        ours.clips.Clips(frames(rng, count, length, 32, 32), torch.arange(count) % 22)
        for count, length in ((44, 8), (22, 8), (6, 16))
    ]
    said = list[str]()
    with doubled(patch) as losses:
        record, probabilities, model = ours.scoring.run(job, *parts, said.append)
        found["ordered"] = {
            "losses": losses[:STEPS],
            "said": said,
            "record": {name: value for name, value in record.items() if name != "seconds"},
            "probabilities": probabilities[:4].tolist(),
            "weights": summed(model),
        }
    count = 10
    clips = ours.real_clips.RealClips(
        frames(rng, count, 32, 128, 170),
        torch.arange(count) % 2,
        torch.arange(count) < 7,
        ["a", "b"],
        torch.full((count,), -1),
    )
    patch.setitem(ours.real_runs.MODELS, "GTA", network)
    settings = replace(settings, steps=3, batch_size=2, crop=32)
    for augment in ("none", "negatives", "pan"):
        real = ours.real_runs.RealJob(
            "GTA", "sit-stand", "split", "scratch", 1, True, augment, settings
        )
        with doubled(patch) as losses:
            record = ours.real_runs.run_real(real, clips, None, torch.device("cpu"), said.append)
            found[augment] = {"losses": losses, "record": record}
    return found


def frames(rng: np.random.Generator, *shape: int) -> Tensor:
    """uint8 (N, T, H, W, 3)."""
    return torch.from_numpy(rng.integers(256, size=(*shape, 3), dtype=np.uint8))


def summed(model: nn.Module) -> dict[str, list[float]]:
    """Of each tensor of a network its mean, its mean size and its last number."""
    return {
        name: [
            float(one.double().mean()),
            float(one.double().abs().mean()),
            float(one.flatten()[-1]),
        ]
        for name, one in model.state_dict().items()
    }
