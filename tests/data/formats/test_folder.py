import os
from pathlib import Path

import pytest

from gta.data.formats.folder import read_folder
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
        f"{tmp_path / 'mine'} holds no folders, only 1 video. Put the videos of each class into a "
        f"folder that has the name of the class: mine/<class>/<video>.mp4"
    )


def test_one_class(tmp_path):
    assert error(make(tmp_path, "only/1.mp4", "only/2.mp4")) == (
        f"{tmp_path} has only one class, 'only'; a classifier needs two or more. "
        f"Put the videos of each class into a folder of their own."
    )


def test_empty_classes(tmp_path):
    make(tmp_path, "a/1.mp4", "b/notes.txt", "b/2.mp3")
    assert error(tmp_path) == (
        f"No video in 1 class folder of {tmp_path}: b (holds 1 .mp3 and 1 .txt). Add videos (.mp4, "
        f".mkv, .webm, .avi and others, docs/data.md names them; or a folder of frames for each), "
        f"or remove the folder."
    )
    for i in range(11):
        (tmp_path / f"c{i:02}").mkdir()
    listed = ", ".join(f"c{i:02}" for i in range(9))
    assert f"No video in 12 class folders of {tmp_path}: b (" in error(tmp_path)
    assert f"), {listed} and 2 more. Add" in error(tmp_path)
    assert error(tmp_path).endswith("or remove the folders.")


def test_splits_with_other_classes(tmp_path):
    make(tmp_path, "train/a/1.mp4", "train/b/1.mp4", "val/a/1.mp4", "val/B/1.mp4", "val/c/1.mp4")
    assert error(tmp_path) == (
        f"The classes of {tmp_path} differ between its splits: only in train/: b, only in val/: B, "
        f"only in val/: c. Both need the same folders; a difference in spelling counts."
    )


def test_all_faults_in_one_message(tmp_path):
    make(tmp_path, "train/a/1.mp4", "train/b/x.txt", "val/a/more/1.mp4", "val/c/1.mp4")
    (tmp_path / "train/a/empty").mkdir()
    told = error(tmp_path)
    assert "differ between its splits: only in train/: b, only in val/: c." in told
    assert f"No video in 1 class folder of {tmp_path / 'train'}: b (holds 1 .txt)." in told
    assert f"{tmp_path / 'train/a/empty'} (is empty)" in told
    assert f"{tmp_path / 'val/a/more'} (holds 1 video)" in told


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
    make(tmp_path, "a/1.mp4", "b/more/1.mp4", "b/still/more/1.mp4")
    assert error(tmp_path) == (
        f"2 folders inside class folders of {tmp_path} are no folder of frames: "
        f"{tmp_path / 'b/more'} (holds 1 video), {tmp_path / 'b/still'} (holds 1 folder, no "
        f"frames). Videos lie directly in the folder of their class: "
        f"{tmp_path}/<class>/<video>.mp4"
    )


def test_a_picture_beside_videos_makes_no_frames_of_them(tmp_path):
    make(tmp_path, "a/1.mp4", "b/1.mp4", *(f"b/more/{i}.mp4" for i in range(3)), "b/more/1.jpg")
    assert f"{tmp_path / 'b/more'} (holds 3 videos and 1 picture)" in error(tmp_path)


def test_a_video_beside_its_frames_is_passed_over_aloud(tmp_path):
    make(tmp_path, "a/1.mp4", *(f"b/1/{i}.jpg" for i in range(9)), "b/1/preview.mp4")
    listed = read_folder(tmp_path, "train")
    assert [video.id for video in listed.videos] == ["a/1.mp4", "b/1"]
    assert listed.notes == (
        f"1 file in {tmp_path} is passed over, no video of a class: 1 .mp4; gta check names it",
    )


def test_links_that_lead_in_circles(tmp_path):
    make(tmp_path, "a/1.mp4", "a/2.mp4", "b/1.mp4")
    (tmp_path / "a/self.mp4").symlink_to(tmp_path / "a/self.mp4")
    (tmp_path / "b/up").symlink_to(tmp_path)
    assert f"{tmp_path / 'b/up'} (holds 2 folders, no frames)" in error(tmp_path)
    (tmp_path / "b/up").unlink()
    assert "a/self.mp4" in ids(tmp_path, "train") | ids(tmp_path, "val")  # reading it says why not


def test_folders_that_cannot_be_opened(tmp_path, monkeypatch):
    make(tmp_path, "a/1.mp4", "b/1.mp4", "b/2/1.jpg")
    closed, scandir = {str(tmp_path / "a"), str(tmp_path / "b/2")}, os.scandir

    def refuse(folder):
        if str(folder) in closed:
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr("os.scandir", refuse)
    assert error(tmp_path) == (
        f"2 folders of {tmp_path} cannot be opened: {tmp_path / 'a'} (no permission), "
        f"{tmp_path / 'b/2'} (no permission). Give it the permission to be read, or move it out of "
        f"the data folder."
    )


