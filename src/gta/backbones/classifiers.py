"""Which tensors are a network's classifier: of a model by its layers, of a file by their shapes."""

from collections.abc import Mapping

from torch import Tensor, nn

USUAL = {"fc", "new_fc", "fc_cls", "head", "classifier", "linear", "cls", "logits", "projection"}
"""What projects call the layer that is the classifier, before others of the same input."""
OTHERS = ("proj", "predict", "embed")
"""In the names of layers that take the same features and are none."""


def classifiers(model: nn.Module) -> tuple[str, ...]:
    """How the names of the classifier's tensors begin: of `FrameWise`, of the network in it."""
    network = getattr(model, "network", None)
    if not isinstance(network, nn.Module):
        return ("fc.",)
    config = getattr(network, "pretrained_cfg", None)
    named = config.get("classifier") if isinstance(config, Mapping) else None  # timm says it
    if named is None:
        layers = [n for n, m in network.named_modules() if isinstance(m, nn.Linear | nn.Conv2d)]
        named = layers[-1] if layers else ()
    names = (named,) if isinstance(named, str) else named
    return tuple(f"network.{name}." for name in names)


def find_classifier(
    tensors: Mapping[str, Tensor], names: Mapping[str, str], own: Mapping[str, Tensor], head: str
) -> str | None:
    """The layer of a file that is its classifier under a name that a model does not have.

    It takes the model's features, no other layer takes what it gives, and nothing else is in the
    part of the network that holds it. Of several such layers, that with a usual name is taken.

    Args:
        tensors: Of the file, by our names as far as they are known.
        names: The name in the file of each.
        own: Of the model.
        head: How the names of the model's classifier begin.

    Returns:
        The layer's name in `tensors`, without ".weight"; None if there is none, or more than one
        layer.
    """
    if f"{head}weight" in tensors or f"{head}weight" not in own:
        return None
    features = without_ones(own[f"{head}weight"][0])
    left = {key: value for key, value in tensors.items() if key not in own}
    trunk = [names[key] for key in tensors if key in own]
    layers = {
        key.removesuffix(".weight"): value
        for key, value in left.items()
        if key.endswith(".weight") and value.ndim > 1
    }
    candidates = [
        layer
        for layer, weight in layers.items()
        if without_ones(weight[0]) == features
        and not _is_other(layer)
        and not any(other.shape[1] == weight.shape[0] for other in layers.values())
        and _is_alone(names[f"{layer}.weight"], [names[key] for key in left], trunk)
    ]
    usual = [layer for layer in candidates if layer.rpartition(".")[2] in USUAL]
    return next((group[0] for group in (usual, candidates) if len(group) == 1), None)


def _is_other(layer: str) -> bool:
    """Whether a name says that the layer is no classifier."""
    last = layer.rpartition(".")[2].lower()
    return last not in USUAL and any(word in last for word in OTHERS)


def _is_alone(weight: str, left: list[str], trunk: list[str]) -> bool:
    """Whether a layer is no step of a longer head: names are those of the file."""
    layer = weight.removesuffix("weight")
    holder = layer[:-1].rpartition(".")[0]
    if not holder or any(key.startswith(f"{holder}.") for key in trunk):
        return True  # its neighbor is the trunk
    return not any(key.startswith(f"{holder}.") and not key.startswith(layer) for key in left)


def without_ones(tensor: Tensor) -> list[int]:
    """The shape, as far as it matters to where each number goes."""
    return [length for length in tensor.shape if length != 1]
