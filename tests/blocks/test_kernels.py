"""The Triton kernels against their twins: on a GPU, or without one in Triton's interpreter."""

import numpy as np
import pytest
import torch
from torch import Tensor

from gta.blocks.channel_groups import plain_correlate, plain_mix
from gta.blocks.frame_attention import plain_backward, plain_forward
from gta.blocks.wide_sum import plain_sum

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
triton = pytest.importorskip("triton")
if (
    DEVICE == "cpu"
    and triton.__version__ < "3.7"
    and np.lib.NumpyVersion(np.__version__) >= "2.5.0"
):
    pytest.skip("Triton 3.6's interpreter has no loops with NumPy 2.5", allow_module_level=True)

from gta.blocks import frames_kernel  # noqa: E402
from gta.blocks.mix_kernel import launch_correlate, launch_mix  # noqa: E402
from gta.blocks.wide_sum_kernel import launch  # noqa: E402


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, device=DEVICE, dtype=torch.float16)


def exact(pair: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor] | None:
    return pair and (pair[0].double(), pair[1].double())


def assert_near(found: Tensor, wanted: Tensor):
    assert found.shape == wanted.shape
    assert (found - wanted).norm() / wanted.norm() < 2e-3


@pytest.mark.parametrize(
    ("F", "N", "C", "K", "S"),
    [(3, 70, 130, 20, 16), (2, 5, 8, 1, 1), (1, 65, 60, 360, 7), (2, 300, 136, 200, 90)],
)
@pytest.mark.parametrize("parts", ["a", "p", "ap", "apb", "b", ""])
def test_wide_sum(F: int, N: int, C: int, K: int, S: int, parts: str):
    x = draw(F, N, C)
    bias = torch.randn(C, device=DEVICE) if "b" in parts else None
    # neither contiguous nor aligned
    tokens = (draw(F * N, K + 3)[:, 3:], draw(C, K).t()) if "a" in parts else None
    frames = (draw(F, S, N).transpose(1, 2), draw(F, S, C)) if "p" in parts else None
    found = launch(x, bias, *(tokens or (None, None)), *(frames or (None, None)))
    assert_near(found, plain_sum(x.double(), bias, exact(tokens), exact(frames)))


@pytest.mark.parametrize(
    ("B", "T", "N", "G", "D"),
    [(2, 8, 9, 8, 16), (1, 3, 21, 5, 8), (1, 40, 3, 2, 8), (1, 1, 1, 1, 8)],
)
def test_mixing(B: int, T: int, N: int, G: int, D: int):
    matrix, heads = draw(G, T, G, T), draw(B, T, N, G * D)
    value = draw(B, T, N, G * D + 16)[..., 16:]
    turned = matrix.permute(2, 3, 0, 1)
    assert_near(launch_mix(matrix, value), plain_mix(matrix.double(), value.double()))
    assert_near(launch_mix(turned, heads), plain_mix(turned.double(), heads.double()))
    assert_near(
        launch_correlate(heads, value, G, G), plain_correlate(heads.double(), value.double(), G, G)
    )


@pytest.mark.parametrize(
    ("B", "T", "N", "D", "G"),
    [(2, 8, 11, 32, 1), (1, 3, 25, 32, 2), (1, 16, 5, 64, 4), (1, 1, 2, 16, 1), (1, 64, 2, 16, 1)],
)
@pytest.mark.parametrize("embedded", [True, False])
def test_attention_along_time(B: int, T: int, N: int, D: int, G: int, embedded: bool):
    wide, upstream = draw(B, T, N, 3 * D), draw(B, T, N, D)
    position = torch.randn(T, D, device=DEVICE) if embedded else None
    wanted = position.double() if position is not None else None
    assert_near(
        frames_kernel.launch(wide, position, G, 0.3),
        plain_forward(wide.double(), wanted, G, 0.3),
    )
    assert_near(
        frames_kernel.launch_backward(wide, position, upstream, G, 0.3),
        plain_backward(wide.double(), wanted, upstream.double(), G, 0.3),
    )
