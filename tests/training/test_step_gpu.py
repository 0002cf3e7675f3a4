"""The recorded step on a GPU: what it computes, what it leaves alone, what it does without."""

import gc
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from gta.config import Augment, Train
from gta.cuda_graphs.captured import WARM_UP, CannotCaptureError, capture
from gta.data.loader import Batch
from gta.models import MODELS, build
from gta.training.mixing import Mixing

from .plain_step import CLASSES, Small, batches, make, states

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
]
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


@pytest.fixture(autouse=True)
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """float32 without TF32, and the same kernels each time."""
    torch.set_float32_matmul_precision("highest")
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)


def tiny() -> nn.Module:
    torch.manual_seed(0)
    model = build(MODELS["tiny_gta"], num_classes=CLASSES, num_frames=4)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm3d):  # not zero, as when a block is inserted
            nn.init.constant_(module.weight, 0.5)
    return model


def pinned(found: list[Batch]) -> list[Batch]:
    return [batch._replace(clips=batch.clips.pin_memory()) for batch in found]


def run(step, found: list[Batch], start: int = 0) -> tuple[list[Tensor], list[Tensor]]:
    """Totals, and a weight after each step, copied without waiting."""
    totals, weights = [], []
    for number, batch in enumerate(found[start:], start):
        totals.append(step(batch, 0, number, len(found)))
        weights.append(next(step.model.parameters()).detach().clone())
    return totals, weights


@pytest.mark.parametrize("mix", [0.0, 0.4])
@pytest.mark.parametrize(
    ("network", "optimizer", "accumulate"),
    # AdamW makes steps of noise where a gradient should be zero, as that of a bias may
    [(Small, "sgd", 1), (Small, "sgd", 2), (Small, "adamw", 1), (tiny, "sgd", 1), (tiny, "sgd", 2)],
)
def test_replayed_steps_are_those_taken_as_they_are(network, mix, optimizer, accumulate):
    train = Train(compile=False, optimizer=optimizer, accumulate=accumulate, ema=0.9, clip_norm=0.5)
    mixing = Mixing(Augment(mixup=mix, cutmix=mix), CLASSES)
    found, ends = pinned(batches(24, 6, 6, 6, 5)), []  # the last of an epoch is smaller
    for graphs in (False, True):
        said: list[str] = []
        torch.manual_seed(0)  # of the network
        step = make(
            train.model_copy(update={"cuda_graphs": graphs}),
            *("cuda",),
            mixing=mixing,
            model=network(),
            say=said.append,
            rate=lambda moment: 0.01 / (1 + moment),
        )
        totals, weights = run(step, found)
        ends.append((torch.stack(totals).cpu(), torch.stack(weights).cpu(), states(step)))
        assert (
            said == ["from now on a step is one CUDA graph, replayed (train.cuda_graphs)"] * graphs
        )
    assert step.replays is not None
    assert len(step.replays.graphs) == 2
    for eager, replayed in zip(ends[0][:2], ends[1][:2], strict=True):
        torch.testing.assert_close(replayed, eager, **TOLERANCE)
    assert ends[0][2].keys() == ends[1][2].keys()
    for name, value in ends[0][2].items():
        torch.testing.assert_close(ends[1][2][name], value, **TOLERANCE, msg=name)


def test_a_replayed_step_waits_for_nothing():
    step = make(Train(compile=False, ema=0.9, cuda_graphs=None), "cuda")
    found = pinned(batches(12, 6))
    run(step, found[: WARM_UP + 2])
    torch.cuda.set_sync_debug_mode("error")
    try:
        run(step, found, WARM_UP + 2)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("graphs", [False, True])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("at", [0, 8])
def test_a_gradient_that_is_not_finite_changes_nothing(optimizer, graphs, at):
    train = Train(compile=False, optimizer=optimizer, ema=0.9, cuda_graphs=graphs)
    step, poison = make(train, "cuda"), torch.ones((), device="cuda")
    step.model.get_parameter("fc.weight").register_hook(lambda gradient: gradient * poison)
    found = pinned(batches(12, 6))
    run(step, found[:at])
    before = states(step)
    for value in (torch.inf, torch.nan):
        poison.fill_(value)
        assert step(found[at], 0, at, 12)[2:].tolist() == [6, 1]
    now = states(step)
    assert {k for k, v in now.items() if not torch.equal(v, before.get(k, v * 0))} == set()
    poison.fill_(1)
    assert step(found[at + 1], 0, at + 1, 12)[2:].tolist() == [6, 0]
    assert not torch.equal(states(step)["model.fc.weight"], now["model.fc.weight"])


