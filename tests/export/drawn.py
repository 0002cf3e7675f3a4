"""Runs without a training: what a file computes does not depend on what a network has learned."""

from pathlib import Path

import torch
from torch import nn

from gta.recipes import find_recipe, read_recipe
from gta.runs import Run

SMALL = (
    *("clip.size=32", "clip.num_frames=4", "test.protocol=1x1-center32", "model.width=16"),
    "clip.stride=1",
)
CLASSES = ["left_to_right", "right_to_left", "up", "down"]


def drawn_run(folder: Path, *settings: str) -> Run:
    """A tiny causal network, in which no part is zero."""
    recipe = read_recipe(find_recipe("ordered", "tiny_gta_causal"), [*SMALL, *settings])
    run = Run.create(folder, recipe, CLASSES)
    torch.manual_seed(0)
    network = run.build()
    opened(network)
    run.save_weights(network, "last", epoch=1)
    return run


def opened(network: nn.Module) -> None:
    """Draws the last normalisation of blocks, which is zero in new ones, and the classifier."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            nn.init.normal_(module.weight)
        if type(module) is nn.Linear:
            nn.init.normal_(module.weight, std=0.1)
