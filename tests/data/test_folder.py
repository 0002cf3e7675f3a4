from pathlib import Path

import pytest

from gta.data.folder import read_folder
from gta.errors import DataError


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"never opened")
    return root


def ids(root: Path, split, **options) -> set[str]:
    return {video.id for video in read_folder(root, split, **options).videos}


@pytest.mark.parametrize("val", ["val", "validation", "test"])
def test_train_and_val_folders(tmp_path, val):
    make(
        tmp_path,
        *("train/run/2.mp4", "train/run/1.webm", "train/jump/a b.AVI", "train/jump/3/0001.jpg"),
        *(f"{val}/run/1.mp4", f"{val}/jump/1.mp4"),
        *("LICENSE", "train/list.csv", "train/run/notes.txt", "train/run/.hidden.mp4"),
        *("train/.git/x.mp4", "train/__MACOSX/x.mp4"),
    )
    train, held_out = (read_folder(tmp_path, split) for split in ("train", "val"))
    assert train.classes == held_out.classes == ["jump", "run"]
    assert [(video.id, video.label) for video in train.videos] == [
        ("train/jump/3", 0),
        ("train/jump/a b.AVI", 0),
        ("train/run/1.webm", 1),
        ("train/run/2.mp4", 1),
    ]
    assert all(video.path == tmp_path / video.id for video in train.videos)
    assert [video.id for video in held_out.videos] == [f"{val}/jump/1.mp4", f"{val}/run/1.mp4"]


def test_split_of_each_class(tmp_path):
    make(tmp_path, *(f"a/{i}.mp4" for i in range(20)), *(f"b/{i}.mp4" for i in range(3)), "c/1.mp4")
    train, val = ids(tmp_path, "train"), ids(tmp_path, "val")
    assert not train & val
    assert len(train | val) == 24
    assert [sum(id.startswith(c) for id in val) for c in "abc"] == [4, 1, 0]
    assert read_folder(tmp_path, "val").classes == ["a", "b", "c"]
    assert ids(tmp_path, "val", seed=1) != val
    assert len(ids(tmp_path, "val", val_fraction=0.99)) == 19 + 2
    assert len(ids(tmp_path, "val", val_fraction=0.0)) == 2


def test_an_added_file_moves_at_most_one_other(tmp_path):
    make(tmp_path, *(f"{c}/{i}.mp4" for c in "ab" for i in range(10)))
    val = ids(tmp_path, "val")
    for i in range(10, 40):
        make(tmp_path, f"a/{i}.mp4")
        before, val = val, ids(tmp_path, "val")
        assert len((before ^ val) - {f"a/{i}.mp4"}) <= 1


def error(root: Path, split="train") -> str:
    with pytest.raises(DataError) as caught:
        read_folder(root, split)
    return str(caught.value)


def test_no_classes(tmp_path):
    assert error(make(tmp_path / "mine", "1.mp4")) == (
        f"{tmp_path / 'mine'} holds no folders. Put the videos of each class into a folder that "
        f"has the name of the class: mine/<class>/<video>.mp4"
    )


def test_one_class(tmp_path):
    assert error(make(tmp_path, "only/1.mp4", "only/2.mp4")) == (
        f"{tmp_path} has only one class, 'only'; a classifier needs two or more. "
        f"Put the videos of each class into a folder of their own."
    )


def test_empty_classes(tmp_path):
    make(tmp_path, "a/1.mp4", "b/notes.txt", "b/2.mp3")
    assert error(tmp_path).startswith(
        f"No videos in the class folder 'b' of {tmp_path}. Add videos (.mp4, .mkv, .webm,"
    )
    assert error(tmp_path).endswith("or folders of frames), or remove the folder.")
    for i in range(11):
        (tmp_path / f"c{i:02}").mkdir()
    listed = ", ".join(f"'c{i:02}'" for i in range(9))
    assert f"No videos in the class folders 'b', {listed} and 2 more of" in error(tmp_path)


def test_splits_with_other_classes(tmp_path):
    make(tmp_path, "train/a/1.mp4", "train/b/1.mp4", "val/a/1.mp4", "val/B/1.mp4", "val/c/1.mp4")
    assert error(tmp_path) == (
        f"The classes of {tmp_path} differ between its splits; only in train/: 'b'; only in val/: "
        f"'B', 'c'. Both need the same folders; a difference in spelling counts."
    )


def test_only_one_split(tmp_path):
    for split, missing in (("train", "none of val/, validation/, test/"), ("val", "no train/")):
        root = make(tmp_path / split, f"{split}/a/1.mp4", f"{split}/b/1.mp4")
        assert error(root) == (
            f"{root} has {split}/ but {missing}. Add one, or give {root / split} as the data "
            f"folder: a part of it is then kept for validation."
        )


def test_a_test_folder_beside_the_others(tmp_path):
    for split in ("train", "val", "test"):
        make(tmp_path, f"{split}/a/{split}.mp4", f"{split}/b/{split}.mp4")
    for split in ("train", "val", "test"):
        assert [v.path.stem for v in read_folder(tmp_path, split).videos] == [split, split]


def test_no_test_folder(tmp_path):
    make(tmp_path, "train/a/1.mp4", "train/b/1.mp4", "val/a/2.mp4", "val/b/2.mp4")
    with pytest.raises(DataError) as caught:
        read_folder(tmp_path, "test")
    assert str(caught.value) == f"{tmp_path} has no test/; its splits are 'train' and 'val'."


@pytest.mark.parametrize("names", [("train_256", "val_256"), ("videos_train", "videos_val")])
def test_other_usual_names_of_splits(tmp_path, names):
    for name in names:
        make(tmp_path, f"{name}/a/1.mp4", f"{name}/b/1.mp4")
    for split, name in zip(("train", "val"), names, strict=True):
        assert [v.id for v in read_folder(tmp_path, split).videos] == [
            f"{name}/{c}/1.mp4" for c in "ab"
        ]


def test_classes_may_be_called_train_and_val(tmp_path):
    make(tmp_path, *(f"{c}/{i}.mp4" for c in ("train", "plane") for i in range(2)))
    assert read_folder(tmp_path, "train").classes == ["plane", "train"]


def test_folders_too_deep(tmp_path):
    make(tmp_path, "a/1.mp4", "b/more/1.mp4")
    assert error(tmp_path) == (
        f"{tmp_path / 'b/more'} is inside a class folder but is no folder of JPEG or PNG frames. "
        f"Videos lie directly in the folder of their class: {tmp_path / 'b'}"
    )


def test_nothing_left_for_validation(tmp_path):
    make(tmp_path / "mine", "a/1.mp4", "b/1.mp4")
    assert ids(tmp_path / "mine", "train") == {"a/1.mp4", "b/1.mp4"}
    assert error(tmp_path / "mine", "val") == (
        f"{tmp_path / 'mine'} leaves no video for validation: each class has only one. Add "
        f"videos, or make the folders mine/train/<class> and mine/val/<class>."
    )
