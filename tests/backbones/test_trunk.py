import copy
import threading
import time
from functools import partial

import pytest
import torch
from torch import nn

from gta.backbones import HeadEnsemble, TrunkNetwork
from gta.backbones.clip_head import ClipHead, RunningNormalization, normalize_clip
from gta.backbones.head_ensemble import heads_in_threads
from gta.backbones.heads_in_threads import Threads
from gta.blocks import TAPE, GlobalTemporalAttention, NonLocal
from gta.config import TrunkModel
from gta.models import build


def small_network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)),
    )


def trunk(**options) -> TrunkNetwork:
    torch.manual_seed(0)
    given = {"num_frames": 4, "after": "2", "pool": 2}
    of_trunk = given | {name: options.pop(name) for name in given if name in options}
    head = partial(ClipHead, num_classes=4, **{"width": 16} | options)
    return TrunkNetwork(small_network(), head, **of_trunk)


def clips() -> torch.Tensor:
    return torch.randn(2, 3, 4, 32, 24, generator=torch.Generator().manual_seed(1))


def test_features_give_the_logits_of_their_clips():
    model = trunk().eval()
    features = model.features(clips())
    assert features.shape == (2, 8, 4, 2, 2)
    assert torch.equal(model(features), model(clips()))


def test_they_are_the_map_averaged_to_a_grid():
    model = trunk().eval()
    frame = model.network[:3](clips()[1, :, 2][None])  # 16 x 12
    expected = frame.unflatten(2, (2, 8)).unflatten(4, (2, 6)).mean((3, 5))[0]
    torch.testing.assert_close(model.features(clips())[1, :, 2], expected)


def test_a_frozen_trunk_stays_as_it_is():
    model = trunk()
    model.freeze()
    before = copy.deepcopy(model.trunk_state())
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1.0)
    model.train()(clips()).square().sum().backward()
    optimizer.step()
    assert all(torch.equal(value, before[key]) for key, value in model.trunk_state().items())
    head = model.inserted["head"]
    assert all(p.grad is not None for p in head.parameters())


def test_an_unfrozen_one_learns_and_what_comes_after_it_is_left_alone():
    model = trunk()
    model.train()(clips()).square().sum().backward()
    assert model.network[0].weight.grad is not None
    assert model.unused == ["3.2"]
    assert not any(p.requires_grad for p in model.network[3].parameters())
    assert not any(key.startswith("3.") for key in model.trunk_state())


def test_a_copy_has_hooks_of_its_own():
    model = trunk().eval()
    copied = copy.deepcopy(model)
    nn.init.zeros_(model.network[0].weight)
    assert not torch.equal(copied.features(clips()), model.features(clips()))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"after": "7"}, "there is no module '7' in the network"),
        ({"after": "3"}, "module '3' returns no feature map"),
        ({"pool": 0}, "pool must be at least 1"),
        ({"reader": "last"}, "there is no reader='last': reader must be one of 'mean', 'order'"),
        ({"normalize": "all"}, "there is no normalize='all'"),
    ],
)
def test_what_cannot_be(options: dict, words: str):
    with pytest.raises(ValueError, match=words):
        trunk(**options)


def test_clip_normalization_by_loops():
    x = torch.randn(2, 3, 4, 2, 5, dtype=torch.float64) * 3 + 7
    normalized = normalize_clip(x, "clip")
    for b in range(2):
        for c in range(3):
            every = x[b, c].flatten()
            mean = sum(every.tolist()) / len(every)
            deviation = (sum((v - mean) ** 2 for v in every.tolist()) / len(every) + 1e-5) ** 0.5
            torch.testing.assert_close(normalized[b, c], (x[b, c] - mean) / deviation)
    assert torch.equal(normalize_clip(x, "none"), x)
    assert normalize_clip(x, "time").mean(2).abs().max() < 1e-12


@pytest.mark.parametrize("how", ["clip", "time"])
def test_half_precision_is_normalized_in_float32(how):
    """Means far from 0 are taken away before digits are."""
    x = (torch.randn(2, 8, 4, 3, 3) + 10).bfloat16()
    exact = normalize_clip(x.double(), how)
    assert normalize_clip(x, how).dtype == torch.bfloat16
    for found in (normalize_clip(x, how), RunningNormalization(how, 4)(x)[:, :, -1:]):
        wanted = exact[:, :, -found.shape[2] :]
        assert (found.double() - wanted).norm() / wanted.norm() < 0.004


