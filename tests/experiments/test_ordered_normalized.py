"""Clip normalization before the blocks of a whole network."""

import torch

from gta.backbones.clip_head import normalize_clip
from gta.recipes import find_recipe, read_recipe


def test_blocks_see_normalized_features(ours):
    recipe = read_recipe(find_recipe("ordered", "tiny_gta"))
    model = ours.ordered_normalized.normalized_network(recipe, 3)
    seen = dict[str, tuple[torch.Tensor, torch.Tensor]]()
    for name, place in model.inserted.items():
        before, *blocks = place
        before.register_forward_hook(lambda _, args, out, n=name: seen.update({n: (args[0], out)}))
        assert len(blocks) == 2  # SA and GTA
    assert model(torch.randn(2, 3, 8, 32, 32)).shape == (2, 3)
    assert list(seen) == ["res3_0", "res4_0"]
    for given, made in seen.values():
        torch.testing.assert_close(made, normalize_clip(given, "clip"))


def test_the_table_has_a_line_for_each_way(ours):
    ways = ours.ordered_normalized.WAYS
    found = [{"features": way, "seed": 0, "top1": 0.5} for way in ways]
    table = ours.ordered_normalized.normalized_table(found)
    assert [line.split("|")[1].strip() for line in table.splitlines()[2:]] == list(ways)
    assert "| 1 | 50.0 (47 to 53) |" in table