class Looking(Small):
    """Looks at a value of the GPU, which ends a recording."""

    def __init__(self, how: str):
        super().__init__()
        self.how = how

    def forward(self, clips: Tensor) -> Tensor:
        if self.how == "item" and clips.mean().item() > 1e9:
            raise AssertionError
        if self.how == "synchronize":  # of which torch does not tell
            torch.cuda.synchronize()
        if self.how == "memory" and torch.cuda.is_current_stream_capturing():
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB")
        return super().forward(clips)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("item", r"it waits for a value of the GPU in test_step_gpu.py, line \d+"),
        ("synchronize", r".* in test_step_gpu.py, line \d+"),
        ("memory", r"CUDA out of memory. Tried to allocate 9 GiB in test_step_gpu.py, line \d+"),
    ],
)
def test_what_cannot_be_recorded_goes_on_as_it_is(how: str, reason: str):
    found, ends = pinned(batches(10, 6)), []
    gc.collect()
    torch.cuda.empty_cache()
    memory = torch.cuda.memory_allocated()
    for graphs in (False, True):
        said: list[str] = []
        train = Train(compile=False, ema=0.9, cuda_graphs=graphs)
        torch.manual_seed(0)  # of the network
        step = make(train, "cuda", model=Looking(how), say=said.append)
        stream = torch.cuda.current_stream()
        totals, weights = run(step, found)
        assert torch.cuda.current_stream() == stream
        ends.append((torch.stack(totals).cpu(), torch.stack(weights).cpu(), states(step)))
    assert len(said) == 1
    pattern = rf"the step cannot be a CUDA graph \({reason}\); it goes on without"
    assert re.fullmatch(pattern, said[0]), said[0]
    for eager, ours in zip(ends[0][:2], ends[1][:2], strict=True):
        torch.testing.assert_close(ours, eager, **TOLERANCE)
    for name, value in ends[0][2].items():
        torch.testing.assert_close(ends[1][2][name], value, **TOLERANCE, msg=name)
    # numbers can be drawn, and something else can be recorded
    torch.manual_seed(3)
    drawn = torch.rand(4, device="cuda")
    torch.manual_seed(3)
    assert torch.equal(torch.rand(4, device="cuda"), drawn)
    step = make(Train(compile=False, cuda_graphs=True), "cuda")
    run(step, found)
    assert step.replays is not None
    assert len(step.replays.graphs) == 1
    del step, ends, totals, weights, drawn
    gc.collect()
    torch._C._cuda_clearCublasWorkspaces()  # 32 MiB for each stream, which are kept
    torch.cuda.empty_cache()
    assert torch.cuda.memory_allocated() - memory < 2**24


def test_a_failed_recording_leaves_the_generator_as_it_was():
    torch.manual_seed(7)
    expected = torch.rand(8, device="cuda")
    torch.manual_seed(7)

    def function() -> Tensor:
        return torch.rand(8, device="cuda").sum().item() * torch.ones(1, device="cuda")

    with pytest.raises(CannotCaptureError, match=r"test_step_gpu.py, line \d+$"):
        capture(function, torch.cuda.Stream(), torch.cuda.graph_pool_handle())
    assert torch.equal(torch.rand(8, device="cuda"), expected)


def test_dropout_is_drawn_anew_in_each_replay():
    step = make(Train(compile=False, cuda_graphs=True, lr=1e-9), "cuda", rate=lambda moment: 0.0)
    batch = pinned(batches(1, 6))[0]
    losses = [step(batch, 0, number, 10)[0].item() for number in range(10)]
    assert len(set(losses)) == 10
    again = make(Train(compile=False, cuda_graphs=False), "cuda", rate=lambda moment: 0.0)
    eager = [again(batch, 0, number, 10)[0].item() for number in range(10)]
    assert losses == pytest.approx(eager, rel=1e-5)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_run_goes_on_from_its_states(optimizer):
    train, found = (
        Train(compile=False, optimizer=optimizer, ema=0.9, cuda_graphs=True),
        pinned(batches(20, 6)),
    )
    whole = make(train, "cuda")
    run(whole, found)
    begun = make(train, "cuda")
    for number in range(9):
        begun(found[number], 0, number, 20)
    resumed = make(train, "cuda")
    resumed.model.load_state_dict(begun.model.state_dict())
    resumed.optimizer.load_state_dict(begun.optimizer.state_dict())
    assert resumed.averaged is not None
    assert begun.averaged is not None
    resumed.averaged.load_state_dict(begun.averaged.state_dict())
    run(resumed, found, 9)
    ends = states(whole), states(resumed)
    for name, value in ends[0].items():
        torch.testing.assert_close(ends[1][name], value, **TOLERANCE, msg=name)


def test_recording_takes_little_more_memory():
    peaks = []
    found = pinned(batches(8, 64))
    for graphs in (False, True):
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        step = make(Train(compile=False, cuda_graphs=graphs), "cuda")
        before = torch.cuda.memory_allocated()
        run(step, found)
        peaks.append(torch.cuda.max_memory_allocated() - before)
        del step
    clips = 2 * found[0].clips.nbytes  # the batch that is computed, and the next one
    workspace = 2**27  # a graph has its own of cuBLAS
    assert peaks[1] < 1.1 * peaks[0] + clips + workspace


