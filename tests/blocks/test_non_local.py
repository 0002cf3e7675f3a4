"""NonLocal against the loops of Eq. 1-4."""

import numpy as np
import pytest
import torch

from gta.blocks import NonLocal
from gta.blocks.features import from_rows, pool_rows, to_rows
from gta.blocks.non_local import Affinity, Pool

from .equations import attend, max_pool, non_local, project
from .random_weights import array, random_clip, randomize, relative_error, weights_of


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("pool", ["before", "after", None])
@pytest.mark.parametrize(
    ("affinity", "scale"), [("softmax", True), ("softmax", False), ("dot_product", True)]
)
def test_equals_the_loops(affinity: Affinity, scale: bool, pool: Pool | None, training: bool):
    block = NonLocal(6, 3, pool=pool, scale=scale, affinity=affinity)
    randomize(block).train(training)
    x = random_clip(2, 6, 3, 3, 4)
    expected = non_local(
        array(x), weights_of(block), along="joint", pool=pool, normalizer=affinity, scale=scale
    )
    assert relative_error(block(x), expected) <= 1e-10


def test_pooling_before_and_after_the_projection_differ():
    """Else a test of either could pass with the other."""
    before, after = NonLocal(6, 3, pool="before").eval(), NonLocal(6, 3, pool="after").eval()
    randomize(before)
    randomize(after)
    x = random_clip(2, 6, 3, 4, 4)
    assert relative_error(before(x), after(x)) > 0.01


@pytest.mark.parametrize("pool", ["before", "after"])
@pytest.mark.parametrize("size", [(1, 4), (5, 1), (1, 1), (3, 5)])
def test_pooling_frames_of_any_size(size: tuple[int, int], pool: Pool):
    block = NonLocal(6, 2, pool=pool)
    randomize(block).eval()
    x = random_clip(2, 6, 2, *size)
    expected = non_local(array(x), weights_of(block), along="joint", pool=pool)
    assert relative_error(block(x), expected) <= 1e-10


@pytest.mark.parametrize("size", [(4, 6), (5, 7), (2, 2)])
def test_pooling_of_frames_larger_than_a_pixel_is_torchs_to_the_bit(size: tuple[int, int]):
    x = random_clip(2, 6, 2, *size).float()
    assert torch.equal(
        from_rows(pool_rows(to_rows(x))), torch.nn.functional.max_pool3d(x, (1, 2, 2))
    )


def test_dot_product_is_not_scaled():
    x = random_clip(2, 6, 3, 4, 4)
    scaled = NonLocal(6, 3, affinity="dot_product", scale=True).eval()
    unscaled = NonLocal(6, 3, affinity="dot_product", scale=False).eval()
    assert torch.equal(randomize(scaled)(x), randomize(unscaled)(x))


def test_attention_is_eq_2_with_rows_and_columns_in_the_order_t_h_w():
    block = NonLocal(6, 2, pool="after")
    randomize(block)
    x = random_clip(2, 6, 2, 5, 2)
    attention = block.attention(x)
    assert attention.shape == (2, 2 * 5 * 2, 2 * 2 * 1)
    weights = weights_of(block)
    query, key = project(array(x), weights["query"]), max_pool(project(array(x), weights["key"]))
    keys = list(key[1].reshape(3, -1).T)
    row = attend(query[1, :, 1, 3, 0], keys, list(np.eye(len(keys))))
    assert relative_error(attention[1, (1 * 5 + 3) * 2 + 0], row) <= 1e-10


def test_width_is_half_the_channels_unless_given():
    assert NonLocal(16, 8).query.out_features == 8
    assert NonLocal(16, 8, width=3).query.out_features == 3
