from pathlib import Path

import pytest

from gta.data.storage.outside import check_outside
from gta.errors import UsageError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two classes, one of which is a link to a folder elsewhere."""
    (tmp_path / "data/up").mkdir(parents=True)
    (tmp_path / "disk/down").mkdir(parents=True)
    (tmp_path / "data/down").symlink_to(tmp_path / "disk/down")
    (tmp_path / "link").symlink_to(tmp_path / "data")
    return tmp_path / "data"


@pytest.mark.parametrize(
    "place",
    ["data/run", "data/up/runs/mine", "data/../data/run", "link/run", "data/down/x", "disk/down/x"],
)
def test_a_place_inside_of_the_data_set(root: Path, place: str):
    path = root.parent / place
    with pytest.raises(UsageError) as caught:
        check_outside("--out", path, root)
    assert str(caught.value) == (
        f"--out {path} is inside of the data set {root}, where a folder is taken for a class or a "
        f"video. Give a place elsewhere, such as --out {root.parent / 'runs' / path.name}"
    )


@pytest.mark.parametrize("given", ["data", "link"])
def test_the_data_set_itself(root: Path, monkeypatch, given: str):
    monkeypatch.chdir(root.parent)
    with pytest.raises(UsageError, match=rf"^--out data is the data set {given}, where a folder"):
        check_outside("--out", Path("data"), given)


def test_places_elsewhere(root: Path):
    for place in ("run", "data2", "disk/run", "data/../runs/x"):
        check_outside("--out", root.parent / place, root)
    check_outside("--out", root / "run", None)
    check_outside("--out", root / "run", "s3://bucket/data")
    check_outside("--out", root / "run", root.parent / "gone")
