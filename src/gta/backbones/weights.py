"""ImageNet weights for `FrameResNet`: from torchvision's hub or from a file."""

from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from gta.errors import UsageError

SHOWN = 4
"""Tensors of one kind that a text names before it only counts them."""


@dataclass(frozen=True)
class LoadReport:
    """Which tensors of a file went where. Its text is for people."""

    source: str
    used: list[str] = field(default_factory=list)
    unused: dict[str, str] = field(default_factory=dict)
    """Tensors of the file that were not used, and why."""
    fresh: list[str] = field(default_factory=list)
    """Tensors of the model that keep their initial values (`num_batches_tracked` is no weight)."""

    def __str__(self) -> str:
        lines = [f"{self.source}: {len(self.used)} tensors used"]
        if self.unused:
            reasons = [f"{key} ({why})" for key, why in self.unused.items()]
            lines.append(f"  not used: {shortened(reasons)}")
        if self.fresh:
            parts = Counter(part_of(key) for key in self.fresh)
            counts = [f"{part} ({count})" for part, count in parts.items()]
            lines.append(f"  from scratch: {len(self.fresh)} tensors in {', '.join(counts)}")
        return "\n".join(lines)


def shortened(items: list[str]) -> str:
    """The first few, and how many more there are."""
    more = [f"and {len(items) - SHOWN} more"] if len(items) > SHOWN else []
    return ", ".join(items[:SHOWN] + more)


def part_of(key: str) -> str:
    """The place of an inserted tensor, "inserted.res3_1"; else the top level, "fc"."""
    names = key.split(".")
    return ".".join(names[:2]) if names[0] == "inserted" else names[0]


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors or PyTorch file, without running anything that it holds.

    Raises:
        UsageError: There is no such file, or it is not one of weights.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder: give the .pth or .safetensors file itself")
    if not path.is_file():
        raise UsageError(
            f"{path}: no such weights file; give a .pth or .safetensors file, 'imagenet' or 'none'"
        )
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:  # torch's own text tells how to run the file's code
        raise UsageError(
            f"{path}: not a file of weights, or one with more than tensors in it, which is not "
            f"opened because it could run code; save the state_dict() alone"
        ) from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except Exception as error:  # other files raise errors of many types and of no meaning
        raise UsageError(f"{path}: not a file of weights, or a damaged one") from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise UsageError(f"{path}: not a state dictionary (names with tensors)")
    return state


def fetch_imagenet(depth: int) -> dict[str, Tensor]:
    """The IMAGENET1K_V1 weights of torchvision, the ones that the paper's ancestors used.

    Raises:
        UsageError: There are none for that depth, or they cannot be had.
    """
    from torchvision.models import get_model_weights

    name = f"resnet{depth}"
    if depth not in (18, 34, 50, 101):
        raise UsageError(
            f"there are no ImageNet weights for depth {depth}, only for 18, 34, 50 and 101: set "
            f"model.weights=none"
        )
    weights = get_model_weights(name)["IMAGENET1K_V1"]
    try:
        return weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, HTTPException) as error:
        raise UsageError(
            f"could not fetch the ImageNet weights of {name} ({error}). Three ways out: connect "
            f"once, so that they are cached; copy {weights.url} here by hand and give its path, "
            f"--set model.weights=PATH; or train from scratch, --set model.weights=none"
        ) from error
    except Exception as error:  # a wrong hash, or a file in the cache that was cut short
        cached = Path(torch.hub.get_dir(), "checkpoints", Path(weights.url).name)
        raise UsageError(
            f"the ImageNet weights of {name} were damaged on the way: delete {cached}, if it is "
            f"there, and try again"
        ) from error


def load_trunk(model: nn.Module, state: dict[str, Tensor], source: str) -> LoadReport:
    """Load a trunk's weights strictly: each of its tensors must be there and fit, and no other.

    The classifier and the inserted blocks are loaded where the file has tensors that fit, and stay
    as they are where it has not.

    Raises:
        UsageError: A trunk tensor is missing, has another shape, or has no place in the model.
            The model is as before.
    """
    own = model.state_dict()
    report = LoadReport(source)
    for key, value in state.items():
        if key not in own:
            report.unused[key] = "not in the model"
        elif own[key].shape != value.shape:
            report.unused[key] = f"shape {shape(value)}, the model's is {shape(own[key])}"
        else:
            report.used.append(key)
    # older files have no num_batches_tracked, on which nothing here depends
    missing = [key for key in own if key not in state and not key.endswith("num_batches_tracked")]
    report.fresh.extend(key for key in own if key in missing or key in report.unused)
    trunk = {part_of(key) for key in own if not key.startswith(("fc.", "inserted."))}
    reasons = dict.fromkeys(missing, "missing") | report.unused
    misfits = [f"{key} ({why})" for key, why in reasons.items() if part_of(key) in trunk]
    if misfits:
        strange = state and not report.used
        names = f" The file's names are like {next(iter(state))!r}." if strange else ""
        raise UsageError(
            f"{source} does not fit this network: {len(misfits)} tensors differ, "
            f"{shortened(misfits)}.{names} Check model.depth and model.width, or train from "
            f"scratch with --set model.weights=none"
        )
    model.load_state_dict({key: state[key] for key in report.used}, strict=False)
    return report


def shape(tensor: Tensor) -> str:
    """`(64, 3, 7, 7)` as "64x3x7x7"."""
    return "x".join(map(str, tensor.shape)) or "scalar"


def load_imagenet(model: nn.Module, source: str, depth: int) -> LoadReport:
    """Load ImageNet weights: `source` is "imagenet" (torchvision's hub) or the path of a file.

    Raises:
        UsageError: They cannot be had, or do not fit.
    """
    if source == "imagenet":
        state = fetch_imagenet(depth)
        return load_trunk(model, state, f"torchvision resnet{depth} IMAGENET1K_V1")
    return load_trunk(model, read_state(Path(source).expanduser()), source)
