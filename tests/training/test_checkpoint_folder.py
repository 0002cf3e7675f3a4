"""Checkpoints on the disk: what is damaged is found, and the one before is used."""

import json
import random
from pathlib import Path

import pytest

from gta.training.checkpoint_folder import CheckpointFolder, DamagedError, name_of, verify


def store(folder: CheckpointFolder, epoch: int, content: bytes) -> Path:
    return folder.write(name_of(epoch, 0), {"state.json": [content]})


def read(path: Path) -> bytes:
    return (path / "state.json").read_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> CheckpointFolder:
    return CheckpointFolder(tmp_path / "checkpoints", keep=2)


def test_the_newest_few_are_kept(folder):
    for epoch in range(4):
        store(folder, epoch, bytes([epoch]))
    assert [path.name for path in folder.all()] == ["00003-000000", "00002-000000"]
    assert folder.newest(read, pytest.fail) == b"\3"


def test_one_that_is_removed_is_never_there_in_part(folder, monkeypatch):
    """Not under its name, when the process is killed meanwhile."""

    def killed(path, **options):
        if path.is_dir():
            raise KeyboardInterrupt

    for epoch in (1, 2):
        store(folder, epoch, b"")
    monkeypatch.setattr("gta.training.checkpoint_folder.shutil.rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        store(folder, 3, b"")
    monkeypatch.undo()
    assert [path.name for path in folder.all()] == ["00003-000000", "00002-000000"]
    assert (folder.folder / ".00001-000000.old").is_dir()
    store(folder, 4, b"")
    assert len(list(folder.folder.iterdir())) == 2


def test_names_sort_as_training_goes():
    names = [name_of(*place) for place in [(0, 5), (0, 40), (1, 0), (2, 999_999), (10, 0)]]
    assert names == sorted(names)


def test_places_sort_by_their_numbers_whatever_their_width(folder):
    for epoch in (99_999, 100_000):
        store(folder, epoch, b"")
    assert [path.name for path in folder.all()] == ["100000-000000", "99999-000000"]


def test_a_folder_that_is_gone_is_not_made_again(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        store(CheckpointFolder(tmp_path / "run" / "checkpoints", keep=2), 1, b"new")
    assert not (tmp_path / "run").exists()


def test_nothing_is_there(folder):
    assert folder.newest(read, pytest.fail) is None


def test_one_of_the_same_name_is_replaced(folder):
    store(folder, 1, b"old")
    store(folder, 1, b"new")
    assert folder.newest(read, pytest.fail) == b"new"
    assert [path.name for path in folder.folder.iterdir()] == ["00001-000000"]


def test_each_flipped_bit_is_found(folder):
    path = store(folder, 1, random.Random(0).randbytes(50))
    files = sorted(path.iterdir())
    assert [file.name for file in files] == ["manifest.json", "state.json"]
    for file in files:
        content = file.read_bytes()
        for bit in range(8 * len(content)):
            flipped = bytearray(content)
            flipped[bit // 8] ^= 1 << bit % 8
            file.write_bytes(flipped)
            with pytest.raises(DamagedError):
                verify(path)
        file.write_bytes(content)
    verify(path)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: (path / "state.json").write_bytes(b""), "state.json has not the size"),
        (lambda path: (path / "state.json").write_bytes(b"xew"), "state.json has other bytes"),
        (lambda path: (path / "state.json").unlink(), "state.json is missing"),
        (lambda path: (path / "manifest.json").unlink(), "it has no manifest.json"),
        (lambda path: (path / "manifest.json").write_text("{"), "its manifest.json cannot be read"),
        (
            lambda path: (path / "manifest.json").write_text(json.dumps({"files": {}})),
            "its manifest.json cannot be read (it lists no files)",
        ),
    ],
)
def test_a_damaged_one_is_named_and_the_one_before_is_used(folder, damage, reason):
    store(folder, 1, b"old")
    path, said = store(folder, 2, b"new"), list[str]()
    damage(path)
    assert folder.newest(read, said.append) == b"old"
    assert len(said) == 1
    apart = path.with_name("damaged-00002-000000")
    assert said[0].startswith(f"{apart} is damaged and is not used: {reason}")
    assert apart.is_dir()
    assert [path.name for path in folder.all()] == ["00001-000000"]


def test_a_write_that_fails_leaves_what_was_there(folder):
    store(folder, 1, b"old")

    def full():
        yield b"half"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        folder.write(name_of(2, 0), {"state.json": full()})
    assert [path.name for path in folder.folder.iterdir()] == ["00001-000000"]


def test_what_a_killed_process_left_goes(folder):
    store(folder, 1, b"old")
    (folder.folder / ".00002-000000.part").mkdir()
    (folder.folder / ".00001-000000.old").mkdir()
    (folder.folder / "mine").mkdir()  # not ours
    store(folder, 3, b"new")
    assert sorted(path.name for path in folder.folder.iterdir()) == [
        "00001-000000",
        "00003-000000",
        "mine",
    ]