@pytest.mark.slow  # a compiler is called
def test_a_compiled_step_is_recorded_too():
    found, ends = pinned(batches(12, 6)), []
    for compiled in (False, True):
        said: list[str] = []
        train = Train(ema=0.9, compile=compiled, cuda_graphs=None)
        step = make(train, "cuda", dropout=0.0, say=said.append)
        ends.append(run(step, found))
        assert said == ["from now on a step is one CUDA graph, replayed (train.cuda_graphs)"]
    for eager, compiled in zip(*ends, strict=True):
        torch.testing.assert_close(torch.stack(compiled), torch.stack(eager), rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_a_long_run_decides_to_compile_and_counts_all_steps(monkeypatch):
    monkeypatch.setattr("gta.training.decision.missing_for_compiling", lambda: None)
    said: list[str] = []
    step = make(
        *(Train(compile=None, cuda_graphs=None), "cuda"), say=said.append, epochs=10**9, dropout=0.0
    )
    found = pinned(batches(12, 6))
    totals, _ = run(step, found)
    assert len(said) == 2
    assert said[0].startswith("compiled: 11999999997 steps of ")
    assert said[1].startswith("from now on a step is one CUDA graph")
    plain = make(Train(compile=False, cuda_graphs=False), "cuda", dropout=0.0)
    expected, _ = run(plain, found)
    torch.testing.assert_close(torch.stack(totals), torch.stack(expected), rtol=1e-3, atol=1e-3)


@pytest.mark.slow
def test_what_cannot_be_compiled_goes_on_as_it_is(monkeypatch):
    def fails(model, **options):
        def forward(clips: Tensor) -> Tensor:
            model(clips)  # which changes running statistics
            raise RuntimeError("no kernel for it\nmore lines")

        return forward

    monkeypatch.setattr("gta.training.decision.missing_for_compiling", lambda: None)
    monkeypatch.setattr(torch, "compile", fails)
    said: list[str] = []
    step = make(
        Train(compile=None, cuda_graphs=None, ema=0.9), "cuda", say=said.append, epochs=10**9
    )
    found = pinned(batches(12, 6))
    totals, _ = run(step, found)
    assert said[1:] == [
        "the network cannot be compiled (no kernel for it); it goes on without",
        "from now on a step is one CUDA graph, replayed (train.cuda_graphs)",
    ]
    plain = make(Train(compile=False, cuda_graphs=False, ema=0.9), "cuda")
    expected, _ = run(plain, found)
    torch.testing.assert_close(torch.stack(totals), torch.stack(expected), **TOLERANCE)
    ends = states(step), states(plain)
    for name, value in ends[1].items():
        torch.testing.assert_close(ends[0][name], value, **TOLERANCE, msg=name)


TWO = """
import torch
from torch import nn

from tests.training.plain_step import Small, batches, states
from gta.config import Train
from gta.training.average import averaged_model
from gta.training.norm import shared_norm
from gta.training.optimizer import make_optimizer
from gta.training.processes import joined_processes
from gta.training.numbers import Numbers
from gta.training.step import Step

torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
torch.backends.cudnn.deterministic = True


def trained(graphs, shared, processes):
    torch.manual_seed(processes.rank)  # only the first one's weights count
    model = Small()
    if shared:
        model = shared_norm(model, processes)
    model = model.to(processes.device).train()
    train = Train(ema=0.9, clip_norm=0.5)
    numbers = Numbers(
        rate=lambda moment: 0.05, mean=(0.4,) * 3, std=(0.2,) * 3, clip_norm=0.5, decay=0.9,
        accumulate=2, cuda_graphs=graphs,
    )
    said = []
    step = Step(
        model, make_optimizer(model, train), numbers, processes,
        averaged=averaged_model(model, 0.9), say=said.append,
    )
    for number, batch in enumerate(batches(24, 12, 12, 10)):
        if processes.rank and number == 7:
            batch = batch._replace(clips=batch.clips[:-1], labels=batch.labels[:-1])
        half = slice(processes.rank, None, processes.world_size)
        batch = batch._replace(clips=batch.clips[half].contiguous(), labels=batch.labels[half])
        totals = processes.sum(step(batch, 0, number, 24))
    found = states(step), totals.cpu(), said, len(step.replays.graphs) if graphs else 0
    step.close()
    return found


with joined_processes("cuda") as processes:
    for shared in (False, True):
        eager, replayed = (trained(graphs, shared, processes) for graphs in (False, True))
        assert replayed[3] == 1, replayed[2]
        torch.testing.assert_close(replayed[1], eager[1], rtol=1e-4, atol=1e-4)
        for name, value in eager[0].items():
            if processes.is_main or not ("running" in name or "tracked" in name):
                torch.testing.assert_close(replayed[0][name], value, rtol=1e-4, atol=1e-5, msg=name)
print("equal")
"""


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_two_processes_replay_what_the_wrapper_computes(tmp_path: Path):
    script = tmp_path / "two.py"
    script.write_text(TWO)
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", script),
        ],
        capture_output=True,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{root}:{root / 'src'}"},
        timeout=300,
    )
    assert (done.returncode, done.stdout.split()) == (0, ["equal"] * 2), done.stderr
