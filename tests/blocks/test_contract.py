"""What every block promises: shape, identity on insertion, gradients, batch, precision, sizes."""

import pytest
import torch
from torch import nn

from .blocks_under_test import ALL, CHANNELS, ORDER_AWARE, ORDER_BLIND, Make
from .random_weights import random_clip, randomize, relative_error

every_block = pytest.mark.parametrize("make", ALL.values(), ids=ALL.keys())


@every_block
@pytest.mark.parametrize("training", [False, True])
def test_the_shape_is_kept(make: Make, training: bool):
    block = randomize(make(3)).train(training)
    assert block(random_clip(2, CHANNELS, 3, 5, 4)).shape == (2, CHANNELS, 3, 5, 4)


@every_block
@pytest.mark.parametrize("training", [False, True])
def test_a_new_block_is_the_identity_and_so_is_its_gradient(make: Make, training: bool):
    block = make(3).train(training)
    x = random_clip(2, CHANNELS, 3, 5, 4).float().requires_grad_()
    y = block(x)
    assert torch.equal(y, x)
    probe = random_clip(*x.shape, seed=2).float()
    y.backward(probe)
    assert x.grad is not None
    assert torch.equal(x.grad, probe)


@every_block
@pytest.mark.parametrize("training", [False, True])
def test_a_new_block_can_leave_the_identity(make: Make, training: bool):
    """The last layer starts at zero, but its gradient does not."""
    torch.manual_seed(0)  # GloRe's few nodes of this size can all be negative
    block = make(3).train(training)
    x = random_clip(2, CHANNELS, 3, 5, 4).float()
    (block(x) * random_clip(*x.shape, seed=2)).sum().backward()
    last = [m for m in block.modules() if isinstance(m, (nn.BatchNorm3d, nn.GroupNorm, nn.Linear))]
    closed = [layer.weight for layer in last if not layer.weight.any()]
    assert closed
    for weight in closed:
        assert weight.grad is not None
        assert weight.grad.any()


@every_block
def test_gradients_reach_every_parameter(make: Make):
    block = randomize(make(3)).eval()  # batch statistics would cancel the output's bias
    x = random_clip(2, CHANNELS, 3, 5, 4).requires_grad_()
    (block(x) * random_clip(*x.shape, seed=2)).sum().backward()
    for name, tensor in [("x", x), *block.named_parameters()]:
        assert tensor.grad is not None, name
        assert tensor.grad.isfinite().all(), name
        if not cancelled(name, make):
            assert tensor.grad.abs().max() > 1e-6, name


def cancelled(name: str, make: Make) -> bool:
    """A softmax ignores what is added to all scores, CGNL's norm what a group is scaled by."""
    name = name.removeprefix("block.")
    if make is ALL["CGNL"] and name in ("key.weight", "value.weight"):
        return True
    if name.endswith("key.bias"):
        return make is not ALL["NL dot product"]
    if name == "mask.bias":
        return True
    return name == "assign.bias" and make is ALL["GTA softmax over positions"]


@every_block
@pytest.mark.parametrize("training", [False, True])
def test_gradients_equal_finite_differences(make: Make, training: bool):
    block = randomize(make(2)).train(training)
    names, parameters = zip(*block.named_parameters(), strict=True)
    buffers = {name: b.clone() for name, b in block.named_buffers()}

    def run(x: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        state = dict(zip(names, values, strict=True))
        fresh = {name: b.clone() for name, b in buffers.items()}  # training updates them in place
        return torch.func.functional_call(block, state | fresh, (x,))

    values = tuple(p.detach().clone().requires_grad_() for p in parameters)
    x = random_clip(2, CHANNELS, 2, 2, 3).requires_grad_()
    assert torch.autograd.gradcheck(run, (x, *values), fast_mode=True, atol=1e-6, rtol=1e-5)


@every_block
def test_a_row_of_a_batch_is_the_row_alone(make: Make):
    block = randomize(make(3)).eval()
    x = random_clip(3, CHANNELS, 3, 5, 4)
    y = block(x)
    for i in range(3):
        assert relative_error(block(x[i : i + 1]), y[i : i + 1]) <= 1e-12


@every_block
def test_bfloat16_by_autocast(make: Make):
    block = randomize(make(3)).float().eval()
    x = random_clip(2, CHANNELS, 3, 5, 4).float()
    with torch.autocast("cpu", torch.bfloat16):
        y = block(x)
    assert y.dtype == torch.float32  # the residual keeps its precision
    assert y.isfinite().all()
    assert 1e-5 < relative_error(y, block(x)) < 0.05


@every_block
@pytest.mark.parametrize("training", [False, True])
def test_bfloat16_weights(make: Make, training: bool):
    block = randomize(make(3)).float().train(training)
    x = random_clip(2, CHANNELS, 3, 5, 4).float()
    expected = block(x)
    y = block.bfloat16()(x.bfloat16())
    assert y.dtype == torch.bfloat16
    assert y.isfinite().all()
    assert relative_error(y.float(), expected) < 0.05


@every_block
def test_height_and_width_are_free(make: Make):
    block, fresh = randomize(make(3)).eval(), randomize(make(3)).eval()
    for height, width in ((4, 4), (7, 5), (1, 1), (1, 6), (3, 1), (2, 9)):
        x = random_clip(2, CHANNELS, 3, height, width)
        y = block(x)
        assert y.shape == x.shape
    assert torch.equal(y, fresh(x))  # nothing was remembered of the sizes before


@pytest.mark.parametrize("make", ORDER_BLIND.values(), ids=ORDER_BLIND.keys())
def test_nl_sa_and_ta_take_any_number_of_frames(make: Make):
    built_for_3, built_for_5 = randomize(make(3)).eval(), randomize(make(5)).eval()
    x = random_clip(2, CHANNELS, 5, 4, 4)
    assert torch.equal(built_for_3(x), built_for_5(x))


@pytest.mark.parametrize("make", ORDER_AWARE.values(), ids=ORDER_AWARE.keys())
@pytest.mark.parametrize("frames", [3, 6])
def test_tape_and_gta_refuse_another_number_of_frames(make: Make, frames: int):
    block = make(4)
    with pytest.raises(ValueError, match="frames") as error:
        block(torch.zeros(1, CHANNELS, frames, 2, 2))
    assert str(error.value) == (
        f"this model was built for 4 frames, got {frames}: give it clips of 4 frames, or build "
        f"it with num_frames={frames}"
    )


@every_block
def test_the_same_seed_makes_the_same_block(make: Make):
    torch.manual_seed(0)
    first = make(3).state_dict()
    torch.manual_seed(0)
    second = make(3).state_dict()
    torch.manual_seed(1)
    third = make(3).state_dict()
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], third[name]) for name in first)


@every_block
def test_the_state_dict_is_all_there_is(make: Make):
    block, other = randomize(make(3), seed=0).eval(), randomize(make(3), seed=1).eval()
    x = random_clip(2, CHANNELS, 3, 5, 4)
    assert not torch.equal(other(x), block(x))
    other.load_state_dict(block.state_dict(), strict=True)
    assert torch.equal(other(x), block(x))
