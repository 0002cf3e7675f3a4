import pytest
import torch
from torch import nn

from gta.cost import count_cost
from gta.models import MODELS, build

# Multiply-adds and parameters that follow from the architecture, 174 classes, 8 x 224 x 224; the
# paper prints 32.7, 61.1, 41.7, 41.0, 49.9, 49.9, 50.2 GFLOPs (Tables 1 and 2b).
EXPECTED = {
    "r2d50": ("32.70", "23.86"),
    "r2d50_nl": ("61.10", "31.22"),
    "r2d50_sa": ("41.67", "27.55"),
    "r2d50_ta": ("40.97", "27.55"),
    "r2d50_dnl": ("49.93", "31.24"),
    "r2d50_tape": ("49.93", "31.24"),
    "r2d50_gta": ("50.21", "31.3"),
}


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items())
def test_costs_of_the_papers_models(name: str, expected: tuple[str, str]):
    cost = count_cost(lambda: build(MODELS[name], num_classes=174, num_frames=8), (3, 8, 224, 224))
    assert f"{cost.gflops:.2f}" == expected[0]
    digits = len(expected[1].split(".")[1])
    assert f"{cost.params_m:.{digits}f}" == expected[1]


def test_a_shift_costs_nothing():
    plain, shifted = (
        count_cost(
            lambda name=name: build(MODELS[name], num_classes=174, num_frames=8), (3, 8, 64, 64)
        )
        for name in ("r2d50", "tsm50")
    )
    assert plain == shifted


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


def test_nothing_is_allocated():
    seen = []

    def make() -> nn.Module:
        model = build(MODELS["tiny"], num_classes=3, num_frames=2)
        seen.extend(parameter.device.type for parameter in model.parameters())
        return model

    count_cost(make, (3, 2, 32, 32))
    assert set(seen) == {"meta"}
    assert torch.get_default_device().type == "cpu"
