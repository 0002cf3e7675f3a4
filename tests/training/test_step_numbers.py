"""One update, on a CPU: equal to the plain one, and leaving no trace of a bad gradient."""

import pytest
import torch

from gta.config import Augment, Train
from gta.training.average import averaged_model, follow
from gta.training.mixing import Mixing
from gta.training.optimizer import is_fused
from gta.training.statistics import Statistics

from .plain_step import CLASSES, Small, batches, make, plainly, states


@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize("ema", [0.0, 0.9])
@pytest.mark.parametrize("mix", [0.0, 0.4])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_step_is_the_plain_one_to_the_bit(optimizer, mix, ema, accumulate):
    train = Train(
        optimizer=optimizer, ema=ema, accumulate=accumulate, clip_norm=0.5, label_smoothing=0.1
    )
    mixing = Mixing(Augment(mixup=mix, cutmix=mix), CLASSES)
    found, ends = batches(10, 6, 6, 5), []
    plain = make(train, mixing=mixing)
    totals = plainly(plain, found)
    ends.append(states(plain))
    step = make(train, mixing=mixing)
    ours = [step(batch, 0, number, len(found)) for number, batch in enumerate(found)]
    ends.append(states(step))
    assert all(torch.equal(a, b[:3]) for a, b in zip(totals, ours, strict=True))
    assert all(one[3] == 0 for one in ours)
    assert ends[0].keys() == ends[1].keys()
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


@pytest.mark.parametrize("clip_norm", [None, 1.0])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_gradient_that_is_not_finite_changes_nothing(optimizer, fused, first, clip_norm):
    train = Train(optimizer=optimizer, ema=0.9, clip_norm=clip_norm, accumulate=2)
    step = make(train, fused=fused)
    assert is_fused(step.optimizer) == fused
    good, bad, after = batches(3, 6)
    poison = torch.ones(())
    step.model.get_parameter("fc.weight").register_hook(lambda gradient: gradient * poison)
    if not first:
        assert step(good, 0, 0, 3)[3] == 0
    before = states(step)
    for value in (torch.inf, torch.nan):
        poison.fill_(value)
        loss, _, clips, left_out = step(bad, 0, 1, 3).tolist()
        assert (clips, left_out) == (6, 1)
        assert loss > 0
        now = states(step)
        assert {k: v for k, v in now.items() if not torch.equal(v, before.get(k, v * 0))} == {}
    poison.fill_(1)
    assert step(after, 0, 2, 3)[3] == 0
    left = make(train, fused=fused)  # which never met the bad batch
    for number, batch in [] if first else [(0, good)]:
        left(batch, 0, number, 3)
    left(after, 0, 2, 3)
    without, trained = states(left), states(step)
    assert all(torch.equal(without[key], trained[key]) for key in without)


def test_a_step_depends_on_tensors_alone():
    """A graph of it, which has no Python, would do the same again."""
    train = Train(optimizer="sgd", ema=0.9, accumulate=2)
    steps = [make(train, dropout=0.0, fused=True, rate=lambda moment: 0.05) for _ in range(2)]
    found = batches(4, 6)
    for number, batch in enumerate(found):
        steps[0](batch, 0, number, 4)
    clips, labels = found[0].clips.clone(), found[0].labels.clone()
    for group in steps[1].optimizer.param_groups:
        group["lr"].fill_(0.05)
    for batch in found:
        clips.copy_(batch.clips)
        labels.copy_(batch.labels)
        steps[1]._whole(clips, labels, labels)
    ends = states(steps[0]), states(steps[1])
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


@pytest.mark.parametrize("decay", [0.5, 0.99])
def test_the_average_on_a_device_is_torchs(decay):
    model = Small()
    ours, theirs = averaged_model(model, decay), averaged_model(model, decay)
    never, always = torch.tensor(False), torch.tensor(True)
    follow(ours, model, decay, always)
    assert ours.n_averaged == 0
    for _ in range(3):
        for tensor in (*model.parameters(), model.norm.running_mean):
            tensor.data.add_(torch.randn_like(tensor))
        follow(ours, model, decay, never)
        theirs.update_parameters(model)
        follow(ours, model, decay, always)
        for name, value in theirs.state_dict().items():
            torch.testing.assert_close(ours.state_dict()[name], value)


def test_statistics_of_layers_in_evaluation_are_not_kept():
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(2), torch.nn.BatchNorm1d(2))
    model[0].eval()
    statistics = Statistics(model)
    for count in (3, 0, 3):  # the mode is that of the moment
        model[1].train(count > 0)
        statistics.keep()
        assert sum(map(len, statistics.groups.values())) == count


def test_statistics_are_put_back_where_it_is_said():
    model = torch.nn.Sequential(Small(), torch.nn.GroupNorm(2, CLASSES))
    model.register_buffer("other", torch.zeros(2))
    statistics = Statistics(model)
    statistics.keep()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model(torch.randn(2, 3, 4, 16, 16))
    after = {k: v.clone() for k, v in model.state_dict().items()}
    changed = {k for k in before if not torch.equal(before[k], after[k])}
    assert {key.rpartition(".")[2] for key in changed} == {
        *("running_mean", "running_var", "num_batches_tracked"),
    }
    for where, expected in ((False, after), (True, before)):
        statistics.put_back(torch.tensor(where))
        found = model.state_dict()
        assert all(torch.equal(found[key], expected[key]) for key in expected)
