"""Where in a model the tensors of a file belong."""

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor, nn

from gta.backbones.classifiers import classifiers, find_classifier
from gta.backbones.recognized_weights import Weights
from gta.backbones.weight_names import plain
from gta.backbones.weight_parts import chosen


def in_place(weights: Weights, model: nn.Module) -> Weights:
    """Weights under the names of a model, the classifier too where the content shows it."""
    own = model.state_dict()
    places = placed_names(weights, own)
    names = {places[ours]: theirs for ours, theirs in weights.names.items()}
    tensors = {places[ours]: value for ours, value in weights.tensors.items()}
    heads = classifiers(model)
    layer = find_classifier(tensors, names, own, heads[0]) if len(heads) == 1 else None
    if layer is not None:
        for old, new in ((f"{layer}.{kind}", f"{heads[0]}{kind}") for kind in ("weight", "bias")):
            if old in tensors:
                tensors[new], names[new] = tensors.pop(old), names.pop(old)
    for head in heads:
        weight, bias = f"{head}weight", f"{head}bias"
        if weight in tensors and bias in own and bias not in tensors:
            tensors[bias] = tensors[weight].new_zeros(len(tensors[weight]))
    return replace(weights, tensors=tensors, names=names)


def placed_names(weights: Weights, own: Mapping[str, Tensor]) -> dict[str, str]:
    """For each name of weights that in a model: `FrameWise` has a network by itself inside it.

    Of a network that no project here has named, what stands before its names is found by the model.
    """
    same = {key: key for key in weights.tensors}
    wrapped = [key.removeprefix("network.") for key in own if key.startswith("network.")]
    if not wrapped or any(key.startswith("network.") for key in same):
        return same
    bare = {key: plain(key) for key in same}
    before = {key[: -len(wrapped[0])] for key in bare.values() if key.endswith(wrapped[0])}
    inside = {
        prefix: {key for key in bare if bare[key].startswith(prefix)}
        for prefix in sorted(before)
        if prefix == "" or prefix.endswith(".")
    }
    fitting = {
        prefix: sum(bare[key].removeprefix(prefix) in wrapped for key in keys)
        for prefix, keys in inside.items()
    }
    best = [prefix for prefix, count in fitting.items() if count == max(fitting.values())]
    parts = {
        prefix: {bare[key].removeprefix(prefix): weights.tensors[key] for key in inside[prefix]}
        for prefix in best
    }
    prefix = chosen(parts, weights.source) if parts else ""
    placed = {key: f"network.{name.removeprefix(prefix)}" for key, name in bare.items()}
    return {
        key: name if name in own or not key.startswith("inserted.") else key
        for key, name in placed.items()
    }
