"""The weights from which a network's training began, and their licenses."""

from dataclasses import dataclass

from gta.backbones.fetch import KINETICS
from gta.backbones.installed_weights import INSTALLED, LICENSE
from gta.config import FrameResNetModel, FrameWiseModel, Model, TrunkModel

_IMAGENET = "the pictures of ImageNet, on which they were trained, have terms of their own"


@dataclass(frozen=True, slots=True)
class Origin:
    """Weights from which a training began."""

    what: str
    license: str
    is_known: bool = True
    """Whether the license is known, so that the owner need not state it."""


def origin(model: Model) -> Origin:
    """The weights from which a model's training began.

    Args:
        model: The recipe's section `model`.
    """
    weights = model.weights
    if weights == "none":
        return Origin("nothing: fresh weights", "none of others")
    if weights == "ordered":
        return Origin("a short training on this package's own rendered clips", "none of others")
    if weights == "kinetics":
        url = KINETICS[getattr(model, "depth", 50)]
        return Origin(
            f"pytorchvideo's SlowFast of Kinetics-400, {url}",
            "Apache-2.0 (pytorchvideo); the videos of Kinetics-400 have terms of their own",
        )
    if weights == "imagenet" and isinstance(model, FrameResNetModel):
        return Origin(
            f"torchvision resnet{model.depth} IMAGENET1K_V1",
            f"BSD-3-Clause (torchvision); {_IMAGENET}",
        )
    if weights == "imagenet" and isinstance(model, FrameWiseModel | TrunkModel):
        return _of_network(model.network)
    name = weights.replace("\\", "/").rpartition("/")[2]
    return Origin(f"a file, {name}", "not known here: say it before you share", is_known=False)


def _of_network(network: str) -> Origin:
    if network in INSTALLED:
        return Origin(f"{network}: {INSTALLED[network].package}, ImageNet", LICENSE)
    library, _, name = network.partition("/")
    if library == "torchvision":
        return Origin(f"torchvision {name}, ImageNet", f"BSD-3-Clause (torchvision); {_IMAGENET}")
    license = _of_timm(name)
    if license is None:
        return Origin(f"timm {name}, ImageNet", "not known here: see timm's page of it", False)
    return Origin(f"timm {name}, ImageNet", f"{license} (as timm has it); {_IMAGENET}")


def _of_timm(name: str) -> str | None:
    try:
        from timm.models import get_pretrained_cfg
    except ImportError:
        return None
    try:
        about = get_pretrained_cfg(name)
    except RuntimeError:  # of another version of timm
        return None
    return about.license if about is not None else None
