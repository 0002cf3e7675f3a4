import torch
from torch import nn

from gta.meta_device import on_meta_device
from gta.models import build, gta, r2d50, slowfast50


def test_a_network_without_weights_draws_none_and_takes_no_memory():
    before = torch.get_rng_state()
    with on_meta_device():
        for model in (r2d50(gta()), slowfast50(gta())):
            network = build(model, num_classes=9, num_frames=32)
            assert all(parameter.is_meta for parameter in network.parameters())
        layer = nn.Linear(3, 4)  # draws in its own constructor
    assert torch.get_rng_state().equal(before)
    assert layer.weight.shape == (4, 3)
    assert layer.weight.is_meta
    assert not nn.Linear(3, 4).weight.is_meta
