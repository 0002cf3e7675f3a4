"""Networks by the names of their architectures, as in timm and torchvision."""

import warnings
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from torch import nn

from gta.config import Model, SlowFastModel
from gta.errors import Notice, UsageError, nearest
from gta.models import MODELS, build
from gta.pretrained import load_pretrained

_SLOW_FRAMES = 8


def list_models(filter: str | Sequence[str] = "*") -> list[str]:
    """The names that `create_model` knows, sorted.

    Args:
        filter: Patterns such as "slowfast*" or "*_gta"; a name is listed if any of them fits.
    """
    patterns = [filter or "*"] if isinstance(filter, str) else filter
    return sorted(n for n in MODELS if any(fnmatchcase(n, pattern) for pattern in patterns))


def create_model(
    name: str,
    num_classes: int,
    *,
    num_frames: int | None = None,
    pretrained: bool = False,
    checkpoint_path: str | Path | None = None,
) -> nn.Module:
    """A network in training mode that maps clips (B, 3, T, H, W) to logits (B, num_classes).

    Args:
        name: Name of an architecture; `list_models()` has all.
        num_classes: Classes of the classifier.
        num_frames: T; None: 8, for SlowFast 8 of the slow pathway (32).
        pretrained: Start from public weights, fetched once: of ImageNet, for SlowFast of
            Kinetics-400. Parts that they lack, inserted blocks and most often the classifier, are
            new.
        checkpoint_path: Start from a file instead: of a run, or of torchvision, timm, TSM,
            PySlowFast, pytorchvideo or MMAction2. Parts that it lacks are new, with a warning.

    Raises:
        UsageError: There is no such model, or the weights cannot be fetched or do not fit.
    """
    if name not in MODELS:
        raise UsageError(
            f"there is no model {name!r}.{nearest(name, list(MODELS))} "
            f"gta.list_models() has the names of all {len(MODELS)}."
        )
    if isinstance(num_classes, bool) or num_classes < 1:
        raise UsageError(
            f"num_classes={num_classes} is not possible: give the number of classes, such as "
            f"create_model({name!r}, num_classes=174, pretrained=True)"
        )
    if pretrained and checkpoint_path is not None:
        raise UsageError("pretrained and checkpoint_path are two places for weights: give one")
    model = MODELS[name]
    if num_frames is None:
        num_frames = _SLOW_FRAMES * (model.alpha if isinstance(model, SlowFastModel) else 1)
    try:
        network = build(model, num_classes=num_classes, num_frames=num_frames)
    except ValueError as error:
        raise UsageError(f"{name} cannot be built: {error}") from error
    report = load_pretrained(network, _starting(model, pretrained, checkpoint_path))
    if report is not None and checkpoint_path is not None and (report.fresh or report.unused):
        warnings.warn(str(report), Notice, stacklevel=2)
    return network


def _starting(model: Model, pretrained: bool, checkpoint_path: str | Path | None) -> Model:
    """The model with the weights from which it starts."""
    public = "kinetics" if isinstance(model, SlowFastModel) else "imagenet"
    weights = str(checkpoint_path) if checkpoint_path else public if pretrained else "none"
    return model.model_copy(update={"weights": weights})
