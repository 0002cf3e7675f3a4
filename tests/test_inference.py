"""When a network's scores may be replayed, and that replays are what the network says."""

import copy
import gc
import pickle
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from gta import inference
from gta.backbones import TrunkNetwork
from gta.backbones.clip_head import ClipHead
from gta.config import Clip
from gta.cuda_graphs.captured import WARM_UP
from gta.devices import full_precision
from gta.inference import Scorer, probabilities
from gta.models import MODELS, build
from gta.predict import Predictor
from gta.recipes import find_recipe, read_recipe
from gta.runs import Run

CLIP, CLASSES = Clip(num_frames=4, size=32), 5
on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def network() -> nn.Module:
    torch.manual_seed(0)
    model = build(MODELS["tiny_gta"], num_classes=CLASSES, num_frames=4).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm3d):  # not zero, as when a block is inserted
            nn.init.constant_(module.weight, 0.5)
    return model


def views(videos: int, seed: int = 0) -> Tensor:
    drawn = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (videos, 2, 3, 4, 32, 32), generator=drawn, dtype=torch.uint8)


class Remembering:
    """Stands for recordings of a function: it counts what it is asked."""

    def __init__(self, function: Callable[[Tensor], Tensor]):
        self.function, self.calls, self.forgotten = function, 0, 0
        self.refused: str | None = None

    def __call__(self, given: Tensor) -> Tensor:
        self.calls += 1
        return self.function(given)

    def forget(self) -> None:
        self.forgotten += 1


@pytest.fixture
def scorer(monkeypatch: pytest.MonkeyPatch) -> tuple[Scorer, Remembering]:
    """A scorer on the CPU that takes it for a GPU."""
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    monkeypatch.setattr(inference, "_on_default_stream", lambda device: True)
    scorer = Scorer(network(), CLIP, torch.device("cpu"), amp=False)
    kept = Remembering(scorer._probabilities)
    scorer.replays = kept  # type: ignore[assignment]
    return scorer, kept


def test_a_cpu_records_nothing():
    scorer = Scorer(network(), CLIP, torch.device("cpu"), amp=False)
    assert scorer.replays is None
    assert scorer.calls_until_recorded == 1


def test_a_network_that_stays_is_replayed(scorer: tuple[Scorer, Remembering]):
    score, kept = scorer
    for seed in range(3):
        expected = probabilities(score.model, views(2, seed), CLIP, score.device, amp=False)
        assert torch.equal(score(views(2, seed)), expected)
    assert (kept.calls, kept.forgotten) == (3, 1)


def test_new_values_at_the_same_place_need_no_new_recording(scorer: tuple[Scorer, Remembering]):
    score, kept = scorer
    score(views(1))
    score.model.load_state_dict({k: v + 0 for k, v in score.model.state_dict().items()})
    score(views(1))
    assert kept.forgotten == 1


def last_layer(model: nn.Module) -> tuple[str, nn.Linear]:
    return next((name, m) for name, m in model.named_modules() if type(m) is nn.Linear)


def other_layer(model: nn.Module) -> None:
    name, layer = last_layer(model)
    model.set_submodule(name, nn.Linear(layer.in_features, layer.out_features))


def other_tensor(model: nn.Module) -> None:
    weight = last_layer(model)[1].weight
    weight.data = weight.data.clone()


def other_statistics(model: nn.Module) -> None:
    norm = next(m for m in model.modules() if isinstance(m, nn.BatchNorm2d))
    norm.running_mean = torch.zeros(norm.num_features)


def other_forward(model: nn.Module) -> None:
    _, layer = last_layer(model)
    layer.forward = lambda x: nn.Linear.forward(layer, x)  # type: ignore[method-assign]


def other_mode(model: nn.Module) -> None:
    last_layer(model)[1].train()


@pytest.mark.parametrize(
    "change", [other_layer, other_tensor, other_statistics, other_forward, other_mode]
)
def test_a_changed_network_is_recorded_anew(
    scorer: tuple[Scorer, Remembering], change: Callable[[nn.Module], None]
):
    score, kept = scorer
    score(views(1))
    change(score.model)
    for _ in range(2):
        score(views(1))
    assert kept.forgotten == 2


def test_weights_without_memory_of_their_own_are_told_apart():
    one, other = (torch.ones(2).to_sparse() for _ in range(2))
    with pytest.raises(RuntimeError, match="data pointer"):
        one.data_ptr()
    assert inference._place(one) == inference._place(one) != inference._place(other)