def test_statistics_of_half_precision_are_taken_in_float32():
    """The deviation of means over time that differ in their last digits alone."""
    torch.manual_seed(0)
    x = (1 + 0.02 * torch.randn(64, 8, 4, 1, 1) + 0.3 * torch.randn(64, 8, 4, 6, 6)).bfloat16()
    head = ClipHead(8, 4, 3, width=16, statistics=True)
    exact = copy.deepcopy(head).double()
    seen = list[torch.Tensor]()
    for one in (head.bfloat16(), exact):
        one.statistics.register_forward_pre_hook(lambda _, given: seen.append(given[0].double()))
    head(x), exact(x.double())
    deviations, wanted = (raw[:, 8:] for raw in seen)
    assert (deviations - wanted).norm() / wanted.norm() < 0.004


def test_it_is_the_same_for_a_darker_clip():
    x = torch.randn(1, 3, 4, 2, 2)
    torch.testing.assert_close(normalize_clip(0.3 * x + 2, "clip"), normalize_clip(x, "clip"),
                               atol=1e-3, rtol=1e-3)  # fmt: skip


def head(**options) -> ClipHead:
    torch.manual_seed(0)
    made = ClipHead(8, 4, 3, width=16, **options).eval()
    for module in made.modules():
        if isinstance(module, nn.BatchNorm3d):  # blocks start as the identity
            nn.init.ones_(module.weight)
    return made


@pytest.mark.parametrize(
    ("options", "blind"),
    [
        ({}, True),
        ({"statistics": True}, True),
        ({"blocks": [NonLocal]}, True),
        ({"reader": "order"}, False),
        ({"reader": "gru"}, False),
        ({"reader": "mixing"}, False),
        ({"blocks": [TAPE]}, False),
        ({"blocks": [lambda c, t: GlobalTemporalAttention(c, t, groups=2)]}, False),
    ],
)
def test_which_heads_see_the_order_of_frames(options: dict, blind: bool):
    made, x = head(**options), torch.randn(2, 8, 4, 2, 2)
    same = torch.allclose(made(x), made(x.flip(2)), atol=1e-5)
    assert same is blind


def test_statistics_bring_back_what_normalization_takes():
    x = torch.randn(2, 8, 4, 2, 2)
    torch.testing.assert_close(head()(2 * x + 1), head()(x), atol=1e-3, rtol=1e-3)
    made = head(statistics=True)
    assert not torch.allclose(made(2 * x + 1), made(x), atol=1e-2)


def test_another_number_of_frames():
    with pytest.raises(ValueError, match="this model was built for 4 frames, got 6"):
        head(reader="order")(torch.randn(1, 8, 6, 2, 2))
    assert head(reader="gru")(torch.randn(1, 8, 6, 2, 2)).shape == (1, 3)


def test_blocks_after_a_bottleneck_see_fewer_channels():
    head = ClipHead(8, 4, 3, blocks=[GlobalTemporalAttention], bottleneck=32, width=16).eval()
    x = torch.randn(2, 8, 4, 2, 2)
    block = head.blocks[0]
    assert isinstance(block, GlobalTemporalAttention)
    assert block.channels == 32
    assert head.bottleneck is not None
    rows = head.bottleneck(normalize_clip(x, "clip").movedim(1, -1))
    plain = ClipHead(32, 4, 3, blocks=[GlobalTemporalAttention], width=16, normalize="none").eval()
    plain.load_state_dict(
        {k: v for k, v in head.state_dict().items() if not k.startswith("bottleneck")}
    )
    torch.testing.assert_close(head(x), plain(rows.movedim(-1, 1)))


def test_an_ensemble_is_the_mean_of_its_heads():
    make = partial(ClipHead, num_classes=3, width=16)
    ensemble = HeadEnsemble(8, 4, make=make, count=3)
    x = torch.randn(2, 8, 4, 2, 2)
    each = [head(x) for head in ensemble.heads]
    assert len({float(one[0, 0].detach()) for one in each}) == 3  # they start apart
    torch.testing.assert_close(ensemble(x), (each[0] + each[1] + each[2]) / 3)
    assert ensemble.normalized(x) is not None  # once for all heads
    causal = HeadEnsemble(8, 4, make=partial(make, causal=True), count=2)
    assert causal.normalized(x) is None  # a head keeps the frames before
    with pytest.raises(ValueError, match="count must be at least 1, got 0"):
        HeadEnsemble(8, 4, make=make, count=0)


