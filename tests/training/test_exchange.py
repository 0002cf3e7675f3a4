"""Gradients of several processes, averaged."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gta.training import exchange
from gta.training.exchange import buckets

TRIAL = """
import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from gta.training.exchange import Exchange
from gta.training.processes import joined_processes


def network(seed):
    torch.manual_seed(seed)
    made = nn.Sequential(
        nn.Conv2d(3, 5, 3).to(memory_format=torch.channels_last), nn.BatchNorm2d(5), nn.Flatten(),
        nn.Linear(5 * 4, 2), nn.Linear(2, 2).double(),
    )
    made[3].bias.requires_grad_(False)
    return made


class Whole(nn.Module):
    def __init__(self, seed):
        super().__init__()
        self.first, self.last = network(seed)[:4], network(seed)[4]

    def forward(self, clips):
        return self.last(self.first(clips).double())


with joined_processes("cpu") as processes:
    found = []
    for way in ("wrapped", "exchange"):
        model = Whole(seed=processes.rank)  # only the first one's weights count
        run = DistributedDataParallel(model) if way == "wrapped" else model
        mean = None if way == "wrapped" else Exchange(model, processes.world_size)
        torch.manual_seed(10 + processes.rank)
        size = 4 + processes.rank  # batches may differ
        run(torch.randn(size, 3, 4, 4)).square().sum().backward()
        if mean is not None:
            mean()
        found.append({n: p.grad for n, p in model.named_parameters() if p.grad is not None})
        found[-1] |= {f"weight {n}": p.detach() for n, p in model.named_parameters()}
    assert found[0].keys() == found[1].keys()
    for name, value in found[0].items():
        assert torch.equal(found[1][name], value), name
        assert found[1][name].stride() == value.stride(), name
    sys.stdout.write(f"{len(found[0])} equal\\n")  # at once: print writes twice
    del run, model
"""


@pytest.mark.slow
def test_it_is_the_mean_that_the_wrapper_computes(tmp_path: Path):
    script = tmp_path / "trial.py"
    script.write_text(TRIAL)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", script),
        ],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout.split()) == (0, ["15", "equal"] * 2), done.stderr


def test_tensors_are_sent_a_bucket_at_a_time(monkeypatch):
    monkeypatch.setattr(exchange, "_BUCKET", 40)
    a, b, c, d = torch.ones(6), torch.ones(4), torch.ones(100), torch.ones(1, dtype=torch.float64)
    found = buckets([a, b, c, d, d])
    assert [[id(one) for one in bucket] for bucket in found] == [
        *([id(a), id(b)], [id(c)], [id(d), id(d)]),
    ]
    assert buckets([]) == []
