"""Fused functions against the plain calls that they stand for: outputs, gradients, statistics."""

import copy
from collections.abc import Callable, Sequence
from statistics import median

import pytest
import torch
from torch import nn

from gta.blocks import GlobalTemporalAttention, GloRe, NonLocal, SpatialAttention
from gta.blocks.features import Projection, from_rows, to_rows
from gta.blocks.fused.add_normalized import add_normalized
from gta.blocks.fused.parts import fuses, unfused

from .blocks_under_test import ALL, Make
from .random_weights import opened, randomize


def run(block: nn.Module, x: torch.Tensor):
    x = x.clone().requires_grad_()
    y = block(x)
    upstream = torch.randn(y.shape, generator=torch.Generator().manual_seed(9)).to(y)
    y.backward(upstream)
    gradients = {name: p.grad for name, p in block.named_parameters()}
    return y.detach(), x.grad, gradients, dict(block.named_buffers())


def run_unfused(block: nn.Module, x: torch.Tensor):
    with unfused():
        return run(copy.deepcopy(block), x)


@pytest.mark.parametrize("make", ALL.values(), ids=ALL.keys())
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("H", "W"), [(6, 8), (7, 9), (1, 3)])
def test_equals_the_plain_calls(make: Make, training: bool, H: int, W: int):
    block = randomize(make(3)).train(training)
    x = torch.randn(2, 16, 3, H, W, dtype=torch.float64) + 1
    expected, fused = run_unfused(block, x), run(block, x)
    for wanted, got in zip(expected[:2], fused[:2], strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-9, atol=1e-9)
    for wanted, got in zip(expected[2:], fused[2:], strict=True):
        assert wanted.keys() == got.keys()
        for name in wanted:
            torch.testing.assert_close(got[name], wanted[name], rtol=1e-8, atol=1e-8, msg=name)


@pytest.mark.parametrize("make", ALL.values(), ids=ALL.keys())
def test_inference_with_the_normalization_in_the_weights(make: Make):
    block = randomize(make(3)).eval()
    x = torch.randn(2, 16, 3, 5, 4, dtype=torch.float64)
    with torch.inference_mode(), unfused():
        expected = block(x)
    with torch.inference_mode():
        torch.testing.assert_close(block(x), expected, rtol=1e-10, atol=1e-10)


LAYOUTS = {
    "planes of samples": lambda x: x.contiguous(),
    "planes of frames": lambda x: x.transpose(1, 2).contiguous().transpose(1, 2),
    "rows": lambda x: x.contiguous(memory_format=torch.channels_last_3d),
    "sliced": lambda x: x.repeat(1, 1, 1, 1, 2)[..., : x.shape[4]],
    "any": lambda x: x.permute(4, 1, 0, 3, 2).contiguous().permute(2, 1, 4, 3, 0),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(2, 4, 2, 3, 5), (1, 5, 1, 1, 6), (2, 1, 3, 1, 1)])
