"""Weights to be fetched: torchvision's for ImageNet, pytorchvideo's SlowFast for Kinetics-400."""

from http.client import HTTPException
from pathlib import Path

import torch
from torch import Tensor

from gta.backbones.installed_weights import OFFER
from gta.backbones.weight_files import read_state
from gta.errors import UsageError
from gta.network import impatient, unreachable

KINETICS = {
    50: "https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics/SLOWFAST_8x8_R50.pyth",
    101: "https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics/SLOWFAST_8x8_R101.pyth",
}
"""pytorchvideo's SlowFast 8x8 of each depth, trained on Kinetics-400."""


def check_connection(url: str) -> None:
    """Nothing, where a file is kept already or its server answers.

    Raises:
        OSError: It does not.
    """
    if not Path(torch.hub.get_dir(), "checkpoints", Path(url).name).is_file():
        reason = unreachable(url)
        if reason is not None:
            raise OSError(reason)


def fetch_imagenet(depth: int) -> dict[str, Tensor]:
    """The IMAGENET1K_V1 weights of torchvision, those that the paper's ancestors used.

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
        check_connection(weights.url)
        with impatient():
            return weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, HTTPException) as error:
        raise UsageError(
            f"could not fetch the ImageNet weights of {name} ({error}). Three ways out: connect "
            f"once, so that they are cached; copy {weights.url} here by hand and give its path, "
            f"--set model.weights=PATH; or train from scratch, --set model.weights=none. {OFFER}"
        ) from error
    except Exception as error:  # a wrong hash, or a file in the cache that was cut short
        cached = Path(torch.hub.get_dir(), "checkpoints", Path(weights.url).name)
        raise UsageError(
            f"the ImageNet weights of {name} were damaged on the way: delete {cached}, if it is "
            f"there, and try again"
        ) from error


def fetch_kinetics(depth: int) -> dict[str, Tensor]:
    """Pytorchvideo's SlowFast 8x8, trained on Kinetics-400; R101 is the 101-101-101 variant.

    Kept where torch.hub keeps its files.

    Raises:
        UsageError: They cannot be had.
    """
    url = KINETICS[depth]
    cached = Path(torch.hub.get_dir(), "checkpoints", Path(url).name)
    if not cached.is_file():
        cached.parent.mkdir(parents=True, exist_ok=True)
        try:
            check_connection(url)
            with impatient():
                torch.hub.download_url_to_file(url, str(cached), progress=False)
        except (OSError, HTTPException) as error:
            raise UsageError(
                f"could not fetch SlowFast-R{depth} of Kinetics-400 ({error}). Three ways out: "
                f"connect once, so that it is cached; copy {url} here by hand and give its path, "
                f"--set model.weights=PATH; or train from scratch, --set model.weights=none"
            ) from error
    try:
        return read_state(cached)
    except UsageError as error:
        raise UsageError(f"{error}. Delete {cached} and try again.") from error
