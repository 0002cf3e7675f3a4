"""Other starts of the matrix, other ways for a block to join."""

import importlib
from dataclasses import replace

import pytest
import torch


def test_starts_of_the_matrix(ours, small):
    def matrices(how: str) -> list[torch.Tensor]:
        torch.manual_seed(0)
        model = small.network()
        ours.training.initialise(model, how)
        return [p.detach() for name, p in model.named_parameters() if name.endswith(".matrix")]

    assert len(matrices("normal")) == 4  # pixels and regions, at two places
    for normal, small_one, identity in zip(
        *map(matrices, ("normal", "small", "identity")), strict=True
    ):
        torch.testing.assert_close(small_one, 0.1 * normal)
        value = torch.randn(2, 8, 5, 16)
        mix = importlib.import_module("gta.blocks.channel_groups").mix_groups
        if identity.shape[0] == 8:
            torch.testing.assert_close(mix(identity, value), value)
    with pytest.raises(ValueError, match="matrix_init='zero' is not possible; it is normal, small"):
        matrices("zero")


JOINS = ("zero", "one", "layer", "none", "shared", "before", "around", "parallel", "clip")


@pytest.mark.parametrize("join", JOINS)
def test_a_block_can_join_its_network_in_other_ways(ours, small, join: str):
    def network(model, join: str):
        torch.manual_seed(0)
        settings = replace(small.settings, join=join)
        return ours.settings.Job(model, settings, small.data, 0).network(8)

    clip = torch.randn(2, 3, 8, 64, 64)
    model = network(small.model, join)
    plain = small.model.model_copy(update={"blocks": (), "placement": {}})
    without = network(plain, "zero")
    without.load_state_dict(
        {name: one for name, one in model.state_dict().items() if "inserted" not in name}
    )
    logits = model.eval()(clip)
    identity = (logits - without.eval()(clip)).abs().max() < 1e-4
    assert identity == (join not in ("one", "clip"))  # when it is inserted
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    for _ in range(4):  # W_O or a norm at zero opens first, then what is behind it
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model.train()(clip), torch.tensor([0, 1])).backward()
        optimizer.step()
    inserted = dict(model.inserted.named_parameters())
    still = [name for name, one in inserted.items() if not one.grad.abs().max() > 0]
    assert all(name.endswith("output.bias") for name in still)  # which a norm takes off again
    difference = (model.eval()(clip.flip(2)) - model(clip)).abs().max().item()
    assert difference > 1e-4  # it sees the order


def test_ways_to_join_that_are_not_there_are_refused(ours, small):
    wrong = replace(small, settings=replace(small.settings, join="two"))
    with pytest.raises(ValueError, match="join='two' is not possible; it is one of zero, one,"):
        wrong.network()
