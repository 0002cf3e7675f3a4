"""Whose weights a state dictionary holds, and our names for its tensors.

Projects are told apart by the names themselves, never by a file's name. PySlowFast's names are the
hub: those of its Caffe2 model zoo and of pytorchvideo are brought to them first.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from gta.backbones.inserted import STAGES

T = TypeVar("T")

NON_LOCAL = {
    **{"conv_theta": "query", "conv_phi": "key", "conv_g": "value", "conv_out": "output"},
    **{"theta": "query", "phi.0": "key", "phi": "key", "g.0": "value", "g": "value"},
    **{"W.0": "output", "W.1": "norm", "bn": "norm"},
}
"""PySlowFast's and TSM's names of a non-local block's parts, and ours."""

CAFFE2 = {"w": "weight", "s": "weight", "b": "bias", "rm": "running_mean", "riv": "running_var"}
"""Last part of a Caffe2 blob's name; riv holds the variance, in spite of its name."""


WRAPPERS = re.compile(r"(?<![^.])(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
"""What torch puts into names, at any depth: compiled, sharded and recomputed modules."""


@dataclass(frozen=True)
class Project:
    """A public project that writes weights."""

    name: str
    mark: str
    """How some of its names begin, after a prefix that belongs to whoever wrapped the network."""
    rename: Callable[[str], str | None]
    """From a name of theirs to ours; None: nothing that a network holds."""
    another: str = ""
    """Why its network is none of ours."""

    def prefixes(self, keys: Iterable[str]) -> list[str]:
        """What stands before its names, such as "module."; nothing if there are none."""
        match = dict.fromkeys(key[: key.find(self.mark)] for key in keys if self.mark in key)
        return [prefix for prefix in match if prefix == "" or prefix.endswith(".")]


def stage_of(layer: str) -> str:
    """The field's name of a stage of torchvision's: "layer2" is "res3"."""
    return next(stage for stage, name in STAGES.items() if name == layer)


def from_tsm(key: str) -> str | None:
    """TSM repository: `base_model.layer2.0.nl.theta.weight` to `inserted.res3_0.0.query.weight`."""
    key = key.removeprefix("base_model.").replace("new_fc.", "fc.")
    match = re.fullmatch(r"(layer\d)\.(\d+)\.nl\.(theta|phi(?:\.0)?|g(?:\.0)?|W\.[01])\.(\w+)", key)
    if match:
        layer, index, part, parameter = match.groups()
        return f"inserted.{stage_of(layer)}_{index}.0.{NON_LOCAL[part]}.{parameter}"
    # the wrappers round a convolution that is shifted and round a block that is followed by a shift
    return re.sub(r"^(layer\d\.\d+)\.block\.", r"\1.", key).replace(".conv1.net.", ".conv1.")


def from_pyslowfast(key: str) -> str | None:
    """PySlowFast: `s3.pathway1_res0.branch2.a_bn.weight` to `fast.layer2.0.bn1.weight`."""
    match = re.fullmatch(r"s1\.pathway(\d)_stem\.(conv|bn)\.(\w+)", key)
    if match:
        return f"{pathway(match[1])}.{match[2]}1.{match[3]}"
    match = re.fullmatch(r"s(\d)_fuse\.(conv_f2s|bn)\.(\w+)", key)
    if match:
        before = "stem" if match[1] == "1" else f"res{match[1]}"
        return f"lateral.{before}.{match[2].removesuffix('_f2s')}.{match[3]}"
    match = re.fullmatch(r"s([2-5])\.pathway(\d)_res(\d+)\.branch(1|2\.[abc])(_bn)?\.(\w+)", key)
    if match:
        number, path, index, branch, norm, parameter = match.groups()
        block = f"{pathway(path)}.{STAGES[f'res{number}']}.{index}"
        if branch == "1":
            return f"{block}.downsample.{1 if norm else 0}.{parameter}"
        return f"{block}.{'bn' if norm else 'conv'}{'abc'.index(branch[-1]) + 1}.{parameter}"
    match = re.fullmatch(r"s([2-5])\.pathway0_nonlocal(\d+)\.(conv_\w+|bn)\.(\w+)", key)
    if match and match[3] in NON_LOCAL:
        return f"inserted.res{match[1]}_{match[2]}.0.{NON_LOCAL[match[3]]}.{match[4]}"
    return key.replace("head.projection.", "fc.")


def pathway(number: str) -> str:
    """PySlowFast's number of a pathway to our name."""
    return {"0": "slow", "1": "fast"}.get(number, f"pathway{number}")


def from_caffe2(key: str) -> str | None:
    """PySlowFast's Caffe2 model zoo: `t_res3_0_branch2a_bn_riv` to the name in PySlowFast."""
    match = re.fullmatch(r"(t_)?(.+?)_(w|s|b|rm|riv)", key)
    if not match:
        return None  # the momentum of a weight, the learning rate, the number of iterations
    path, place, parameter = int(match[1] is not None), match[2], CAFFE2[match[3]]
    place, subsamples, norm = re.sub(r"_bn$", "", place), "_subsample" in place, place[-3:] == "_bn"
    if subsamples:
        stage = re.match(r"(?:pool|res)(\d)", place)
        part = "bn" if norm else "conv_f2s"
        theirs = f"s{stage[1]}_fuse.{part}.{parameter}" if stage else None
    elif place in ("conv1", "res_conv1"):
        theirs = f"s1.pathway{path}_stem.{'bn' if norm else 'conv'}.{parameter}"
    elif block := re.fullmatch(r"res(\d)_(\d+)_branch(1|2[abc])", place):
        branch = block[3].replace("2", "2.")
        suffix = "_bn" if norm else ""
        theirs = f"s{block[1]}.pathway{path}_res{block[2]}.branch{branch}{suffix}.{parameter}"
    elif block := re.fullmatch(r"nonlocal_conv(\d)_(\d+)(?:_(theta|phi|g|out))?", place):
        part = "bn" if norm else f"conv_{block[3]}"
        theirs = f"s{block[1]}.pathway0_nonlocal{block[2]}.{part}.{parameter}"
    else:
        theirs = f"head.projection.{parameter}" if place == "pred" else None
    return theirs and from_pyslowfast(theirs)


def from_pytorchvideo(key: str) -> str | None:
    """Pytorchvideo's hub: `blocks.0.multipathway_fusion.norm.bias` to the name in PySlowFast."""
    match = re.match(r"blocks\.(\d)\.multipathway_(fusion|blocks\.(\d))\.", key)
    if not match:
        return from_pyslowfast(key.replace("blocks.6.proj.", "head.projection."))
    rest, stage = key[match.end() :], f"s{int(match[1]) + 1}"
    if match[3] is None:
        rest = rest.replace("conv_fast_to_slow.", "conv_f2s.").replace("norm.", "bn.")
        return from_pyslowfast(f"{stage}_fuse.{rest}")
    rest = re.sub(r"^(conv|norm)\.", r"stem.\1.", rest).replace(".norm.", ".bn.")
    rest = re.sub(r"^res_blocks\.(\d+)", r"res\1", rest)
    rest = rest.replace("branch1_conv.", "branch1.").replace("branch1_norm.", "branch1_bn.")
    rest = re.sub(r"branch2\.conv_([abc])", r"branch2.\1", rest)
    rest = re.sub(r"branch2\.norm_([abc])", r"branch2.\1_bn", rest)
    return from_pyslowfast(f"{stage}.pathway{match[3]}_{rest}")


def from_mmaction2(key: str) -> str | None:
    """MMAction2: `layer2.0.conv1.conv.net.weight` to `layer2.0.conv1.weight`."""
    if key.startswith("data_preprocessor."):
        return None  # the mean and deviation of its pictures
    key = re.sub(r"^(?:.*\.)?cls_head\.fc_cls\.", "fc.", key)
    match = re.fullmatch(r"(layer\d)\.(\d+)\.non_local_block\.(\w+)(?:\.0)?\.(conv|bn)\.(\w+)", key)
    if match:
        layer, index, part, kind, parameter = match.groups()
        ours = "norm" if kind == "bn" else NON_LOCAL.get(part, part)
        return f"inserted.{stage_of(layer)}_{index}.0.{ours}.{parameter}"
    key = re.sub(r"^(layer\d\.\d+)\.block\.", r"\1.", key)  # round a block that a shift follows
    key = re.sub(r"(^|\.)conv(\d)\.bn\.", r"\1bn\2.", key)
    key = re.sub(r"(^|\.)(conv\d)\.conv\.(net\.)?", r"\1\2.", key)
    return key.replace(".downsample.conv.", ".downsample.0.").replace(
        ".downsample.bn.", ".downsample.1."
    )


PROJECTS = (
    Project("TSM", "base_model.layer1.0.", from_tsm),
    Project("PySlowFast", "s1.pathway0_stem.", from_pyslowfast),
    Project("pytorchvideo", "blocks.0.multipathway_", from_pytorchvideo),
    Project("PySlowFast's Caffe2 model zoo", "res_conv1_bn_", from_caffe2),
    Project(
        *("MMAction2's SlowFast", "slow_path.layer1.0.", lambda key: key),
        another="its lateral connections have no normalization and ReLU as PySlowFast's and ours "
        "have, and its slow pathway sees other frames. Take weights of PySlowFast or pytorchvideo "
        "for SlowFast (model.weights=kinetics fetches them), or test these with MMAction2",
    ),
    Project("MMAction2", "layer1.0.conv1.bn.", from_mmaction2),
    Project("gta", "slow.layer1.0.", lambda key: key),
    Project("torchvision or timm", "layer1.0.", from_tsm),  # and networks that TSM's code changed
)
UNKNOWN = Project("names of no known project", "", lambda key: key)


def project_of(keys: Iterable[str]) -> Project:
    """The project that names tensors like this, whatever stands before the names."""
    keys = [plain(key) for key in keys]
    return next((project for project in PROJECTS if project.prefixes(keys)), UNKNOWN)


def plain(key: str) -> str:
    """A name without what torch puts into it."""
    return WRAPPERS.sub("", key)


def our_names(keys: Iterable[str], prefix: str = "") -> tuple[str, dict[str, str | None]]:
    """The project that names tensors like this, and for each of its names ours.

    Args:
        keys: The names.
        prefix: What stands before those of the network, one of the project's `prefixes`. A name
            without it is that of something beside the network, such as a classifier.

    Returns:
        The project, and by name ours, or None where the tensor is no part of a network.
    """
    keys = list(keys)
    project = project_of(keys)
    inside = {key: name for key in keys if (name := plain(key)).startswith(prefix)}
    names = {key: project.rename(name.removeprefix(prefix)) for key, name in inside.items()}
    taken = set(names.values())
    for key in keys:
        if key not in inside:
            name = project.rename(plain(key))
            names[key] = name if name not in taken else None
    ours = [name for name in names.values() if name]
    if not any(name.startswith("fast.") for name in ours):
        # a network of one pathway, which is ours over frames
        names = {key: name and name.removeprefix("slow.") for key, name in names.items()}
    foreign = project.name not in ("torchvision or timm", UNKNOWN.name)
    own = not foreign and any(name.startswith(("inserted.", "network.")) for name in ours)
    return "gta" if own else project.name, {key: names[key] for key in keys}


def renamed(state: Mapping[str, T], names: Mapping[str, str | None]) -> dict[str, T]:
    """A state dictionary under our names, without what is no part of a network."""
    return {name: state[key] for key, name in names.items() if name is not None}
