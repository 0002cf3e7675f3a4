"""A checkpoint holds everything, without a pickle; those of earlier versions are read."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from gta.blocks.features import Projection
from gta.config import Train
from gta.errors import UsageError
from gta.models import MODELS, build
from gta.training.average import averaged_model
from gta.training.checkpoint import TrainState, files_of, restore, state_of
from gta.training.checkpoint_folder import CheckpointFolder, name_of
from gta.training.optimizer import make_optimizer
from gta.training.saved_state import newest_state


def parts(data: str = "a", epoch: int = 1):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    model(torch.randn(5, 3)).pow(2).sum().backward()
    optimizer.step()
    history = [{"epoch": 1, "val_top1": 0.25}]
    failures = {"x.mp4": "empty", "\udcff.mp4": "gone"}  # a name that is no UTF-8
    return model, optimizer, TrainState(data, epoch, 7, [1.5, 2, 8, 0], 0.25, history, failures)


def save(run: Path, model, optimizer, position: TrainState, averaged=None) -> Path:
    run.mkdir(exist_ok=True)
    files = files_of(state_of(model, optimizer, position, averaged))
    return CheckpointFolder(run / "checkpoints", keep=3).write(name_of(*position.place), files)


def save_as_before(run: Path, model, optimizer, position: TrainState, averaged=None) -> Path:
    """The one file of earlier versions."""
    state = state_of(model, optimizer, position, averaged)
    run.mkdir(exist_ok=True)
    torch.save(
        {key: value for key, value in state.items() if value is not None}, run / "checkpoint.pt"
    )
    return run / "checkpoint.pt"


def load(run: Path, model, optimizer, position: TrainState, averaged=None, say=pytest.fail):
    state = newest_state(run, say)
    if state is None:
        return None
    return restore(state, model, optimizer, position, averaged, run)


@pytest.mark.parametrize("save", [save, save_as_before])
def test_everything_comes_back(tmp_path: Path, save):
    model, optimizer, position = parts()
    save(tmp_path, model, optimizer, position)
    other, other_optimizer, _ = parts()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    assert load(tmp_path, other, other_optimizer, TrainState("a")) == position
    for ours, theirs in zip(model.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)
    ours, theirs = optimizer.state_dict(), other_optimizer.state_dict()
    kept, found = ours["state"], theirs["state"]
    assert all(torch.equal(kept[i][k], found[i][k]) for i in kept for k in kept[i])
    assert json.loads(json.dumps(ours["param_groups"])) == json.loads(
        json.dumps(theirs["param_groups"])
    )


def test_no_file_is_a_pickle(tmp_path: Path):
    path = save(tmp_path, *parts(), averaged_model(parts()[0], 0.9))
    assert sorted(file.name for file in path.iterdir()) == [
        *("averaged.safetensors", "manifest.json", "model.safetensors"),
        *("optimizer.safetensors", "state.json"),
    ]


def test_what_an_optimiser_keeps_has_the_memory_format_of_its_parameter(tmp_path: Path):
    """Fused kernels need it."""

    def parts():
        model = nn.Conv3d(3, 4, 3).to(memory_format=torch.channels_last_3d)
        optimizer = make_optimizer(model, Train())
        model(torch.randn(1, 3, 4, 4, 4)).sum().backward()
        optimizer.step()
        return model, optimizer

    save(tmp_path, *parts(), TrainState("a"))
    model, optimizer = parts()
    load(tmp_path, model, optimizer, TrainState("a"))
    assert optimizer.state[model.weight]["momentum_buffer"].stride() == model.weight.stride()


def test_without_a_checkpoint_training_starts_at_the_beginning(tmp_path: Path):
    assert newest_state(tmp_path, pytest.fail) is None


@pytest.mark.parametrize("save", [save, save_as_before])
def test_other_videos_are_refused(tmp_path: Path, save):
    save(tmp_path, *parts("a"))
    model, optimizer, _ = parts()
    with pytest.raises(UsageError, match=r"the videos or classes are not those .*another --out"):
        load(tmp_path, model, optimizer, TrainState("b"))


def test_another_network_is_refused(tmp_path: Path):
    save(tmp_path, *parts("a"))
    model = nn.Linear(2, 2)
    with pytest.raises(
        UsageError,
        match=rf"^the checkpoint in {tmp_path} is of another network or optimizer \(Error.*\): "
        r"give another --out to train from the start$",
    ):
        load(tmp_path, model, torch.optim.AdamW(model.parameters()), TrainState("a"))


def flip(path: Path, byte: int) -> None:
    content = bytearray(path.read_bytes())
    content[byte] ^= 1
    path.write_bytes(content)


def test_a_damaged_one_is_named_and_the_one_before_is_used(tmp_path: Path):
    save(tmp_path, *parts(epoch=1))
    path, said = save(tmp_path, *parts(epoch=2)), []
    flip(path / "model.safetensors", -1)
    model, optimizer, _ = parts()
    position = load(tmp_path, model, optimizer, TrainState("a"), say=said.append)
    assert position is not None
    assert position.epoch == 1
    assert said == [
        f"{path.with_name('damaged-00002-000007')} is damaged and is not used: model.safetensors "
        "has other bytes than were written (SHA-256)",
        "the checkpoint before it is used: after epoch 1, batch 7",
    ]


@pytest.mark.parametrize("kept", [(), ("last.safetensors",)])
def test_none_is_whole(tmp_path: Path, kept):
    flip(save(tmp_path, *parts()) / "manifest.json", 0)
    for name in kept:
        (tmp_path / name).touch()
    with pytest.raises(UsageError) as caught:
        newest_state(tmp_path, list[str]().append)
    weights = f", with --weights {tmp_path / 'last.safetensors'} from the last epoch's weights"
    damaged = tmp_path / "checkpoints/damaged-00001-000007"
    assert str(caught.value) == (
        f"no checkpoint of {tmp_path} can be used to resume: {damaged} is damaged and is not used: "
        f"its manifest.json cannot be read (Expecting value: line 1 column 1 (char 0)). The way "
        f"out: give another --out to train from the start{weights if kept else ''}."
    )


def test_the_file_of_an_earlier_version_is_what_is_before_the_first_folder(tmp_path: Path):
    save_as_before(tmp_path, *parts(epoch=1))
    flip(save(tmp_path, *parts(epoch=2)) / "state.json", 20)
    said = list[str]()
    state = newest_state(tmp_path, said.append)
    assert state is not None
    assert state["position"]["epoch"] == 1
    assert "damaged-00002-000007 is damaged" in said[0]


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", "cut", "flipped"])
def test_a_damaged_file_of_an_earlier_version_is_refused(tmp_path: Path, content: bytes | str):
    path = save_as_before(tmp_path, *parts())
    if content == "flipped":
        flip(path, path.read_bytes().index(parts()[0][0].weight.detach().numpy().tobytes()))
    else:
        path.write_bytes(path.read_bytes()[:-500] if isinstance(content, str) else content)
    with pytest.raises(UsageError, match=r"checkpoint.pt is damaged: .*The way out: give another"):
        newest_state(tmp_path, pytest.fail)


def test_code_in_a_file_of_an_earlier_version_is_not_recommended(tmp_path: Path):
    torch.save({"model": Path("a")}, tmp_path / "checkpoint.pt")
    with pytest.raises(UsageError) as caught:
        newest_state(tmp_path, pytest.fail)
    assert "is damaged: damaged, or more than tensors is in it. The way" in str(caught.value)
    assert "weights_only" not in str(caught.value)


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
    path = save_as_before(tmp_path, model, optimizer, TrainState("videos"), averaged)
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
    load(tmp_path, others[0], others[1], TrainState("videos"), others[2])
    step(model, optimizer, averaged)
    step(*others)
    for ours, theirs in ((model, others[0]), (averaged, others[2])):
        for name, value in ours.state_dict().items():
            assert torch.equal(theirs.state_dict()[name], value), name
