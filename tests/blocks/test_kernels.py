"""The Triton kernels against their twins: on a GPU, or without one in Triton's interpreter."""

import numpy as np
import pytest
import torch
from torch import Tensor

from gta.blocks.fused.attend_frames import plain_attend
from gta.blocks.fused.products import plain_sum

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
triton = pytest.importorskip("triton")
if (
    DEVICE == "cpu"
    and triton.__version__ < "3.7"
    and np.lib.NumpyVersion(np.__version__) >= "2.5.0"
):
    pytest.skip("Triton 3.6's interpreter has no loops with NumPy 2.5", allow_module_level=True)

from gta.blocks.fused import frames_kernel  # noqa: E402
from gta.blocks.fused.sum_kernel import launch  # noqa: E402


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, device=DEVICE, dtype=torch.float16)


def exact(pair: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor] | None:
    return pair and (pair[0].double(), pair[1].double())


def assert_near(result: Tensor, wanted: Tensor):
    assert result.shape == wanted.shape
    assert (result - wanted).norm() / wanted.norm() < 2e-3


@pytest.mark.parametrize(
    ("M", "C", "K", "L"),
    [(210, 130, 20, 16), (10, 8, 1, 1), (65, 60, 360, 7), (600, 136, 200, 90)],
)
@pytest.mark.parametrize("parts", ["x", "xb", "x2b", "b", "2", ""])
def test_sums_of_products(M: int, C: int, K: int, L: int, parts: str):
    x = draw(M, C) if "x" in parts else None
    bias = torch.randn(C, device=DEVICE) if "b" in parts else None
    # neither contiguous nor aligned
    first = draw(M, K + 3)[:, 3:], draw(C, K).t()
    second = (draw(M, L), draw(L, C)) if "2" in parts else None
    result = launch(x, bias, *first, *(second or (None, None)))
    pairs = [pair for pair in (exact(first), exact(second)) if pair is not None]
    assert_near(result, plain_sum(None if x is None else x.double(), bias, *pairs))


@pytest.mark.parametrize(
    ("B", "T", "N", "D", "G"),
    [(2, 8, 11, 32, 1), (1, 3, 25, 32, 2), (1, 16, 5, 64, 4), (1, 1, 2, 16, 1), (1, 64, 2, 16, 1)],
)
@pytest.mark.parametrize("embedded", [True, False])
def test_attention_along_time(B: int, T: int, N: int, D: int, G: int, embedded: bool):
    parts, upstream = draw(B, T, 1, N, 3 * D).chunk(3, dim=-1), draw(B, T, 1, N, D)
    position = torch.randn(T, D, device=DEVICE) if embedded else None
    wanted = position.double() if position is not None else None
    inputs = [part.double().detach().requires_grad_() for part in parts]
    expected = plain_attend(*inputs, wanted, G, 0.3)
    assert_near(frames_kernel.launch(*parts, position, G, 0.3), expected.detach())
    gradients = torch.autograd.grad(expected, inputs, upstream.double())
    assert_near(
        frames_kernel.launch_backward(*parts, position, upstream, G, 0.3),
        torch.cat(gradients, dim=-1),
    )
