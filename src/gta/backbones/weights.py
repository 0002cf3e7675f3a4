"""ImageNet weights for `FrameResNet`: from torchvision's hub or from a file."""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from gta.errors import UsageError


@dataclass(frozen=True)
class LoadReport:
    """Which tensors of a file went where."""

    source: str
    used: list[str] = field(default_factory=list)
    unused: dict[str, str] = field(default_factory=dict)
    """Tensors of the file that were not used, and why."""
    fresh: list[str] = field(default_factory=list)
    """Tensors of the model that the file does not have: they keep their initial values."""

    def __str__(self) -> str:
        lines = [f"{self.source}: {len(self.used)} tensors used"]
        if self.unused:
            lines.append("not used: " + ", ".join(f"{k} ({why})" for k, why in self.unused.items()))
        if self.fresh:
            stems = sorted({key.rsplit(".", 1)[0] for key in self.fresh})
            lines.append(f"from scratch: {len(self.fresh)} tensors in {', '.join(stems)}")
        return "\n".join(lines)


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors or PyTorch file, without running anything that it holds."""
    if not path.is_file():
        raise UsageError(
            f"{path}: no such weights file; give a .pth or .safetensors file, 'imagenet' or 'none'"
        )
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, Exception) as error:  # unpickling raises errors of many types
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UsageError(f"{path}: not a file of weights ({reason})") from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise UsageError(f"{path}: not a state dictionary (names with tensors)")
    return state


def fetch_imagenet(depth: int) -> dict[str, Tensor]:
    """The IMAGENET1K_V1 weights of torchvision, the ones that the paper's ancestors used."""
    from torchvision.models import get_model_weights

    name = f"resnet{depth}"
    if depth not in (18, 34, 50, 101):
        raise UsageError(f"there are no ImageNet weights for depth {depth}: set model.weights=none")
    weights = get_model_weights(name)["IMAGENET1K_V1"]
    try:
        return weights.get_state_dict(progress=False, check_hash=True)
    except OSError as error:
        raise UsageError(
            f"could not fetch the ImageNet weights of {name} ({error}). Three ways out: connect "
            f"once, so that they are cached; copy {Path(weights.url).name} here by hand and give "
            f"its path, --set model.weights=PATH; or train from scratch, --set model.weights=none"
        ) from error


def load_trunk(model: nn.Module, state: dict[str, Tensor], source: str) -> LoadReport:
    """Load a trunk's weights strictly: every tensor of the trunk must be there and fit.

    The classifier is used only if its shape fits; blocks inserted into the model stay as they are.

    Raises:
        UsageError: A trunk tensor is missing or has another shape.
    """
    own = model.state_dict()
    report = LoadReport(source)
    fitting = {}
    for key, value in state.items():
        if key not in own:
            report.unused[key] = "the model has no such tensor"
        elif own[key].shape != value.shape:
            report.unused[key] = (
                f"shape {tuple(value.shape)}, the model's is {tuple(own[key].shape)}"
            )
        else:
            fitting[key] = value
            report.used.append(key)
    report.fresh.extend(key for key in own if key not in fitting)
    trunk = [key for key in report.fresh if not key.startswith(("fc.", "inserted."))]
    if trunk:
        detail = ", ".join(f"{k} ({report.unused.get(k, 'missing')})" for k in trunk[:3])
        raise UsageError(
            f"{source} does not fit this network: {len(trunk)} of its {len(own)} tensors, first "
            f"{detail}. Check model.depth and model.width, or train from scratch with "
            f"--set model.weights=none"
        )
    model.load_state_dict(fitting, strict=False)
    return report


def load_imagenet(model: nn.Module, source: str, depth: int) -> LoadReport:
    """Load ImageNet weights: `source` is "imagenet" (torchvision's hub) or the path of a file."""
    if source == "imagenet":
        state = fetch_imagenet(depth)
        return load_trunk(model, state, f"torchvision resnet{depth} IMAGENET1K_V1")
    return load_trunk(model, read_state(Path(source)), source)