def test_another_precision_is_recorded_anew(scorer: tuple[Scorer, Remembering]):
    score, kept = scorer
    score(views(1))
    with full_precision():
        score(views(1))
    assert kept.forgotten == 2


@pytest.mark.parametrize("kind", ["register_forward_hook", "register_forward_pre_hook"])
def test_hooks_are_always_called(scorer: tuple[Scorer, Remembering], kind: str):
    score, kept = scorer
    called = []
    layer = next(m for m in score.model.modules() if type(m) is nn.Linear)
    handle = getattr(layer, kind)(lambda *args: called.append(1))
    for _ in range(5):
        score(views(1))
    assert (len(called), kept.calls) == (5, 0)
    handle.remove()
    score(views(1))
    assert kept.calls == 1


def test_hooks_on_all_modules_are_called(scorer: tuple[Scorer, Remembering]):
    score, kept = scorer
    handle = nn.modules.module.register_module_forward_hook(lambda *args: None)
    try:
        score(views(1))
    finally:
        handle.remove()
    assert kept.calls == 0


def trunk() -> nn.Module:
    """A network that holds on to a map while it runs, by a hook of its own."""
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Flatten())
    return TrunkNetwork(
        nn.Sequential(*layers[:2], nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())),
        partial(ClipHead, num_classes=CLASSES, width=16),
        num_frames=4,
        after="1",
        pool=2,
    ).eval()


def test_the_hooks_of_our_networks_are_part_of_a_recording(scorer: tuple[Scorer, Remembering]):
    score, kept = scorer
    score.model = trunk()
    score(views(1))
    assert kept.calls == 1


def test_threads_take_turns():
    score = Scorer(trunk(), CLIP, torch.device("cpu"), amp=False)
    expected = [score(views(2, seed)) for seed in range(40)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda seed: score(views(2, seed)), range(40)))
    assert all(map(torch.equal, results, expected))


def test_another_network_is_tried_again(scorer: tuple[Scorer, Remembering]):
    score, kept = scorer
    score(views(1))
    kept.refused = "it waits for a value of the GPU"
    score(views(1))
    assert not score.records
    score.model = trunk()
    score(views(1))
    assert score.records


def drawn_run(folder: Path) -> Run:
    """A run whose weights are as they are drawn."""
    settings = ("clip.size=32", "clip.num_frames=4", "test.protocol=1x1-center32")
    recipe = read_recipe(find_recipe("ordered", "tiny_gta"), ("model.weights=none", *settings))
    run = Run.create(folder, recipe, ["a", "b", "c"])
    run.save_weights(run.build(), "last", epoch=0)
    return run


def test_a_batch_on_a_cpu_has_the_size_that_it_has(tmp_path: Path, monkeypatch):
    predictor, seen = Predictor(drawn_run(tmp_path / "run"), device="cpu"), []
    monkeypatch.setattr(predictor, "scores", lambda x: seen.append(len(x)) or torch.zeros(9, 3))
    videos = list(torch.zeros(9, 1, 3, 4, 32, 32, dtype=torch.uint8))
    for count in (1, 3, 5):
        assert predictor.scores_of(videos[:count]).shape == (count, 3)
    predictor.get_ready((1, 3, 4, 32, 32), 6)
    assert seen == [1, 3, 5, 6]


def test_recordings_are_gone_with_the_scorer(monkeypatch: pytest.MonkeyPatch):
    made = []

    class Kept(Remembering):
        def __init__(self, function, *args, **options):
            super().__init__(function)
            made.append(weakref.ref(self))

    monkeypatch.setattr(inference, "Replays", Kept)
    scorer = Scorer(network(), CLIP, torch.device("cuda"), amp=True)
    assert made[0]() is scorer.replays is not None
    gc.disable()
    try:
        del scorer
        assert made[0]() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda given: pickle.loads(pickle.dumps(given))])
def test_a_predictor_can_be_copied_and_sent(tmp_path: Path, copied):
    ours = Predictor(drawn_run(tmp_path / "run"), device="cpu", cuda_graphs=False)
    frames = views(1)[0, 0].permute(1, 2, 3, 0).contiguous().numpy()
    theirs = copied(ours)
    assert theirs(frames).scores == ours(frames).scores
    assert theirs.model is theirs._scorer.model is not ours.model
    assert theirs._scorer.cuda_graphs is False


