"""SlowFast: its pathways, its frames, its blocks, its mistakes. Whole networks: test_golden.py."""

import copy
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gta.backbones import SlowFast, slow_fast
from gta.backbones.slow_fast import slow_indices
from gta.blocks import GlobalTemporalAttention, NonLocal, SpatialAttention

from .networks import random_clips, randomize

GTA = [SpatialAttention, partial(GlobalTemporalAttention, groups=2)]
PLACES = {"res3": [1, 3], "res4": [1, 3, 5]}


def small(**options: Any) -> SlowFast:
    return SlowFast(50, **({"num_classes": 5, "num_frames": 8, "width": 8} | options))


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("options", "expected"),
    [  # counted by building the networks of PySlowFast
        ({"depth": 50, "num_classes": 400}, 34_566_488),
        ({"depth": 50, "num_classes": 174}, 34_045_558),
        ({"depth": 101, "fusion_kernel": 5}, 62_826_968),
        ({"depth": 101, "fusion_kernel": 5, "temporal_blocks": (6, 23)}, 53_914_072),
        ({"depth": 101, "fusion_kernel": 5, "temporal_blocks": (6, 6)}, 53_774_808),
        (
            {
                "depth": 50,
                "fusion_kernel": 5,
                "blocks": [partial(NonLocal, pool="before")],
                "placement": PLACES,
            },
            41_838_680,
        ),
        (
            {
                "depth": 101,
                "fusion_kernel": 5,
                "temporal_blocks": (6, 6),
                "blocks": [partial(NonLocal, pool="before")],
                "placement": {"res4": [6, 13, 20]},
            },
            60_080_088,
        ),
    ],
)
def test_parameters_of_the_published_networks(options: dict[str, Any], expected: int):
    with torch.device("meta"):
        model = SlowFast(**({"num_classes": 400, "num_frames": 32} | options))
    assert parameters(model) == expected


def test_a_wider_fast_pathway():
    """PySlowFast's BETA_INV of 4: a quarter of the channels, twice that from each connection."""
    with torch.device("meta"):
        state = SlowFast(50, num_classes=400, num_frames=32, beta_inv=4).state_dict()
    shapes = {key: tuple(value.shape[:2]) for key, value in state.items()}
    assert shapes["fast.conv1.weight"] == (16, 3)
    assert shapes["lateral.stem.conv.weight"] == (32, 16)
    assert shapes["slow.layer1.0.conv1.weight"] == (64, 64 + 32)
    assert shapes["lateral.res4.conv.weight"] == (512, 256)
    assert shapes["slow.layer4.0.conv1.weight"] == (512, 1024 + 512)
    assert shapes["fc.weight"] == (400, 2048 + 512)
    model = randomize(small(beta_inv=4)).eval()
    assert model(random_clips(1, 3, 8, 32, 32)).shape == (1, 5)


def test_slow_frames_are_a_truncated_linspace():
    assert slow_indices(32, 4) == [0, 4, 8, 13, 17, 22, 26, 31]
    assert slow_indices(8, 8) == [0]
    assert slow_indices(64, 4)[-1] == 63
    assert len(slow_indices(64, 4)) == 16


def test_the_compiler_takes_slow_frames_as_constant():
    def marked():
        pass

    torch.compiler.assume_constant_result(marked)
    assert vars(marked).items() <= vars(slow_indices).items()


@torch.no_grad()
def test_each_pathway_sees_its_own_frames():
    model = randomize(small(num_frames=16, alpha=4)).eval()
    seen: dict[str, Tensor] = {}
    for name in ("slow", "fast"):
        model.get_submodule(f"{name}.conv1").register_forward_pre_hook(
            lambda _, inputs, name=name: seen.update({name: inputs[0]})
        )
    clips = random_clips(2, 3, 16, 32, 32)
    model(clips)
    assert torch.equal(seen["fast"], clips)
    assert torch.equal(seen["slow"], clips[:, :, [0, 5, 10, 15]])


