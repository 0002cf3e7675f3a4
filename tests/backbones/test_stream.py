"""Causal networks: frame by frame they give what they give of the whole sequence."""

from functools import partial
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from gta.backbones import FrameResNet, FrameWise, HeadEnsemble, SlowFast, TrunkNetwork
from gta.backbones.clip_head import ClipHead, RunningNormalization, normalize_clip
from gta.blocks import NonLocal, SpatialAttention, TemporalAttention
from gta.blocks.causal import MeanOfLast
from gta.blocks.gta import GlobalTemporalAttention
from gta.config import Model
from gta.cost import multiply_adds
from gta.models import MODELS, build

TINY = MODELS["tiny_gta_causal"]
LITE = MODELS["lite0_gta_causal"]
SA, GTA = MODELS["tiny_gta"].blocks
FORMS: dict[str, tuple[Model, int]] = {
    "SA and GTA": (TINY, 40),
    "pixel, one group": (
        TINY.model_copy(
            update={"blocks": (GTA.model_copy(update={"region": False, "groups": 1}),)}
        ),
        40,
    ),
    "region, three heads": (
        TINY.model_copy(update={"blocks": (GTA.model_copy(update={"pixel": False, "heads": 3}),)}),
        40,
    ),
    "TSM": (TINY.model_copy(update={"tsm": True}), 40),
    "windows of the classifier": (TINY.model_copy(update={"window": 1}), 72),
}


def drawn(model: Model, num_frames: int, dtype: torch.dtype) -> nn.Module:
    """A network in which no part is zero, in evaluation mode."""
    torch.manual_seed(0)
    network = build(model, num_classes=5, num_frames=num_frames).to(dtype).eval()
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, tensor in network.named_parameters():
            if tensor.ndim == 1 or name.startswith("fc"):
                tensor.add_(0.3 * torch.randn(tensor.shape, generator=draw, dtype=dtype))
    return network


def sequence(frames: int, size: int, dtype: torch.dtype) -> Tensor:
    draw = torch.Generator().manual_seed(2)
    return torch.randn(2, 3, frames, size, size, generator=draw, dtype=dtype)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)], ids=["64", "32"]
)
@pytest.mark.parametrize("form", FORMS)
@torch.no_grad()
def test_frame_by_frame_equals_the_whole_sequence(form: str, dtype: torch.dtype, tolerance: float):
    model, size = FORMS[form]
    network, clips, state = drawn(model, 3, dtype), sequence(8, size, dtype), None
    for t in range(8):
        logits, state = network.step(clips[:, :, t], state)
        whole = network(clips[:, :, : t + 1])
        assert (logits - whole).abs().max() <= tolerance * whole.abs().max()
        assert all(tensor.ndim <= 4 for tensor in state.values())
    assert not torch.allclose(logits, network(clips.flip(2)), rtol=1e-3)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("how", ["clip", "time", "none"])
@torch.no_grad()
def test_a_trunk_and_its_heads_frame_by_frame(how: Literal["clip", "time", "none"], count: int):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 16, 8, 8), nn.Flatten(2), Mean(), nn.Linear(16, 1))
    gta = partial(GlobalTemporalAttention, groups=2, causal=True)
    head = partial(
        ClipHead, num_classes=5, normalize=how, causal=True, blocks=[SpatialAttention, gta]
    )
    heads = head if count == 1 else partial(HeadEnsemble, make=head, count=count)
    model = TrunkNetwork(network, heads, num_frames=3, after="0")
    running = 0 if how == "none" else 2
    assert (model.receptive_field, model.delay) == (1 + running + 2 + 2, 2)
    open_norms(model.double().eval())
    clips, state = sequence(7, 32, torch.float64), None
    for t in range(7):
        logits, state = model.step(clips[:, :, t], state)
        assert torch.allclose(logits, model(clips[:, :, : t + 1]), rtol=1e-10)


@pytest.mark.slow
@torch.no_grad()
def test_lite0_frame_by_frame():
    network, clips, state = drawn(LITE, 3, torch.float32), sequence(5, 64, torch.float32), None
    for t in range(5):
        logits, state = network.step(clips[:, :, t], state)
    whole = network(clips)
    assert (logits - whole).abs().max() <= 1e-5 * whole.abs().max()


def open_norms(model: nn.Module) -> None:
    """The last normalization of blocks, which begins at zero, drawn."""
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm3d):
            nn.init.normal_(norm.weight)


@torch.no_grad()
def test_any_network_over_frames_has_a_stream():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 16, 3, 4), nn.Flatten(2), Mean(), nn.Linear(16, 5))
    blocks = [SpatialAttention, partial(GlobalTemporalAttention, groups=2, causal=True)]
    model = FrameWise(network, num_frames=4, blocks=blocks, at=["0"], causal=True).eval()
    open_norms(model)
    clips, state = sequence(6, 224, torch.float32), None
    for t in range(6):
        logits, state = model.step(clips[:, :, t], state)
    assert torch.allclose(logits, model(clips), atol=1e-5)


class Mean(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(2)


@torch.no_grad()
def test_the_first_state_is_what_none_means_and_states_are_not_changed():
    network, clips = drawn(TINY, 4, torch.float32), sequence(2, 40, torch.float32)
    network.train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    state = network.initial_state(2, 40, 40)
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())
    assert network.training
    network.eval()
    first, after = network.step(clips[:, :, 0], state)
    assert torch.equal(first, network.step(clips[:, :, 0])[0])
    assert not any(tensor.any() for tensor in state.values())
    once, again = (network.step(clips[:, :, 1], after)[0] for _ in range(2))
    assert torch.equal(once, again)


