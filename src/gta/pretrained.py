"""The weights from which the model of a recipe starts."""

from dataclasses import replace
from pathlib import Path

from torch import nn

from gta.backbones import create_network
from gta.backbones.fetch import fetch_imagenet, fetch_kinetics
from gta.backbones.installed_weights import INSTALLED, LICENSE
from gta.backbones.weights import LoadReport, Weights, load_weights, read_weights, recognized
from gta.config import FrameResNetModel, FrameWiseModel, Model, SlowFastModel, TrunkModel
from gta.errors import UsageError


def load_pretrained(network: nn.Module, model: Model) -> LoadReport | None:
    """Loads the weights of `model.weights` into a network; None for "none".

    Raises:
        UsageError: The weights cannot be fetched or read, or do not fit.
    """
    if model.weights == "none":
        return None
    return load_weights(
        network,
        find_weights(model),
        keep_classifier=model.keep_classifier,
        resample=model.resample,
    )


def find_weights(model: Model) -> Weights:
    """The weights of `model.weights`, fetched or from a file.

    Raises:
        UsageError: They cannot be fetched or read, or do not exist for the backbone.
    """
    if model.weights == "imagenet":
        if isinstance(model, FrameResNetModel):
            name = f"torchvision resnet{model.depth} IMAGENET1K_V1"
            return recognized(fetch_imagenet(model.depth), name)
        if isinstance(model, FrameWiseModel | TrunkModel):
            network = create_network(model.network, num_classes=1000, pretrained=True)
            weights = recognized(network.state_dict(), f"{model.network}, ImageNet")
            return replace(weights, notes=[LICENSE]) if model.network in INSTALLED else weights
        raise UsageError(
            "there are no ImageNet weights for SlowFast: set model.weights=kinetics, the path of "
            "a file, or none"
        )
    if model.weights == "kinetics":
        if isinstance(model, SlowFastModel):
            name = f"pytorchvideo SlowFast-R{model.depth} 8x8, Kinetics-400"
            return recognized(fetch_kinetics(model.depth), name)
        raise UsageError(
            "model.weights=kinetics is for SlowFast; for this backbone set imagenet, the path of "
            "a file, or none"
        )
    if model.weights == "ordered":
        raise UsageError(
            "model.weights=ordered is made where a training begins: `gta train --weights ordered`"
        )
    return read_weights(Path(model.weights).expanduser())
