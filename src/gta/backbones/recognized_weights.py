"""The weights in a file, under our names, whoever wrote it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from gta.backbones.weight_files import read_checkpoint
from gta.backbones.weight_names import our_names, plain, project_of, renamed
from gta.backbones.weight_numbers import shortened
from gta.backbones.weight_parts import chosen, same
from gta.backbones.weight_records import Shift, block_notes, shift_of
from gta.errors import UsageError


@dataclass(frozen=True)
class Weights:
    """Tensors under our names, and where they come from."""

    source: str
    project: str
    """Who names tensors like this, such as "PySlowFast"."""
    tensors: dict[str, Tensor]
    names: dict[str, str]
    """Our name to that in the source."""
    unused: dict[str, str] = field(default_factory=dict)
    """What the source holds beside a network's tensors, and why it is not used."""
    shift: Shift | None = None
    """The temporal shift of the network of which it is."""
    notes: list[str] = field(default_factory=list)
    """What is to be said of it, whatever it is loaded into."""


def read_weights(path: Path) -> Weights:
    """The tensors of a file under our names; the project that wrote it is found by its content.

    Raises:
        UsageError: It is not a file of weights; see `read_checkpoint`.
    """
    checkpoint = read_checkpoint(path)
    weights = recognized(
        checkpoint.tensors, str(path), part=checkpoint.part, content=checkpoint.content
    )
    others = [f"{path}#{name}" for name in checkpoint.others]
    if not others:
        return weights
    note = f"read from {checkpoint.part or 'the file itself'}; others are {shortened(others)}"
    return replace(weights, notes=[note, *weights.notes])


def recognized(
    state: Mapping[str, Tensor], source: str, *, part: str = "", content: Any = None
) -> Weights:
    """A state dictionary under our names.

    Checked against full-size key lists and reference tensors of torchvision, the TSM repository,
    PySlowFast (its Caffe2 names too) and pytorchvideo; of MMAction2 the names alone.

    Args:
        state: With the names of any of the projects, and any prefix before them.
        source: For people: a path, or the name of a network.
        part: The part of a file in which they are.
        content: All else that the file holds, which may say more of the network.

    Raises:
        UsageError: It holds more than one network, or one of a form that is not built here.
    """
    keys = {plain(key): key for key in state}
    origin = project_of(state)
    if origin.another:
        raise UsageError(
            f"{source} is a network of {origin.name}, which fits none here: {origin.another}"
        )
    inside = {
        prefix: {key[len(prefix) :]: state[keys[key]] for key in keys if key.startswith(prefix)}
        for prefix in origin.prefixes(keys)
    }
    named = {f"{part}.{prefix}".strip("."): prefix for prefix in inside}
    prefix = named[chosen({name: inside[p] for name, p in named.items()}, source)] if named else ""
    others = {
        name: other
        for name, other in named.items()
        if not prefix.startswith(other) and not same(inside[other], inside[prefix])
    }
    # the tensors of another network in the file are none of this network's
    beside = tuple(other for other in inside if not prefix.startswith(other))
    state = {key: value for key, value in state.items() if not plain(key).startswith(beside)}
    project, names = our_names(state, prefix)
    notes = block_notes(state, content)
    if others:
        parts = shortened([f"{source}#{name}" for name in others])
        notes.append(f"read from {prefix.rstrip('.') or 'the file itself'}; others are {parts}")
    return Weights(
        source,
        project,
        renamed(state, names),
        {ours: theirs for theirs, ours in names.items() if ours is not None},
        {theirs: "no part of a network" for theirs, ours in names.items() if ours is None},
        shift_of(names, content, source),
        notes,
    )