def test_what_is_passed_over_is_counted_by_ending(tmp_path):
    make(
        tmp_path,
        *("a/1.mp4", "a/1.srt", "a/2.srt", "a/README", "a/.x.mp4", "b/1.mp4", "b/.DS_Store"),
        *("b/2.jpg", "loose.mp4", "LICENSE", "__MACOSX/a/._1.mp4", "a/._1.mp4"),
    )
    assert read_folder(tmp_path, "train").notes == (
        f"6 files in {tmp_path} are passed over, no videos of a class: 2 .srt, 1 hidden, 1 "
        f"without an ending, 1 .jpg and 1 .mp4; gta check names them",
    )
    make(tmp_path / "clean", "a/1.mp4", "b/1.mp4", "b/.DS_Store", "LICENSE")
    assert read_folder(tmp_path / "clean", "train").notes == ()


def ucf(root: Path) -> Path:
    return make(
        root,
        *(
            f"{c}/v_{c}_g{g:02}_c{k:02}.avi"
            for c in ("Archery", "Biking")
            for g in range(1, 7)
            for k in range(1, 5)
        ),
    )


def test_groups_may_be_kept_together(tmp_path):
    ucf(tmp_path)

    def groups(split, **options) -> set[str]:
        return {id.rpartition("_c")[0] for id in ids(tmp_path, split, **options)}

    assert groups("train") & groups("val")
    assert not groups("train", keep_groups=True) & groups("val", keep_groups=True)
    kept = [ids(tmp_path, split, keep_groups=True) for split in ("train", "val")]
    assert [len(part) for part in kept] == [32, 16]
    assert len(kept[0] | kept[1]) == 48


def test_groups_with_clips_of_several_classes_are_kept_together(tmp_path):
    make(tmp_path, *(f"{c}/match{m}-{i}.mp4" for c in "abc" for m in range(12) for i in range(3)))

    def matches(split) -> set[str]:
        return {id.split("/")[1].partition("-")[0] for id in ids(tmp_path, split, keep_groups=True)}

    assert len(matches("val")) == 3
    assert not matches("train") & matches("val")


def test_a_class_of_one_group_is_for_training(tmp_path):
    make(tmp_path, *(f"a/v_a_g01_c{i:02}.avi" for i in range(5)), "b/1.mp4", "b/2.mp4")
    assert ids(tmp_path, "val", keep_groups=True) <= {"b/1.mp4", "b/2.mp4"}


def test_the_split_is_that_of_earlier_versions(tmp_path):
    """A run that was begun before must find its own videos."""
    make(tmp_path, *(f"{c}/{i:03}.mp4" for c in "ab" for i in range(10)))
    held_out = {"a": ["007.mp4", "009.mp4"], "b": ["003.mp4", "007.mp4"]}
    assert ids(tmp_path, "val") == {f"{c}/{name}" for c in "ab" for name in held_out[c]}


def test_names_that_are_not_utf8(tmp_path):
    make(tmp_path, *(f"{c}/{i}.mp4" for c in "ab" for i in range(3)))
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/a/caf\xe9.mp4")
    try:
        os.rename(tmp_path / "a/1.mp4", odd)
    except OSError:
        pytest.skip("this file system takes UTF-8 names alone")
    assert len(ids(tmp_path, "train") | ids(tmp_path, "val")) == 6


def test_nothing_left_for_validation(tmp_path):
    make(tmp_path / "mine", "a/1.mp4", "b/1.mp4")
    assert ids(tmp_path / "mine", "train") == {"a/1.mp4", "b/1.mp4"}
    assert error(tmp_path / "mine", "val") == (
        f"{tmp_path / 'mine'} leaves no video for validation: each class has only one. Add "
        f"videos, or make the folders mine/train/<class> and mine/val/<class>."
    )


def test_pictures_in_formats_that_are_not_read_are_named(tmp_path):
    make(tmp_path, "a/1.mp4", "b/1.mp4", *(f"b/more/{i}.avif" for i in range(3)))
    assert f"{tmp_path / 'b/more'} (holds 3 .avif, no frames)" in error(tmp_path)


@pytest.mark.parametrize("place", ["runs/mine", "mine", "a/mine"])
def test_the_folder_of_a_training_is_no_class_and_no_video(tmp_path, place):
    make(tmp_path, *(f"{c}/{i}.mp4" for c in "ab" for i in range(5)))
    before = [(v.id, v.label) for v in read_folder(tmp_path, "train").videos]
    files = ("recipe.yaml", "labels.json", "log.txt", "scores-confusion.png")
    make(tmp_path, *(f"{place}/{name}" for name in files))
    after = read_folder(tmp_path, "train")
    assert after.classes == ["a", "b"]
    assert [(v.id, v.label) for v in after.videos] == before
    assert after.notes == (f"1 folder of trainings in {tmp_path} passed over: {place}",)