def test_rows_and_back(layout: str, shape: tuple[int, ...]):
    """Values, layouts and gradients, also of gradients."""
    x = LAYOUTS[layout](torch.randn(shape, dtype=torch.float64)).requires_grad_()
    rows = to_rows(x)
    assert torch.equal(rows, x.movedim(1, -1))
    assert rows.is_contiguous()
    y = from_rows(rows * rows, like=x)
    assert torch.equal(y, x * x)
    if layout != "sliced":
        assert y.stride() == x.stride() or 1 in shape
    for check in (torch.autograd.gradcheck, torch.autograd.gradgradcheck):
        assert check(lambda x: from_rows(to_rows(x) ** 3, like=x), x, fast_mode=True)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_memory_layout(layout: str):
    block = randomize(GlobalTemporalAttention(16, 3, groups=2)).float()
    x = torch.randn(2, 16, 3, 5, 7)
    given = LAYOUTS[layout](x)
    expected, fused = run_unfused(block, x), run(block, given)
    torch.testing.assert_close(fused[0], expected[0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(fused[1], expected[1], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", [name for name in ALL if not name.endswith("in time")])
def test_channels_last_memory_is_kept(name: str):
    x = torch.randn(2, 16, 3, 5, 7).contiguous(memory_format=torch.channels_last_3d)
    assert ALL[name](3)(x).is_contiguous(memory_format=torch.channels_last_3d)


def test_the_average_over_all_batches():
    """Batch normalization with momentum None, as `update_bn` sets it."""
    fused = randomize(NonLocal(16, 3))
    fused.norm.momentum = None
    fused.norm.reset_running_stats()
    plain = copy.deepcopy(fused)
    for seed in range(3):
        draw = torch.Generator().manual_seed(seed)
        x = torch.randn(2, 16, 3, 4, 4, generator=draw, dtype=torch.float64) * (1 + seed)
        run(fused, x)
        with unfused():
            run(plain, x)
    assert fused.norm.num_batches_tracked == 3
    torch.testing.assert_close(fused.norm.running_mean, plain.norm.running_mean)
    torch.testing.assert_close(fused.norm.running_var, plain.norm.running_var)


@pytest.mark.parametrize("make", [SpatialAttention, NonLocal, GlobalTemporalAttention])
def test_bfloat16_is_as_near_as_the_plain_calls(make):
    block = randomize(make(64, 3))
    x = torch.randn(2, 64, 3, 6, 8)
    exact = run_unfused(block, x.double())
    half = copy.deepcopy(block).bfloat16()
    errors = [
        [
            float((f.double() - e).norm() / e.norm())
            for f, e in zip(results[:2], exact, strict=False)
        ]
        for results in (run_unfused(half, x.bfloat16()), run(half, x.bfloat16()))
    ]
    for plain, fused in zip(*errors, strict=True):
        assert fused < 1.5 * plain + 0.005


NEW = [SpatialAttention, NonLocal, GlobalTemporalAttention, GloRe]
CASES = [(make, mean) for make in NEW for mean in (0, 3, 10) if (make, mean) != (GloRe, 10)]
"""Blocks and means of features; GloRe's nodes are sums over all positions: float16 ends first."""


def rounding_errors(block: nn.Module, x: torch.Tensor, run) -> dict[str, float]:
    """Relative errors of training in the type of x, against plain calls in float64.

    Of what is added to x, of all gradients and running statistics, by their names.
    """
    exact = run_unfused(copy.deepcopy(block).double(), x.double())
    with torch.autocast(x.device.type, x.dtype):
        results = run(copy.deepcopy(block).float(), x)

    def named(y, of_x, gradients, buffers) -> dict[str, torch.Tensor]:
        statistics = {name: b for name, b in buffers.items() if "running" in name}
        return {"added": y.double() - x, "x": of_x, **gradients, **statistics}

    return {
        name: float((got.double() - wanted).norm() / wanted.norm())
        for (name, wanted), got in zip(named(*exact).items(), named(*results).values(), strict=True)
        if wanted.norm() > 1e-9  # of biases that a softmax or a normalization takes away
    }


def assert_as_near(
    make: Callable[[], nn.Module],
    shape: Sequence[int],
    mean: float,
    run=run,
    dtype: torch.dtype = torch.bfloat16,
):
    """Fused functions are as near to float64 as the plain calls in half precision are.

    In the median of five draws: where digits cancel, one draw is several times as far as another.
    """
    plain, fused = list[dict](), list[dict]()
    for seed in range(5):
        torch.manual_seed(seed)
        block = opened(make())
        device = next(block.parameters()).device
        x = (torch.randn(*shape, device=device) + mean).to(dtype)
        plain.append(rounding_errors(block, x, run_unfused))
        fused.append(rounding_errors(block, x, run))
    for name in plain[0]:
        error, got = (median(one[name] for one in every) for every in (plain, fused))
        assert got < 1.7 * error + 0.005, (name, got, error)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize(("make", "mean"), CASES)
def test_autocast_is_as_near_as_the_plain_calls(make, mean: int, dtype: torch.dtype):
    assert_as_near(lambda: make(64, 3), (2, 64, 3, 6, 8), mean, dtype=dtype)


@pytest.mark.parametrize("make", ALL.values(), ids=ALL.keys())
def test_gradients_can_be_changed_in_place(make: Make):
    """Each has memory of its own: a second backward pass adds to it, clipping makes it smaller."""
    block = randomize(make(3))
    x = torch.randn(2, 16, 3, 6, 8, dtype=torch.float64)

    def changed(block: nn.Module) -> dict[str, torch.Tensor]:
        for _ in range(2):
            block(x).sin().sum().backward()
        nn.utils.clip_grad_norm_(block.parameters(), 0.5)
        return {name: p.grad for name, p in block.named_parameters() if p.grad is not None}

    with unfused():
        expected = changed(copy.deepcopy(block))
    for name, got in changed(block).items():
        torch.testing.assert_close(got, expected[name], rtol=1e-6, atol=1e-9, msg=name)


def test_running_statistics_in_half_precision_are_rounded_once():
    """Of the first batch, with momentum None, they are its own."""
    torch.manual_seed(0)
    block = opened(SpatialAttention(64, 4)).bfloat16()
    norm = block.block.norm
    norm.momentum = None
    norm.reset_running_stats()
    x = torch.randn(2, 64, 4, 8, 9).bfloat16()
    exact = copy.deepcopy(block).double()
    with unfused():
        exact(x.double())
    block(x)
    torch.testing.assert_close(
        norm.running_var.double(), exact.block.norm.running_var, rtol=0.02, atol=0
    )


@pytest.mark.parametrize("mean", [0, 3])
@pytest.mark.parametrize("make", [SpatialAttention, NonLocal, GlobalTemporalAttention])
def test_scores_by_autocast_are_as_near_as_the_plain_calls(make, mean: int):
    torch.manual_seed(0)
    x = (torch.randn(2, 64, 3, 6, 8) + mean).bfloat16()
    block = opened(make(64, 3))
    for _ in range(60):  # which are known to the running statistics then
        with unfused():
            block(x.double())
    half = copy.deepcopy(block.eval()).float()
    with torch.inference_mode():
        added = block(x.double()) - x
        with torch.autocast("cpu", torch.bfloat16):
            fused = half(x)
            with unfused():
                plain = half(x)
    error, got = (float((y.double() - x - added).norm() / added.norm()) for y in (plain, fused))
    assert got < 1.5 * error + 0.005


@pytest.mark.parametrize("make", [SpatialAttention, GlobalTemporalAttention])
def test_autocast(make):
    block = randomize(make(64, 3)).float()
    x = torch.randn(2, 64, 3, 6, 8)
    with torch.autocast("cpu", torch.bfloat16):
        assert not fuses(x)  # its type would change on the way
        assert fuses(x.bfloat16())
        y = block(x.bfloat16())
        y.sum().backward()
    assert y.dtype == torch.bfloat16
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in block.parameters())


def test_norms_that_are_not_known_are_called():
    x = torch.randn(2, 16, 3, 4, 4)
    block = NonLocal(16, 3)
    assert fuses(x, block.output, block.norm)
    assert not fuses(x, nn.SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(block)).norm)
    block.norm = nn.GroupNorm(4, 16)  # pyright: ignore
    expected = run_unfused(block, x)
    torch.testing.assert_close(run(block, x)[0], expected[0])
    untracked = nn.BatchNorm3d(16, track_running_stats=False)
    rows = x.movedim(1, -1)
    term = (torch.randn(2, 3, 4, 4, 4), Projection(4, 16), untracked)
    torch.testing.assert_close(
        add_normalized(rows, term),
        rows + untracked(term[1](term[0]).movedim(-1, 1)).movedim(1, -1),
    )


@pytest.mark.parametrize("change", ["eps", "width"])
def test_branches_that_are_not_alike(change: str):
    """Small matrices of branches are worked on together; those that do not fit are called."""
    block = randomize(GlobalTemporalAttention(16, 3, groups=2))
    if change == "eps":
        block.region.norm.eps = 0.5
    else:
        block.region.value, block.region.output = Projection(16, 8), Projection(8, 16)
        block.double()
    x = torch.randn(2, 16, 3, 6, 8, dtype=torch.float64)
    expected, fused = run_unfused(block, x), run(block, x)
    torch.testing.assert_close(fused[0], expected[0])
    torch.testing.assert_close(fused[1], expected[1])


def test_one_position_of_one_frame_of_one_clip_has_no_statistics():
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        GlobalTemporalAttention(64, 1)(torch.randn(1, 64, 1, 1, 1))


@pytest.mark.parametrize("mean", [3, 1000])
def test_a_far_off_mean_does_not_drown_the_variance(mean: int):
    """In second moments it would: float32 has seven digits."""
    attended = torch.randn(2, 4, 16, 32, 8) * 0.1 + mean
    output, norm = Projection(8, 8), nn.BatchNorm3d(8)
    wide = attended.double() @ output.weight.double().t()
    flat = wide.flatten(0, -2)
    expected = (wide - flat.mean(0)) / (flat.var(0, unbiased=False) + norm.eps).sqrt()
    fused = add_normalized(torch.zeros_like(attended), (attended, output, norm))
    # what is left is the rounding of the attended rows and their products themselves
    torch.testing.assert_close(fused, expected.float(), rtol=1e-3, atol=1e-5 * mean + 1e-3)


def test_compiles_without_a_break():
    block = randomize(
        nn.Sequential(SpatialAttention(16, 3), GlobalTemporalAttention(16, 3, groups=2))
    )
    x = torch.randn(2, 16, 3, 4, 6, dtype=torch.float64)
    expected, compiled = (
        copy.deepcopy(block),
        torch.compile(block, fullgraph=True, backend="aot_eager"),
    )
    for wanted, got in zip(run(expected, x)[:2], run(compiled, x)[:2], strict=True):
        torch.testing.assert_close(got, wanted)


def test_gradient_checkpointing():
    from torch.utils.checkpoint import checkpoint

    block = randomize(GlobalTemporalAttention(16, 3, groups=2))
    x = torch.randn(2, 16, 3, 4, 6, dtype=torch.float64)
    again = copy.deepcopy(block)
    block(x).square().sum().backward()
    checkpoint(again, x, use_reentrant=False).square().sum().backward()
    for name, parameter in block.named_parameters():
        torch.testing.assert_close(again.get_parameter(name).grad, parameter.grad, msg=name)