def test_heads_of_a_recipe():
    model = TrunkModel(network="timm/resnet18", after="layer1", bottleneck=16, heads=2)
    pytest.importorskip("timm")
    network = build(model, num_classes=3, num_frames=4)
    assert isinstance(network, TrunkNetwork)
    head = network.inserted["head"]
    assert isinstance(head, HeadEnsemble)
    assert len(head.heads) == 2
    assert all(isinstance(one, ClipHead) and one.bottleneck is not None for one in head.heads)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_heads_in_threads_give_the_same_logits_and_gradients(count: int):
    options = {"width": 16, "bottleneck": 32, "blocks": [GlobalTemporalAttention]}
    make = partial(ClipHead, num_classes=3, **options)
    ensemble = HeadEnsemble(16, 4, make=make, count=3)
    for one in ensemble.heads:
        one.classifier.requires_grad_(one is not ensemble.heads[1])
    x, other = torch.randn(5, 16, 4, 2, 2), torch.randn(70, 16, 4, 2, 2)  # three parts
    found = []
    for threads in (1, count):
        with heads_in_threads(nn.Sequential(ensemble), threads):
            logits = ensemble.train()(x)
            ensemble.zero_grad()
            logits.square().sum().backward()
            with torch.inference_mode():
                scored = ensemble.eval()(other)
        assert ensemble.threads is None
        found.append([logits, scored, *(p.grad for p in ensemble.parameters())])
        assert not scored.requires_grad
        torch.testing.assert_close(scored, ensemble(other))
    for ours, theirs in zip(*found, strict=True):
        assert ours is theirs if ours is None else torch.equal(ours, theirs)


def test_threads_make_each_call_once_and_pass_on_an_error():
    threads = Threads(3)
    made: list[int] = []

    def call(i: int) -> int:
        made.append(i)
        if i == 40:
            raise ValueError("the fortieth")
        return i * i

    calls = [partial(call, i) for i in range(40)]
    assert threads.each(calls) == [i * i for i in range(40)]
    assert sorted(made) == list(range(40))
    assert threads.each([]) == []
    with pytest.raises(ValueError, match="the fortieth"):
        threads.each([*calls, partial(call, 40)])
    threads.close()


def test_after_an_error_threads_begin_nothing_more():
    threads, failed, made = Threads(2), threading.Event(), list[int]()

    def call(i: int) -> None:
        made.append(i)
        if i == 0:
            failed.set()
            raise ValueError("the first")
        assert failed.wait(10)
        time.sleep(0.02)  # until the other thread has seen it

    with pytest.raises(ValueError, match="the first"):
        threads.each([partial(call, i) for i in range(100)])
    threads.close()
    assert len(made) < 50


def test_a_head_that_is_frozen_is_one_among_others():
    ensemble = HeadEnsemble(8, 4, make=partial(ClipHead, num_classes=3, width=16), count=2)
    ensemble.heads[1].requires_grad_(False)
    with heads_in_threads(ensemble, 2):
        ensemble(torch.randn(2, 8, 4, 2, 2)).sum().backward()
    learns = [any(p.grad is not None for p in head.parameters()) for head in ensemble.heads]
    assert learns == [True, False]


def test_heads_that_draw_or_whose_features_learn_stay_in_one_thread():
    x = torch.randn(2, 8, 4, 2, 2)
    make = partial(ClipHead, num_classes=3, width=16)
    for dropout, of_features in ((0.5, False), (0.0, True)):
        ensemble = HeadEnsemble(8, 4, make=partial(make, dropout=dropout), count=2)
        given, of_thread = x.clone().requires_grad_(of_features), set[int]()
        for one in ensemble.heads:
            one.register_forward_hook(lambda *_, seen=of_thread: seen.add(threading.get_ident()))
        with heads_in_threads(ensemble, 2):
            ensemble(given).sum().backward()
        assert of_thread == {threading.get_ident()}
        assert (given.grad is None) != of_features
