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


@dataclass(frozen=True)
class Project:
    """A public project that writes weights."""

    name: str
    recognise: Callable[[Iterable[str]], bool]
    rename: Callable[[str], str | None]
    """From a name of theirs to ours; None: nothing that a network holds."""


def stage_of(layer: str) -> str:
    """The field's name of a stage of torchvision's: "layer2" is "res3"."""
    return next(stage for stage, name in STAGES.items() if name == layer)


def from_tsm(key: str) -> str | None:
    """TSM repository: `base_model.layer2.0.nl.theta.weight` to `inserted.res3_0.0.query.weight`."""
    key = key.removeprefix("base_model.").replace("new_fc.", "fc.")
    found = re.fullmatch(r"(layer\d)\.(\d+)\.nl\.(theta|phi(?:\.0)?|g(?:\.0)?|W\.[01])\.(\w+)", key)
    if found:
        layer, index, part, parameter = found.groups()
        return f"inserted.{stage_of(layer)}_{index}.0.{NON_LOCAL[part]}.{parameter}"
    # the wrappers round a convolution that is shifted and round a block that is followed by one
    return re.sub(r"^(layer\d\.\d+)\.block\.", r"\1.", key).replace(".conv1.net.", ".conv1.")


def from_pyslowfast(key: str) -> str | None:
    """PySlowFast: `s3.pathway1_res0.branch2.a_bn.weight` to `fast.layer2.0.bn1.weight`."""
    found = re.fullmatch(r"s1\.pathway(\d)_stem\.(conv|bn)\.(\w+)", key)
    if found:
        return f"{pathway(found[1])}.{found[2]}1.{found[3]}"
    found = re.fullmatch(r"s(\d)_fuse\.(conv_f2s|bn)\.(\w+)", key)
    if found:
        before = "stem" if found[1] == "1" else f"res{found[1]}"
        return f"lateral.{before}.{found[2].removesuffix('_f2s')}.{found[3]}"
    found = re.fullmatch(r"s([2-5])\.pathway(\d)_res(\d+)\.branch(1|2\.[abc])(_bn)?\.(\w+)", key)
    if found:
        number, path, index, branch, norm, parameter = found.groups()
        block = f"{pathway(path)}.{STAGES[f'res{number}']}.{index}"
        if branch == "1":
            return f"{block}.downsample.{1 if norm else 0}.{parameter}"
        return f"{block}.{'bn' if norm else 'conv'}{'abc'.index(branch[-1]) + 1}.{parameter}"
    found = re.fullmatch(r"s([2-5])\.pathway0_nonlocal(\d+)\.(conv_\w+|bn)\.(\w+)", key)
    if found and found[3] in NON_LOCAL:
        return f"inserted.res{found[1]}_{found[2]}.0.{NON_LOCAL[found[3]]}.{found[4]}"
    return key.replace("head.projection.", "fc.")


def pathway(number: str) -> str:
    """PySlowFast's number of a pathway to our name."""
    return {"0": "slow", "1": "fast"}.get(number, f"pathway{number}")


def from_caffe2(key: str) -> str | None:
    """PySlowFast's Caffe2 model zoo: `t_res3_0_branch2a_bn_riv` to the name in PySlowFast."""
    found = re.fullmatch(r"(t_)?(.+?)_(w|s|b|rm|riv)", key)
    if not found:
        return None  # the momentum of a weight, the learning rate, the number of iterations
    path, place, parameter = int(found[1] is not None), found[2], CAFFE2[found[3]]
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
    found = re.match(r"blocks\.(\d)\.multipathway_(fusion|blocks\.(\d))\.", key)
    if not found:
        return from_pyslowfast(key.replace("blocks.6.proj.", "head.projection."))
    rest, stage = key[found.end() :], f"s{int(found[1]) + 1}"
    if found[3] is None:
        rest = rest.replace("conv_fast_to_slow.", "conv_f2s.").replace("norm.", "bn.")
        return from_pyslowfast(f"{stage}_fuse.{rest}")
    rest = re.sub(r"^(conv|norm)\.", r"stem.\1.", rest).replace(".norm.", ".bn.")
    rest = re.sub(r"^res_blocks\.(\d+)", r"res\1", rest)
    rest = rest.replace("branch1_conv.", "branch1.").replace("branch1_norm.", "branch1_bn.")
    rest = re.sub(r"branch2\.conv_([abc])", r"branch2.\1", rest)
    rest = re.sub(r"branch2\.norm_([abc])", r"branch2.\1_bn", rest)
    return from_pyslowfast(f"{stage}.pathway{found[3]}_{rest}")


def any_has(*beginnings: str) -> Callable[[Iterable[str]], bool]:
    """Whether a name begins in one of these ways."""
    return lambda keys: any(key.startswith(beginnings) for key in keys)


PROJECTS = (
    Project("TSM", any_has("base_model."), from_tsm),
    Project("PySlowFast", any_has("s1.pathway0_stem."), from_pyslowfast),
    Project("pytorchvideo", any_has("blocks.0.multipathway_"), from_pytorchvideo),
    Project("PySlowFast's Caffe2 model zoo", any_has("res_conv1_bn_"), from_caffe2),
    Project("gta", any_has("inserted.", "slow.conv1.", "network."), lambda key: key),
    Project("torchvision or timm", any_has("layer1.0."), lambda key: key),
)
UNKNOWN = Project("names of no known project", lambda keys: True, lambda key: key)


def our_names(keys: Iterable[str]) -> tuple[str, dict[str, str | None]]:
    """The project that names tensors like this, and for each of its names ours.

    A None says that the tensor is no part of a network. Prefixes that DataParallel,
    DistributedDataParallel and torch.compile put before all names are removed.
    """
    keys = list(keys)
    plain = {key: key for key in keys}
    for prefix in ("module.", "_orig_mod.", "module."):
        if plain and all(name.startswith(prefix) for name in plain.values()):
            plain = {key: name.removeprefix(prefix) for key, name in plain.items()}
    project = next((p for p in PROJECTS if p.recognise(plain.values())), UNKNOWN)
    names = {key: project.rename(name) for key, name in plain.items()}
    if not any_has("fast.")(name for name in names.values() if name):
        # a network of one pathway, which is ours over frames
        names = {key: name and name.removeprefix("slow.") for key, name in names.items()}
    return project.name, names


def renamed(state: Mapping[str, T], names: Mapping[str, str | None]) -> dict[str, T]:
    """A state dictionary under our names, without what is no part of a network."""
    return {name: state[key] for key, name in names.items() if name is not None}