@torch.no_grad()
def test_how_far_back_it_sees_is_what_it_says():
    """T = 3: two places of GTA, and the mean over three frames; TSM adds one for each shift."""
    for update, expected in (({}, 1 + 2 + 2 + 2), ({"tsm": True}, 1 + 2 + 2 + 2 + 4)):
        network = drawn(TINY.model_copy(update=update), 3, torch.float64)
        assert (network.receptive_field, network.delay) == (expected, 2)
        clips = sequence(expected + 1, 40, torch.float64).requires_grad_()
        with torch.enable_grad():
            (grad,) = torch.autograd.grad(network(clips).sum(), clips)
        seen = grad.abs().amax(dim=(0, 1, 3, 4)) > 0
        assert seen.tolist() == [False] + [True] * expected


@pytest.mark.parametrize("model", [TINY, LITE], ids=["FrameResNet", "TrunkNetwork"])
@torch.no_grad()
def test_clips_may_be_longer_than_what_a_frame_sees(model: Model):
    longer = drawn(model.model_copy(update={"causal_frames": 3}), 8, torch.float32)
    made_so = drawn(model, 3, torch.float32)
    made_so.load_state_dict(longer.state_dict())
    assert (longer.delay, longer.receptive_field) == (2, made_so.receptive_field)
    clips = sequence(8, 64, torch.float32)
    assert torch.equal(longer(clips), made_so(clips))


@pytest.mark.parametrize("name", ["tsm50_gta", "lite0_gta"])
def test_a_frame_costs_a_share_of_a_clip(name: str):
    """Of the block for whole clips: at most 1/7.5 of 8 frames, and 1/15 of 16."""
    for frames, share in ((8, 7.5), (16, 15)):
        with torch.device("meta"):
            full, causal = (
                build(MODELS[form], num_classes=174, num_frames=frames).eval()
                for form in (name, f"{name}_causal")
            )
            clips = torch.empty(1, 3, frames, 224, 224)
        whole = multiply_adds(lambda full=full, clips=clips: full(clips))
        first = multiply_adds(lambda causal=causal, clips=clips: causal.step(clips[:, :, 0]))
        _, state = causal.step(clips[:, :, 0])
        later = multiply_adds(lambda n=causal, c=clips, s=state: n.step(c[:, :, 0], s))
        assert first == later <= whole / share
        if name == "lite0_gta":
            assert later <= 0.45e9


@pytest.mark.parametrize("how", ["clip", "time"])
def test_running_normalization_is_that_of_the_clip_at_its_end(how):
    x = torch.randn(2, 6, 5, 3, 3, dtype=torch.float64)
    running = RunningNormalization(how, 5)(x)
    assert torch.allclose(running[:, :, -1], normalize_clip(x, how)[:, :, -1])
    assert torch.allclose(running[:, :, 2], normalize_clip(x[:, :, :3], how)[:, :, -1])


def test_the_mean_is_of_the_last_frames_that_are_there():
    x = torch.randn(2, 5, 1, 3)
    mean = MeanOfLast(4)
    assert torch.allclose(mean(x), x[:, 1:].mean(1))
    assert torch.allclose(mean(x[:, :2]), x[:, :2].mean(1))


def test_what_has_no_causal_form_is_refused():
    for block in (TemporalAttention, NonLocal, GlobalTemporalAttention):
        with pytest.raises(ValueError, match=r"mixes each frame with later ones.*causal=True"):
            FrameResNet(
                *(10,),
                num_classes=5,
                num_frames=4,
                blocks=[block],
                placement={"res3": [0]},
                causal=True,
            )
    with pytest.raises(ValueError, match=r"region_grid=.*a stream has no such frames"):
        GlobalTemporalAttention(64, 4, causal=True, region_grid=(4, 4))
    with pytest.raises(ValueError, match="temporal_pool takes pairs of frames, and a stream"):
        FrameResNet(10, num_classes=5, num_frames=4, temporal_pool=True, causal=True)
    for options, given in (({"reader": "gru"}, "reader='gru'"), ({"statistics": True}, "statis")):
        with pytest.raises(ValueError, match=rf"{given}.*reader='mean' and statistics=False"):
            ClipHead(16, 4, 5, causal=True, **options)


def test_what_a_step_says_of_what_it_cannot_take():
    network = FrameResNet(10, num_classes=5, num_frames=4, width=8, causal=True).eval()
    frame = torch.zeros(1, 3, 32, 32)
    _, state = network.step(frame)
    with pytest.raises(ValueError, match=r"takes one frame of each stream, \(B, 3, H, W\).*whole"):
        network.step(frame[:, :, None])
    with pytest.raises(ValueError, match="the state is of another network: it has 0 tensors"):
        network.step(frame, {})
    with pytest.raises(ValueError, match="the state is of 1 streams, and there are 2 frames"):
        network.step(frame.repeat(2, 1, 1, 1), state)
    with pytest.raises(ValueError, match=r"expected the state of 3 frames.*got \(1, 2, 1, 6\)"):
        network.step(frame, {name: tensor[:, 1:] for name, tensor in state.items()})
    assert network.step(frame, state)[0].shape == (1, 5)  # nothing is left of the mistakes
    plain = FrameResNet(10, num_classes=5, num_frames=4, width=8)
    with pytest.raises(ValueError, match=r"needs whole clips and has no stream.*causal=True"):
        plain.step(frame)
    assert not hasattr(SlowFast, "step")
