"""Weights for our networks, whoever trained them: what is used, what is not, and why."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from torch import Tensor, nn

from gta.backbones.weight_files import read_state
from gta.backbones.weight_names import our_names, renamed
from gta.blocks.resample import resample as resampled_tensor
from gta.errors import UsageError

SHOWN = 4
"""Tensors of one kind that a text names before it only counts them."""


@dataclass(frozen=True)
class Weights:
    """Tensors under our names, and where they come from."""

    source: str
    project: str
    """Who names tensors like this, such as "PySlowFast"."""
    tensors: dict[str, Tensor]
    names: dict[str, str]
    """Our name to the one in the source."""
    unused: dict[str, str] = field(default_factory=dict)
    """What the source holds beside a network's tensors, and why it is not used."""


@dataclass(frozen=True)
class LoadReport:
    """Which tensors of a file went where. Its text is for people."""

    source: str
    project: str = ""
    """Who named the tensors, if it was not done as here."""
    used: list[str] = field(default_factory=list)
    unused: dict[str, str] = field(default_factory=dict)
    """Tensors of the source, under its own names, that were not used, and why."""
    fresh: list[str] = field(default_factory=list)
    """Tensors of the model that keep their initial values (`num_batches_tracked` is no weight)."""
    resampled: list[str] = field(default_factory=list)
    """Tensors of the model that were made for another number of frames."""

    def __str__(self) -> str:
        names = f", from the names of {self.project}" if self.project else ""
        lines = [f"{self.source}: {len(self.used)} tensors used{names}"]
        if self.resampled:
            lines.append(f"  resampled in time: {shortened(self.resampled)}")
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


def read_weights(path: Path) -> Weights:
    """The tensors of a file under our names; the project that wrote it is found by its content.

    Raises:
        UsageError: It is not a file of weights; see `read_state`.
    """
    return recognised(read_state(path), str(path))


def recognised(state: Mapping[str, Tensor], source: str) -> Weights:
    """A state dictionary under our names.

    Checked against full-size key lists and reference tensors of torchvision, the TSM repository,
    PySlowFast (its Caffe2 names too) and pytorchvideo.

    Args:
        state: With the names of any of the projects.
        source: For people: a path, or the name of a network.
    """
    project, names = our_names(state)
    return Weights(
        source,
        project,
        renamed(state, names),
        {ours: theirs for theirs, ours in names.items() if ours is not None},
        {theirs: "no part of a network" for theirs, ours in names.items() if ours is None},
    )


def load_weights(
    model: nn.Module,
    weights: Weights,
    *,
    keep_classifier: bool = True,
    resample: bool = False,
) -> LoadReport:
    """Load a trunk's weights strictly: each of its tensors must be there and fit, and no other.

    The classifier and the inserted blocks are loaded where the source has tensors that fit, and
    stay as they are where it has not. Axes of length one do not count: a 1x7x7 kernel fits a 7x7
    one.

    Args:
        model: FrameResNet, SlowFast or FrameWise.
        weights: From `read_weights` or `recognised`.
        keep_classifier: Load the source's classifier, if it fits; False: never.
        resample: Resample temporal matrices and positions for another number of frames.

    Raises:
        UsageError: A trunk tensor is missing, has another shape, or has no place in the model.
            The model is as before.
    """
    own = model.state_dict()
    foreign = any(ours != theirs for ours, theirs in weights.names.items())
    project = weights.project if foreign else ""
    report = LoadReport(weights.source, project, unused=dict(weights.unused))
    weights = in_place(weights, own)
    heads = classifiers(model)
    chosen: dict[str, Tensor] = {}
    rejected: dict[str, str] = {}
    for key, value in weights.tensors.items():
        theirs = weights.names.get(key, key)
        if key not in own:
            rejected[key] = report.unused[theirs] = "not in the model"
            continue
        if resample and value.shape != own[key].shape:
            found = resampled_tensor(key, value, own[key].shape)
            report.resampled.extend([key] if found is not value else [])
            value = found
        if key.startswith(heads) and not keep_classifier:
            rejected[key] = report.unused[theirs] = "dropped on request"
        elif without_ones(value) != without_ones(own[key]):
            why = f"shape {shape(value)}, the model's is {shape(own[key])}"
            rejected[key] = report.unused[theirs] = why
        else:
            chosen[key] = value.reshape(own[key].shape)
            report.used.append(key)
    # older files have no num_batches_tracked, on which nothing here depends
    missing = [key for key in own if key not in chosen and not key.endswith("num_batches_tracked")]
    report.fresh.extend(missing)
    absent = [key for key in missing if key not in rejected]
    trunk = {part_of(key) for key in own if not key.startswith(("inserted.", *heads))}
    reasons = dict.fromkeys(absent, "missing") | rejected
    misfits = [
        f"{weights.names.get(key, key)} ({why})"
        for key, why in reasons.items()
        if part_of(key) in trunk and not key.startswith(heads)
    ]
    if misfits or not chosen:
        raise UsageError(misfit_text(weights, own, misfits))
    model.load_state_dict(chosen, strict=False)
    return report


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


def in_place(weights: Weights, own: Mapping[str, Tensor]) -> Weights:
    """Weights of a network by itself under the names that `FrameWise` gives it."""
    wrapped = any(key.startswith("network.") for key in own)
    if not wrapped or any(key.startswith("network.") for key in weights.tensors):
        return weights
    return replace(
        weights,
        tensors={f"network.{key}": value for key, value in weights.tensors.items()},
        names={f"network.{key}": theirs for key, theirs in weights.names.items()},
    )


def without_ones(tensor: Tensor) -> list[int]:
    """The shape, as far as it matters to where each number goes."""
    return [length for length in tensor.shape if length != 1]


def shape(tensor: Tensor) -> str:
    """`(64, 3, 7, 7)` as "64x3x7x7"."""
    return "x".join(map(str, tensor.shape)) or "scalar"


def misfit_text(weights: Weights, own: Mapping[str, Tensor], misfits: list[str]) -> str:
    """What is wrong with weights of another network."""
    held, wanted = kind(weights.tensors), kind(own)
    kinds = f" It holds {held}, and the model is {wanted}." if held != wanted else ""
    return (
        f"{weights.source} does not fit this network.{kinds} {len(misfits)} tensors differ: "
        f"{shortened(misfits)}. Check model.backbone, model.depth and model.width, or train from "
        f"scratch with --set model.weights=none"
    )


def kind(names: Mapping[str, Tensor]) -> str:
    """What network has tensors of these names, for people."""
    if "slow.conv1.weight" in names:
        return "a SlowFast network"
    if "layer1.0.conv1.weight" in names:
        return "a ResNet over frames"
    return f"a network with names such as {next(iter(names), 'none')!r}"