@torch.no_grad()
def test_insertion_leaves_the_logits_as_they_were():
    plain = randomize(small()).eval()
    model = small(blocks=GTA, placement=PLACES).eval()
    keys = model.load_state_dict(plain.state_dict(), strict=False)
    assert keys.unexpected_keys == []
    assert all(key.startswith("inserted.") for key in keys.missing_keys)
    clips = random_clips(2, 3, 8, 64, 64)
    assert torch.equal(model(clips), plain(clips))
    for place in model.inserted.values():
        before = model(clips)
        randomize(place)
        assert not torch.allclose(model(clips), before, rtol=1e-3)


@torch.no_grad()
def test_any_length_and_size_without_blocks_made_for_one():
    model = randomize(small()).eval()
    for T, H, W in ((8, 64, 64), (16, 64, 64), (4, 33, 70)):
        assert model(random_clips(1, 3, T, H, W)).shape == (1, 5)


@torch.no_grad()
def test_larger_clips_are_scored_by_windows():
    model = randomize(small(window=2)).eval()
    model.fc.weight.mul_(1e-3)  # or one class would have it all
    clip = random_clips(1, 3, 8, 64, 96)
    whole = copy.deepcopy(model)
    whole.window = None
    assert not torch.allclose(model(clip).softmax(1), whole(clip).softmax(1), atol=1e-6)
    assert torch.allclose(model(clip[..., :64]), whole(clip[..., :64]), atol=1e-5)


def test_samples_do_not_touch_each_other_and_every_parameter_learns():
    torch.manual_seed(0)
    model = randomize(small(dropout=0.0, blocks=GTA, placement=PLACES))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "query" in name:
                parameter.mul_(0.01)  # or random features saturate the softmax
    clips = random_clips(2, 3, 8, 64, 64).requires_grad_()
    logits = model.eval()(clips)
    (gradient,) = torch.autograd.grad(logits[0].sum(), clips, retain_graph=True)
    assert gradient[1].abs().max() == 0
    logits.sum().backward()
    still = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert all(name.endswith("key.bias") for name in still)  # softmax ignores it


def test_residual_branches_start_at_zero():
    model = small()
    zero = {n for n, p in model.named_parameters() if not p.any()}
    assert {n for n in zero if n.endswith("weight")} == {
        f"{path}.layer{layer}.{i}.bn3.weight"
        for path in ("slow", "fast")
        for layer, length in enumerate((3, 4, 6, 3), 1)
        for i in range(length)
    }


@torch.no_grad()
def test_compiled_in_one_graph(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(slow_fast.LENGTHS, 50, (1, 2, 1, 1))  # fewer to trace
    model = randomize(small(blocks=GTA, placement={"res3": [1], "res4": [0]})).eval()
    clips = random_clips(1, 3, 8, 32, 32)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(clips), model(clips))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 18}, r"there is no SlowFast of depth 18: depths are \[50, 101\]"),
        ({"width": 12}, r"width must be a multiple of 8, got 12"),
        ({"beta_inv": 3}, r"has 1/3 of the channels: width must be a multiple of 3, got 8"),
        ({"beta_inv": 0}, r"beta_inv must be at least 1, got 0"),
        ({"fusion_kernel": 4}, r"fusion_kernel must be odd, got 4"),
        ({"dropout": 1}, r"dropout must be at least 0 and less than 1, got 1"),
        ({"window": 0}, r"window must be at least 1, got 0"),
        ({"alpha": 0}, r"alpha must be at least 1, got 0"),
        ({"num_frames": 10}, r"clips must have a multiple of 4 frames, got 10"),
        ({"temporal_blocks": (7, 6)}, r"temporal_blocks counts some of res4's 6 .*got \(7, 6\)"),
        ({"blocks": GTA, "placement": {"res4": [6]}}, r"res4 has 6 residual blocks"),
    ],
)
def test_mistakes(options: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        SlowFast(**({"depth": 50, "num_classes": 5, "num_frames": 8, "width": 8} | options))


def test_clips_of_another_length():
    model = small(blocks=GTA, placement=PLACES)
    with pytest.raises(ValueError, match=r"built for 8 frames, got 16: give it clips of 8 frames"):
        model(random_clips(1, 3, 16, 32, 32))
    with pytest.raises(ValueError, match=r"sees every 4-th frame: .*multiple of 4 frames, got 6"):
        small()(random_clips(1, 3, 6, 32, 32))