@pytest.mark.gpu
@on_gpu
@pytest.mark.parametrize("amp", [False, True])
def test_replays_are_what_the_network_says(amp: bool):
    device = torch.device("cuda")
    score = Scorer(network().to(device), CLIP, device, amp=amp)
    assert score.replays is not None
    for seed in range(3 * (WARM_UP + 2)):
        given = views(1 + seed % 3, seed)
        expected = probabilities(score.model, given, CLIP, device, amp=amp)
        assert torch.equal(score(given), expected), seed
    assert score.replays.refused is None
    assert len(score.replays.graphs) == 3
    with torch.no_grad():
        for parameter in score.model.parameters():
            parameter.mul_(1.1)
    expected = probabilities(score.model, views(2), CLIP, device, amp=amp)
    assert torch.equal(score(views(2)), expected)
    assert len(score.replays.graphs) == 3


@pytest.mark.gpu
@on_gpu
def test_results_on_the_gpu_are_kept_when_the_next_is_computed():
    device = torch.device("cuda")
    score = Scorer(network().to(device), CLIP, device, amp=True)
    results = [score(views(2, seed).pin_memory()) for seed in range(8)]
    for seed, result in enumerate(results):
        expected = probabilities(score.model, views(2, seed), CLIP, device, amp=True)
        assert torch.equal(result, expected)


@pytest.mark.gpu
@on_gpu
def test_inference_mode_comes_and_goes():
    device = torch.device("cuda")
    score = Scorer(network().to(device), CLIP, device, amp=False)
    for seed in range(2 * (WARM_UP + 1)):
        with torch.inference_mode(seed < WARM_UP + 2):
            given = views(1, seed)
            expected = probabilities(score.model, given, CLIP, device, amp=False)
            assert torch.equal(score(given), expected)


@pytest.mark.gpu
@on_gpu
def test_threads_that_score_at_once_get_their_own_results():
    device = torch.device("cuda")
    score = Scorer(network().to(device), CLIP, device, amp=False)
    expected = [
        probabilities(score.model, views(1, n), CLIP, device, amp=False).cpu() for n in range(64)
    ]
    start = threading.Barrier(4)

    def some(first: int) -> None:
        start.wait()
        for number in range(first, 64, 4):
            assert torch.equal(score(views(1, number)).cpu(), expected[number])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(some, range(4)))


class Looking(nn.Module):
    """A network that looks at a value on the CPU, which no recording can repeat."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(3, CLASSES)

    def forward(self, clips: Tensor) -> Tensor:
        means = clips.mean((2, 3, 4))
        return self.last(means) if means.sum().item() > 0 else -self.last(means)


@pytest.mark.gpu
@on_gpu
def test_a_network_that_cannot_be_recorded_goes_on_without():
    device = torch.device("cuda")
    score = Scorer(Looking().to(device).eval(), CLIP, device, amp=False)
    for seed in range(WARM_UP + 3):
        expected = probabilities(score.model, views(1, seed), CLIP, device, amp=False)
        assert torch.equal(score(views(1, seed)), expected)
    assert score.replays is not None
    assert "test_inference.py" in (score.replays.refused or "")


@pytest.mark.gpu
@on_gpu
def test_a_predictor_records_all_sizes_before_the_first_request(tmp_path: Path):
    predictor = Predictor(drawn_run(tmp_path / "run"), device="cuda")
    eager = Predictor(predictor.run, device="cuda", cuda_graphs=False)
    shape = (1, 3, 4, 32, 32)
    predictor.get_ready(shape, 10)
    assert predictor._scorer.replays is not None
    recorded = [key[0][0][0] for key in predictor._scorer.replays.graphs]  # type: ignore[index]
    assert recorded == [1, 2, 4, 8, 16]
    for count in range(1, 11):
        some = [views(1, seed)[0, :1] for seed in range(count)]
        assert torch.equal(predictor.scores_of(some), eager.scores_of(some))
    frames = views(1)[0, 0].permute(1, 2, 3, 0).contiguous().numpy()
    before = [predictor.embed(frames) for _ in range(WARM_UP + 3)]
    assert all(torch.equal(vector, eager.embed(frames)) for vector in before)
    for _ in range(WARM_UP + 3):
        assert predictor(frames).scores == eager(frames).scores
