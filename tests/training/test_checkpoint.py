from pathlib import Path

import pytest
import torch
from torch import nn

from gta.blocks.rows import Projection
from gta.config import Train
from gta.errors import UsageError
from gta.models import MODELS, build
from gta.training.average import averaged_model
from gta.training.checkpoint import Position, load_checkpoint, save_checkpoint
from gta.training.optimizer import make_optimizer


def parts(data: str = "a") -> tuple[nn.Module, torch.optim.Optimizer, Position]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    model(torch.randn(5, 3)).pow(2).sum().backward()
    optimizer.step()
    history = [{"epoch": 1, "val_top1": 0.25}]
    return model, optimizer, Position(data, 1, 7, [1.5, 2, 8], 0.25, history, {"x.mp4": "empty"})


def test_everything_comes_back(tmp_path: Path):
    model, optimizer, position = parts()
    save_checkpoint(tmp_path / "c.pt", model, optimizer, position)
    other, other_optimizer, _ = parts()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    found = load_checkpoint(tmp_path / "c.pt", other, other_optimizer, Position("a"))
    assert found == position
    for ours, theirs in zip(model.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)
    ours, theirs = optimizer.state_dict()["state"], other_optimizer.state_dict()["state"]
    assert all(torch.equal(ours[i][k], theirs[i][k]) for i in ours for k in ours[i])


def test_without_a_checkpoint_training_starts_at_the_beginning(tmp_path: Path):
    model, optimizer, _ = parts()
    fresh = Position("a")
    assert load_checkpoint(tmp_path / "c.pt", model, optimizer, fresh) is fresh


def test_other_videos_are_refused(tmp_path: Path):
    save_checkpoint(tmp_path / "c.pt", *parts("a"))
    model, optimizer, _ = parts()
    with pytest.raises(UsageError, match=r"the videos or classes are not those .*another --out"):
        load_checkpoint(tmp_path / "c.pt", model, optimizer, Position("b"))


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, content: bytes | None):
    path = tmp_path / "c.pt"
    save_checkpoint(path, *parts())
    path.write_bytes(path.read_bytes()[:-500] if content is None else content)
    model, optimizer, _ = parts()
    with pytest.raises(UsageError, match=r"c.pt cannot be used to go on \(.*Remove it to train"):
        load_checkpoint(path, model, optimizer, Position("a"))


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path, monkeypatch):
    path = tmp_path / "c.pt"
    save_checkpoint(path, *parts())
    before = path.read_bytes()

    def full(state, part):
        part.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(path, *parts())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_a_run_of_when_projections_were_convolutions_goes_on(tmp_path: Path, kind):
    """Weights, momentum and the moving average are those of 1x1x1 convolutions."""
    train = Train(optimizer=kind, ema=0.9)

    def parts():
        torch.manual_seed(0)
        model = build(MODELS["tiny_gta"], num_classes=3, num_frames=4)
        return model, make_optimizer(model, train), averaged_model(model, train.ema)

    def step(model, optimizer, averaged):
        torch.manual_seed(1)
        optimizer.zero_grad()
        model(torch.randn(2, 3, 4, 32, 32)).square().sum().backward()
        optimizer.step()
        averaged.update_parameters(model)

    def as_convolution(value):
        is_projection = isinstance(value, torch.Tensor) and value.ndim == 2
        return value[..., None, None, None] if is_projection else value

    model, optimizer, averaged = parts()
    assert averaged is not None
    step(model, optimizer, averaged)
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, model, optimizer, Position("videos"), averaged)
    state = torch.load(path, weights_only=True)
    inserted = {f"{n}.weight" for n, m in model.named_modules() if isinstance(m, Projection)}
    assert inserted
    for part, prefix in (("model", ""), ("averaged", "module.")):
        for name in inserted:
            state[part][prefix + name] = as_convolution(state[part][prefix + name])
    numbers = [p for group in optimizer.param_groups for p in group["params"]]
    names = {id(p): name for name, p in model.named_parameters()}
    for number, parameter in enumerate(numbers):
        if names[id(parameter)] in inserted:
            kept = state["optimizer"]["state"][number]
            kept.update({key: as_convolution(value) for key, value in kept.items()})
    torch.save(state, path)
    others = parts()
    load_checkpoint(path, others[0], others[1], Position("videos"), others[2])
    step(model, optimizer, averaged)
    step(*others)
    for ours, theirs in ((model, others[0]), (averaged, others[2])):
        for name, value in ours.state_dict().items():
            assert torch.equal(theirs.state_dict()[name], value), name
