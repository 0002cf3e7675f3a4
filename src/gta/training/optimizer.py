"""The optimiser and its groups of parameters."""

from typing import Any

import torch
from torch import nn

from gta.config import Train

_ATTENTION = ("matrix", "position")
"""Last part of the names of GTA's learned matrices and of positional embeddings."""


def parameter_groups(model: nn.Module, train: Train) -> list[dict[str, Any]]:
    """Every trainable parameter in exactly one of three groups; empty groups are left out.

    `weights` (convolutions, linear layers) decay. `rest` (biases, normalisation: fewer than two
    axes) do not. `attention`, GTA's temporal matrices and positional embeddings, have a learning
    rate and a decay of their own.
    """
    groups: dict[str, list[nn.Parameter]] = {"weights": [], "rest": [], "attention": []}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if name.rpartition(".")[2] in _ATTENTION:
            groups["attention"].append(parameter)
        else:
            groups["weights" if parameter.ndim > 1 else "rest"].append(parameter)
    decay = {"weights": train.weight_decay, "rest": 0.0, "attention": train.matrix_weight_decay}
    factor = {"weights": 1.0, "rest": 1.0, "attention": train.matrix_lr}
    return [
        {"name": name, "params": params, "weight_decay": decay[name], "factor": factor[name]}
        for name, params in groups.items()
        if params
    ]


def make_optimizer(model: nn.Module, train: Train) -> torch.optim.Optimizer:
    """SGD with momentum, or AdamW, over `parameter_groups`."""
    groups = parameter_groups(model, train)
    if train.optimizer == "sgd":
        return torch.optim.SGD(
            groups, lr=train.lr, momentum=train.momentum, nesterov=train.nesterov
        )
    return torch.optim.AdamW(groups, lr=train.lr)


def set_learning_rate(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Gives each group `lr` times its factor."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group["factor"]
