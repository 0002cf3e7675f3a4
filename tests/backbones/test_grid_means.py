"""Means over a grid: what exporting traces is what torch computes."""

import pytest
import torch
from torch.nn.functional import adaptive_avg_pool2d

from gta.backbones.grid_means import grid_means, matrix_means


@pytest.mark.parametrize(
    ("height", "width", "side"), [(7, 7, 3), (5, 8, 3), (2, 3, 3), (1, 1, 2), (9, 6, 1), (10, 4, 4)]
)
def test_products_with_matrices_are_adaptive_pooling(height: int, width: int, side: int):
    x = torch.randn(2, 5, height, width, dtype=torch.float64)
    assert torch.allclose(matrix_means(x, side), adaptive_avg_pool2d(x, side), atol=1e-12)
    assert torch.equal(grid_means(x, side), adaptive_avg_pool2d(x, side))


def test_height_and_width_stay_free_in_an_export():
    class Means(torch.nn.Module):
        def forward(self, x):
            return grid_means(x, 3)

    free = torch.export.Dim.AUTO
    shapes = ({0: free, 2: free, 3: free},)
    program = torch.export.export(Means(), (torch.randn(2, 4, 7, 6),), dynamic_shapes=shapes)
    x = torch.randn(3, 4, 9, 5)
    assert torch.allclose(program.module()(x), adaptive_avg_pool2d(x, 3), atol=1e-6)
