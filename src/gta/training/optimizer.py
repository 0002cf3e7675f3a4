"""The optimizer, its groups of parameters, and its learning rate over time."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from gta.config import Train

_ATTENTION = ("matrix", "lags", "position")
"""Endings of the names of GTA's learned matrices and of positional embeddings."""


def parameter_groups(model: nn.Module, train: Train) -> list[dict[str, Any]]:
    """Every trainable parameter in exactly one group; empty groups are left out.

    `weights` (convolutions, linear layers) decay. `rest` (biases, normalization: fewer than two
    axes) do not. `attention`, GTA's temporal matrices and positional embeddings, have their own
    learning rate and decay. With `position_lr_mult` the embeddings are separate, in `positions`.
    """
    of_attention = train.matrix_weight_decay, train.matrix_lr_mult
    options = {"weights": (train.weight_decay, 1.0), "rest": (0.0, 1.0), "attention": of_attention}
    if train.position_lr_mult is not None:
        options["positions"] = (train.matrix_weight_decay, train.position_lr_mult)
    groups: dict[str, list[nn.Parameter]] = {name: [] for name in options}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        last = name.rpartition(".")[2]
        if last == "position" and "positions" in groups:
            groups["positions"].append(parameter)
        elif last in _ATTENTION:
            groups["attention"].append(parameter)
        else:
            groups["weights" if parameter.ndim > 1 else "rest"].append(parameter)
    return [
        {
            "name": name,
            "params": params,
            "weight_decay": options[name][0],
            "factor": options[name][1],
        }
        for name, params in groups.items()
        if params
    ]


def make_optimizer(
    model: nn.Module, train: Train, *, fused: bool | None = None
) -> torch.optim.Optimizer:
    """SGD with momentum, or AdamW, over `parameter_groups`.

    `state_dict` has the same form for all, and loads into all: fused or not, on every device, also
    from earlier versions.

    Args:
        model: The model on its device.
        train: The settings.
        fused: Each kernel updates many parameters, and learning rates are tensors on the device,
            so that a step can be a CUDA graph; None: on GPUs, and for a head over a frozen trunk,
            where a fifth of a CPU's step is this. Elsewhere a CPU's runs go on as they began:
            the fused kernel gives other last bits.
    """
    groups = parameter_groups(model, train)
    if fused is None:
        kinds = {p.device.type for group in groups for p in group["params"]}
        fused = kinds <= ({"cuda", "cpu"} if train.freeze else {"cuda"})
    made: torch.optim.Optimizer
    if train.optimizer == "sgd":
        made = torch.optim.SGD(
            groups,
            lr=train.lr,
            momentum=train.momentum,
            nesterov=train.nesterov,
            fused=fused or None,
        )
    else:
        made = torch.optim.AdamW(groups, lr=train.lr, fused=fused or None, capturable=fused)
    if fused:
        for group in made.param_groups:
            group["lr"] = torch.full((), train.lr, device=group["params"][0].device)
    made.register_state_dict_post_hook(_in_common_form)
    made.register_load_state_dict_pre_hook(_with_own_options)
    return made


def peak_rate(train: Train) -> float:
    """The learning rate after the warm-up: `lr`, scaled linearly if `lr_batch` is given.

    Goyal et al. 2017: k times the batch, k times the rate.
    """
    return train.lr * (1.0 if train.lr_batch is None else train.batch_size / train.lr_batch)


def learning_rate(train: Train, epoch: float) -> float:
    """The learning rate at a moment: 2.5 is half-way through the third epoch.

    Linear warm-up from 0 over the first `warmup` epochs; then either divided by ten at each of
    `milestones`, or half a cosine from the end of the warm-up to 0 at the end of training (SGDR
    without restarts, Loshchilov and Hutter 2017).
    """
    peak = peak_rate(train)
    warmup = train.warmup
    if epoch < warmup:
        return peak * epoch / warmup
    if train.schedule == "steps":
        return peak * 0.1 ** sum(epoch >= milestone for milestone in train.milestones)
    done = (epoch - warmup) / (train.epochs - warmup)
    return peak * 0.5 * (1 + math.cos(math.pi * done))


def set_learning_rate(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Sets each group to `lr` times its factor; tensors are changed in place."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(lr * group["factor"])
        else:
            group["lr"] = lr * group["factor"]


def is_fused(optimizer: torch.optim.Optimizer) -> bool:
    """Whether the optimizer heeds `found_inf`, a tensor on its device."""
    return all(group.get("fused") for group in optimizer.param_groups)


def fill_momentum(optimizer: torch.optim.Optimizer) -> None:
    """Starts SGD's momentum at zero, which equals torch's first step.

    Otherwise torch would leave it uninitialized if the fused kernel skips the first step for a
    gradient that is not finite, and would allocate it inside a CUDA graph.
    """
    for group in optimizer.param_groups:
        for parameter in group["params"] if group.get("momentum") else ():
            if optimizer.state[parameter].get("momentum_buffer") is None:
                optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)


_OWN = ("fused", "foreach", "capturable")
"""Options of a group that affect how steps are computed, not their results."""


def _in_common_form(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> dict[str, Any]:
    """The state of a GPU's optimizer in the form of a CPU's."""
    plain = {"fused": None, "foreach": None, "capturable": False}
    groups = [
        {key: plain.get(key, value) for key, value in group.items()} | {"lr": float(group["lr"])}
        for group in state["param_groups"]
    ]
    return {**state, "param_groups": groups}


def _with_own_options(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> dict[str, Any]:
    """The saved state, ready to load into groups on their device."""
    saved, groups = state["param_groups"], optimizer.param_groups
    if len(groups) != len(saved):
        return state  # torch raises the error
    mixed = []
    for group, ours in zip(saved, groups, strict=True):
        lr, own = float(group["lr"]), {key: ours[key] for key in _OWN if key in ours}
        own["lr"] = torch.full_like(ours["lr"], lr) if isinstance(ours["lr"], Tensor) else lr
        mixed.append({**group, **own})
    return {**state, "state": _in_own_shapes(optimizer, state), "param_groups": mixed}


def _in_own_shapes(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> dict[int, Any]:
    """State tensors in the shape and memory format of their parameters."""
    ours: dict[int, Any] = dict(state["state"])
    for saved, group in zip(state["param_groups"], optimizer.param_groups, strict=True):
        for name, parameter in zip(saved["params"], group["params"], strict=False):
            if name in ours:
                ours[name] = {key: _as(parameter, value) for key, value in ours[name].items()}
    return ours


def _as(parameter: Tensor, value: object) -> object:
    if not isinstance(value, Tensor):
        return value
    if value.shape[2:].numel() == 1 < value.ndim:  # a 1x1x1 convolution in earlier versions
        value = value.view_as(parameter)
    if value.shape != parameter.shape:
        return value
    return torch.empty_like(parameter, dtype=value.dtype, device=value.device).copy_(value)
