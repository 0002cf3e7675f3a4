"""Which part of a checkpoint is read: one of its dictionaries, one of the prefixes of its names.

A part is named as it is reached: `model`, `student.backbone`. Where the content leaves more than
one, the trained weights come before averages of them, and among those the names that checkpoints
give them in the order of `TRAINED`; what still leaves two is asked for. `FILE#PART` says it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from gta.backbones.pickled_arrays import Array
from gta.backbones.weight_names import UNKNOWN, project_of
from gta.errors import UsageError

TRAINED = (
    *("state_dict", "model_state", "model_state_dict", "model", "blobs"),
    *("net", "network", "module", "weights", "params"),
)
"""Where checkpoints keep the weights: TSM, timm and Lightning, PySlowFast, others, Caffe2; the
less usual names."""
AVERAGES = {"ema", "averaged", "average", "avg", "swa", "teacher", "momentum", "target", "shadow"}
"""Words in the names of averages of weights, such as `state_dict_ema`, `target_network`."""
NOT_WEIGHTS = "param_groups"
"""What the state of an optimizer holds."""


@dataclass(frozen=True)
class Part:
    """A dictionary of tensors in a checkpoint."""

    name: str
    """How it is reached, "" for the file itself."""
    tensors: dict[str, Tensor]
    pure: bool
    """Whether there is nothing else in it but numbers."""
    others: list[str] = field(default_factory=list)
    """Other parts with weights, which were not chosen."""


def parts_of(content: Any, name: str = "") -> Iterator[Part]:
    """The dictionaries with tensors in a checkpoint, at any depth, but for an optimizer's."""
    if isinstance(content, Sequence) and not isinstance(content, str | bytes):
        content = dict(enumerate(content)) if len(content) <= 16 else {}
    if not isinstance(content, Mapping) or NOT_WEIGHTS in content:
        return
    tensors = {key: tensor(value) for key, value in content.items() if holds_tensor(key, value)}
    if tensors:
        rest = [value for key, value in content.items() if key not in tensors]
        yield Part(name, tensors, all(isinstance(value, int | float) for value in rest))
    for key, value in content.items():
        yield from parts_of(value, f"{name}.{key}" if name else str(key))


def holds_tensor(key: object, value: object) -> bool:
    """Whether an entry of a dictionary is a tensor under a name."""
    return isinstance(key, str) and isinstance(value, Tensor | Array)


def tensor(value: Tensor | Array) -> Tensor:
    """A tensor as it is, an array as a tensor that may be written."""
    if isinstance(value, Tensor):
        return value
    return torch.from_numpy(value.value.astype(value.value.dtype.newbyteorder("=")))


def chosen_part(content: Any, source: str, wanted: str = "") -> Part:
    """The dictionary of a checkpoint that holds a network's weights.

    Args:
        content: What the file holds.
        source: Of what to speak in errors.
        wanted: The part to be read, where its name is given.

    Raises:
        UsageError: There is none, or more than one of the same standing.
    """
    parts = list(parts_of(content))
    if wanted:
        return _named(parts, source, wanted)
    known = [part for part in parts if project_of(part.tensors) is not UNKNOWN]
    plausible = [
        part for part in parts if part.pure and (part.name in ("", *TRAINED) or weighty(part))
    ]
    pool = {part.name: part for part in known or plausible}
    if not pool:
        raise UsageError(f"{source}: {_nothing(content, parts)}")
    name = chosen({name: part.tensors for name, part in pool.items()}, source)
    others = [other for other in pool if other != name]
    part = pool[name]
    return Part(name, part.tensors | _beside(parts, part), part.pure, others)


def weighty(part: Part) -> bool:
    """Whether its names are those of weights, or it is called an average of some."""
    return is_average(part.name) or any(re.search(r"(^|[._])weight$", key) for key in part.tensors)


def chosen(candidates: Mapping[str, Mapping[str, Tensor]], source: str) -> str:
    """The name of the part that is read, by the rule of this module.

    Raises:
        UsageError: The rule leaves more than one part, with other numbers in them.
    """
    rank = {name: standing(name) for name in candidates}
    best = [name for name in candidates if rank[name] == min(rank.values())]
    if any(not same(candidates[best[0]], candidates[name]) for name in best[1:]):
        counted = ", ".join(f"{name!r} ({len(candidates[name])} tensors)" for name in best)
        raise UsageError(
            f"{source} holds weights in more than one part: {counted}. Say which to read with # "
            f"and its name after the file's: {source}#{best[0]}"
        )
    return best[0]


def standing(name: str) -> int:
    """The place of a part in the order of the rule; the first is read."""
    last = name.rstrip(".").rpartition(".")[2]
    place = TRAINED.index(last) if last in TRAINED else len(TRAINED) * (name != "")
    return place + is_average(name) * 2 * len(TRAINED)


def is_average(name: str) -> bool:
    """Whether a part is called an average of weights."""
    return not AVERAGES.isdisjoint(re.split(r"[._]", name.lower())) or "encoder_k" in name


def same(part: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    """Whether two parts hold the same tensors, as where a module is a part of two others."""
    return part.keys() == other.keys() and all(
        not value.is_meta and value.shape == other[key].shape and torch.equal(value, other[key])
        for key, value in part.items()
    )


def _named(parts: Sequence[Part], source: str, wanted: str) -> Part:
    """The part of that name: a dictionary, or all names that begin with it."""
    start = wanted.rstrip(".") + "."
    whole = {
        f"{part.name}.{key}".removeprefix("."): (part, key)
        for part in parts
        for key in part.tensors
    }
    tensors = {
        name.removeprefix(start): part.tensors[key]
        for name, (part, key) in whole.items()
        if name.startswith(start)
    }
    if not tensors:
        names = ", ".join(repr(part.name) for part in parts if part.name) or "none but itself"
        raise UsageError(f"{source} has no part {wanted!r}; its parts with tensors are: {names}")
    return Part(wanted, tensors, pure=True)


def _beside(parts: Sequence[Part], chosen: Part) -> dict[str, Tensor]:
    """The tensors of a head that is kept in a dictionary of its own beside the trunk's."""
    parent = chosen.name.rpartition(".")[0]
    return {
        f"{name}.{key}": value
        for part in parts
        if part.pure and part.name not in ("", chosen.name)
        if part.name.rpartition(".")[0] == parent and weighty(part) and not is_average(part.name)
        if project_of(part.tensors) is UNKNOWN is not project_of(chosen.tensors)
        for name in [part.name.rpartition(".")[2]]
        for key, value in part.tensors.items()
    }


def _nothing(content: Any, parts: Sequence[Part]) -> str:
    """What a file without weights holds, for people."""
    if isinstance(content, Mapping):
        optimizes = NOT_WEIGHTS in content or any(
            isinstance(value, Mapping) and NOT_WEIGHTS in value for value in content.values()
        )
        if optimizes:
            return (
                "holds the state of an optimizer and no weights of a network: give the file of the "
                "model, with names such as 'layer1.0.conv1.weight' and their tensors"
            )
    described = [f"{part.name or 'itself'} ({len(part.tensors)} tensors)" for part in parts]
    seen = (
        f"; it has tensors in {', '.join(described[:4])}, with other things among them"
        if described
        else ""
    )
    return f"not a state dictionary (names with tensors){seen}"
