from functools import partial

import pytest
import torch
from torch import nn

from gta.blocks import GlobalTemporalAttention
from gta.cost import count_cost, kept_bytes
from gta.models import MODELS, build


def test_a_shift_costs_nothing():
    plain, shifted = (
        count_cost(
            lambda name=name: build(MODELS[name], num_classes=174, num_frames=8), (3, 8, 64, 64)
        )
        for name in ("r2d50", "tsm50")
    )
    assert (plain.gflops, plain.params_m) == (shifted.gflops, shifted.params_m)


def test_a_convolution_and_a_linear_layer_by_hand():
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv3d(3, 5, 1, bias=False)
            self.fc = nn.Linear(5, 7)

        def forward(self, clips):
            return self.fc(self.conv(clips).mean((2, 3, 4)))

    cost = count_cost(Network, (3, 4, 6, 8))
    assert cost.gflops * 1e9 == pytest.approx(3 * 5 * 4 * 6 * 8 + 5 * 7)
    assert cost.params_m * 1e6 == pytest.approx(15 + 35 + 7)


def test_what_a_step_keeps_by_hand():
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv3d(3, 5, 1)
            self.relu = nn.ReLU()
            self.fc = nn.Linear(5, 7)

        def forward(self, clips):
            return self.fc(self.relu(self.conv(clips)).mean((2, 3, 4)))

    cost = count_cost(Network, (3, 4, 6, 8))
    positions = 4 * 6 * 8
    # the convolution keeps its input, the rectifier its output, the classifier its input
    assert cost.activations_mib * 2**20 == 4 * (3 * positions + 5 * positions + 5)


def test_a_learned_w_r_and_other_heads_by_hand():
    """Of a block of 64 channels and 4 frames of 5 x 6: G = 8 groups of 2 channels, R = 8."""
    sizes = {"plain": {}, "grid": {"region_grid": (5, 6)}, "heads": {"heads": 4}}
    cost = {
        name: count_cost(partial(GlobalTemporalAttention, 64, 4, **options), (64, 4, 5, 6))
        for name, options in sizes.items()
    }
    positions, regions, assign = 4 * 5 * 6, 4 * 8, 64 * 8
    apart = {name: 1e9 * (one.gflops - cost["plain"].gflops) for name, one in cost.items()}
    more = {name: 1e6 * (one.params_m - cost["plain"].params_m) for name, one in cost.items()}
    assert apart["grid"] == pytest.approx(-positions * assign)  # no convolution
    assert more["grid"] == pytest.approx(4 * 8 * 5 * 6 - assign - 8)
    # each of 4 heads less takes 8 groups x 4 frames x 2 channels, the layer 4 x 2 to 16 channels
    mixed = 4 * 8 * 4 * 2
    assert apart["heads"] == pytest.approx((positions + regions) * (4 * 2 * 16 - mixed))
    assert more["heads"] == pytest.approx(2 * (4 * 2 * 16 + 16 - 4 * 4 * 8 * 4))


def test_what_is_kept_is_the_same_on_a_real_device():
    make = partial(build, MODELS["tiny_gta"], num_classes=5, num_frames=4)
    cost = count_cost(make, (3, 4, 32, 32))
    kept = kept_bytes(make().train(), torch.rand(2, 3, 4, 32, 32))
    assert kept == cost.activations_mib * 2 * 2**20


def test_in_half_the_pixels_half_is_kept():
    make = partial(build, MODELS["tiny"], num_classes=5, num_frames=4)
    whole, half = (count_cost(make, (3, 4, 64, W)).activations_mib for W in (64, 32))
    assert half == pytest.approx(whole / 2, rel=1e-2)


def test_nothing_is_allocated():
    seen = []

    def make() -> nn.Module:
        model = build(MODELS["tiny"], num_classes=3, num_frames=2)
        seen.extend(parameter.device.type for parameter in model.parameters())
        return model

    count_cost(make, (3, 2, 32, 32))
    assert set(seen) == {"meta"}
    assert torch.get_default_device().type == "cpu"
