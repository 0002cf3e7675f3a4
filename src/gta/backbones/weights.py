"""Weights for our networks, whoever trained them: what is used, what is not, and why."""

import re
from collections.abc import Iterable, Mapping

from torch import Tensor, nn

from gta.backbones.classifiers import classifiers, without_ones
from gta.backbones.load_report import LoadReport, part_of
from gta.backbones.recognized_weights import Weights, read_weights, recognized
from gta.backbones.temporal_shift import CausalShift, TemporalShift
from gta.backbones.weight_numbers import plain_number, require_finite, shortened
from gta.backbones.weight_places import in_place
from gta.blocks.resample import resample as resampled_tensor
from gta.errors import UsageError

__all__ = ["LoadReport", "Weights", "load_weights", "read_weights", "recognized"]

STATISTICS = ("running_mean (missing)", "running_var (missing)")
"""What is missing of weights that were saved without a network's buffers."""


def load_weights(
    model: nn.Module,
    weights: Weights,
    *,
    keep_classifier: bool = True,
    resample: bool = False,
) -> LoadReport:
    """Load a trunk's weights strictly: each of its tensors must be there and fit, and no other.

    The classifier and the inserted blocks are loaded where the source has tensors that fit, and
    stay as they are where it has not. Axes of length 1 do not count: a 1x7x7 kernel fits a 7x7
    one.

    Args:
        model: FrameResNet, SlowFast or FrameWise.
        weights: From `read_weights` or `recognized`.
        keep_classifier: Load the source's classifier, if it fits; False: never.
        resample: Resample temporal matrices and positions for another number of frames.

    Raises:
        UsageError: A trunk tensor is missing, has another shape, or has no place in the model; a
            number is not finite; the shift is another. The model is as before.
    """
    own = model.state_dict()
    foreign = any(ours != theirs for ours, theirs in weights.names.items())
    project = weights.project if foreign else ""
    report = LoadReport(
        *(weights.source, project), unused=dict(weights.unused), notes=list(weights.notes)
    )
    weights = in_place(weights, model)
    heads = classifiers(model)
    chosen: dict[str, Tensor] = {}
    rejected: dict[str, str] = {}
    for key, value in weights.tensors.items():
        theirs = weights.names.get(key, key)
        if key not in own:
            rejected[key] = report.unused[theirs] = "not in the model"
            continue
        if resample and value.shape != own[key].shape:
            resampled = resampled_tensor(key, value, own[key].shape)
            report.resampled.extend([key] if resampled is not value else [])
            value = resampled
        if key.startswith(heads) and not keep_classifier:
            rejected[key] = report.unused[theirs] = "dropped on request"
        elif without_ones(value) != without_ones(own[key]):
            why = f"shape {shape(value)}, the model's is {shape(own[key])}"
            rejected[key] = report.unused[theirs] = why
        else:
            chosen[key] = value
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
    named = {key: weights.names.get(key, key) for key in chosen}
    chosen = {
        key: plain_number(value, own[key], named[key], weights.source).reshape(own[key].shape)
        for key, value in chosen.items()
    }
    require_finite({named[key]: value for key, value in chosen.items()}, weights.source)
    shift = another_shift(weights, model, report.notes)
    report.notes.extend(shift)
    report.differences.extend(shift + differences(report, heads, rejected))
    model.load_state_dict(chosen, strict=False)
    return report


def differences(
    report: LoadReport, heads: tuple[str, ...], rejected: Mapping[str, str]
) -> list[str]:
    """What of a network a source has more or less than the model, as far as the names show it."""
    left = {part_of(key) for key in rejected if key.startswith("inserted.")}
    fresh = {part_of(key) for key in report.fresh if key.startswith("inserted.")}
    differing = sorted(left & fresh)
    differences: list[str] = []
    if more := sorted(left - fresh):
        differences.append(f"its blocks after {places(more)} have no place in this model")
    if less := sorted(fresh - left):
        differences.append(f"the model's blocks after {places(less)} are not in it")
    if differing:
        differences.append(f"the blocks after {places(differing)} are of another kind or size")
    if any(key.startswith(heads) for key in report.fresh):
        differences.append("the model's classifier is not in it")
    return differences


def places(parts: list[str]) -> str:
    """Places of inserted blocks for people: "res3_1" of "inserted.res3_1"."""
    return ", ".join(part.removeprefix("inserted.") for part in parts)


def another_shift(weights: Weights, model: nn.Module, notes: list[str]) -> list[str]:
    """Where the temporal shift of a source is another than the model's, in words.

    Args:
        weights: Of the source.
        model: That has them now.
        notes: Told what had to be assumed.

    Raises:
        UsageError: Both shift, but other parts of the channels.
    """
    shifts = TemporalShift | CausalShift
    own = next((m.fraction for m in model.modules() if isinstance(m, shifts)), None)
    theirs = weights.shift
    if theirs is None:
        known = own is not None and weights.project in ("TSM", "MMAction2")
        return ["its network has no temporal shift, and the model has"] if known else []
    if own is None:
        return ["its network shifts channels in time, and the model does not (model.tsm)"]
    if theirs.div is None:
        notes.append(
            f"its share of shifted channels is not in the file: 1/{own} is taken; published "
            f"networks have 1/8, and model.shift_div sets another"
        )
    elif theirs.div != own:
        raise UsageError(
            f"{weights.source} is of a network that shifts 1/{theirs.div} of the channels each "
            f"way ({theirs.said}), and this one shifts 1/{own}: set "
            f"--set model.shift_div={theirs.div}"
        )
    if getattr(model, "causal", False):
        return ["its network shifts channels both ways in time, and the model forward alone"]
    return []


def shape(tensor: Tensor) -> str:
    """`(64, 3, 7, 7)` as "64x3x7x7"."""
    return "x".join(map(str, tensor.shape)) or "scalar"


def misfit_text(weights: Weights, own: Mapping[str, Tensor], misfits: list[str]) -> str:
    """What is wrong with weights of another network."""
    held, wanted = kind(weights.names.values(), weights.tensors), kind(own, own)
    kinds = f" It holds {held}, and the model is {wanted}." if held != wanted else ""
    if re.search(r"-\d{5}-of-\d{5}\.", weights.source):
        kinds += " It is one of several files: give their *.index.json."
    if misfits and all(name.endswith(STATISTICS) for name in misfits):
        kinds += " It is without running statistics: save the state_dict(), not the parameters()."
    return (
        f"{weights.source} does not fit this network.{kinds} {len(misfits)} tensors differ: "
        f"{shortened(misfits)}. Check model.backbone, model.depth and model.width, or train from "
        f"scratch with --set model.weights=none"
    )


def kind(theirs: Iterable[str], ours: Iterable[str]) -> str:
    """What network has tensors of these names, for people."""
    if "slow.conv1.weight" in ours:
        return "a SlowFast network"
    if "layer1.0.conv1.weight" in ours:
        return "a ResNet over frames"
    names = [repr(name) for name in theirs]
    return f"a network with names such as {shortened(names)}" if names else "no tensors"
