"""All that is wrong with folders and annotations is told at once."""

from pathlib import Path

import pytest

from gta.data.check.finding import Finding
from gta.data.check.layout import Listed, is_folder_of_classes, list_annotated, list_folders
from gta.data.records import VideoList
from gta.errors import DataError


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"never opened")
    return root


def listed(root: Path, **options) -> Listed:
    settings = {"val_fraction": 0.2, "seed": 0, "keep_groups": False} | options
    return list_folders(root, **settings)


def kinds(seen: Listed) -> dict[str, Finding]:
    return {finding.kind: finding for finding in seen.findings}


def test_a_good_folder(tmp_path):
    seen = listed(make(tmp_path, *(f"{c}/{i}.mp4" for c in "ab" for i in range(5)), "LICENSE"))
    assert seen.findings == []
    assert seen.train is not None
    assert seen.val is not None
    assert (len(seen.train), len(seen.val)) == (8, 2)
    assert "--set data.keep_groups=true" in seen.way_out


def test_everything_at_once(tmp_path):
    make(
        tmp_path,
        *(f"train/{c}/{i}.mp4" for c in "ab" for i in range(3)),
        *("train/empty/notes.txt", "train/b/deep/1.mp4", "train/b/4.srt", "train/b/5.SRT"),
        *("train/b/still.jpg", "train/b/noending", "train/b/.6.mp4", "train/loose.mp4"),
        *("val/a/1.mp4", "val/B/1.mp4", "val/B/f/1.jpg", "val/B/f/2.jpg", "val/B/f/x.mp4"),
        *("more/a/1.mp4", "annotations/x.json", "sample.mp4"),
    )
    seen = listed(tmp_path)
    told = kinds(seen)
    errors = {kind for kind, finding in told.items() if finding.severity == "error"}
    assert errors == {"other classes in a split", "empty class folders", "nested folders"}
    assert told["other classes in a split"].items == [
        *("only in train/: b", "only in train/: empty", "only in val/: B")
    ]
    assert told["empty class folders"].items == ["empty (holds 1 .txt)"]
    assert told["nested folders"].items == [f"{tmp_path / 'train/b/deep'} (holds 1 video)"]
    assert told["other files"].items == [
        *("train/b/4.srt", "train/b/5.SRT", "train/b/noending", "train/empty/notes.txt")
    ]
    assert told["other files"].text == (
        "4 files in class folders without the ending of a video: 2 .srt, 1 without an ending and "
        "1 .txt. Passed over; docs/data.md has the endings"
    )
    assert told["pictures among videos"].items == ["train/b/still.jpg"]
    assert told["pictures among videos"].text.startswith("1 picture lies directly in class folders")
    assert told["videos beside frames"].items == ["val/B/f/x.mp4"]
    assert told["videos beside the classes"].items == ["train/loose.mp4"]
    assert told["beside the splits"].items == ["more/", "sample.mp4"]
    assert told["hidden files"].items == ["train/b/.6.mp4"]
    assert seen.train is not None
    assert seen.val is not None
    assert seen.train.classes == ["B", "a", "b", "empty"]
    assert (len(seen.train), len(seen.val)) == (6, 3)
    assert set(seen.empty) == {"B", "b", "empty"}
    assert seen.way_out == "move all of one into one split"


def test_videos_that_lie_in_no_class(tmp_path):
    seen = listed(make(tmp_path, "1.mp4", "2.mp4"))
    assert (seen.train, seen.val) == (None, None)
    assert kinds(seen)["no class folders"].text.startswith(
        f"{tmp_path} holds no folders, only 2 videos. Put the videos of each class into a folder"
    )
    assert kinds(seen)["videos beside the classes"].items == ["1.mp4", "2.mp4"]


def test_one_class_and_nothing_to_validate(tmp_path):
    seen = listed(make(tmp_path / "one", "a/1.mp4", "a/2.mp4"))
    assert "only one class" in kinds(seen)
    assert seen.train is not None
    seen = listed(make(tmp_path / "each", "a/1.mp4", "b/1.mp4"))
    assert kinds(seen)["no validation video"].severity == "error"
    assert seen.val is None


def test_a_train_folder_without_val(tmp_path):
    seen = listed(make(tmp_path, *(f"train/{c}/{i}.mp4" for c in "ab" for i in range(5))))
    assert kinds(seen)["only one split"].text.startswith(f"{tmp_path} has train/ but none of val/")
    assert seen.train is not None
    assert len(seen.train) == 8


def test_a_root_that_cannot_be_opened(tmp_path, monkeypatch):
    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("os.scandir", refuse)
    (finding,) = listed(tmp_path).findings
    assert finding.kind == "unusable folders"
    assert "cannot be opened: no permission" in finding.text


def test_one_annotation_is_wrong():
    def read(split) -> VideoList:
        if split == "val":
            raise DataError("val.csv, line 3: no label.")
        return VideoList([], ["a", "b"], notes=("labels are names",))

    seen = list_annotated(read)
    assert seen.train is not None
    assert seen.val is None
    assert seen.findings == [
        Finding(
            "error",
            "no list",
            "The validation videos cannot be listed: val.csv, line 3: no label.",
        ),
        Finding("note", "annotation", "labels are names"),
    ]


def test_both_annotations_are_wrong():
    def read(split) -> VideoList:
        raise DataError(f"{split}.csv is empty.")

    assert [finding.kind for finding in list_annotated(read).findings] == ["no list", "no list"]


def test_nothing_can_be_looked_at():
    def read(split) -> VideoList:
        raise DataError("no labels.json")

    with pytest.raises(DataError, match=r"no labels\.json"):
        list_annotated(read)


def test_which_data_are_folders(tmp_path):
    make(tmp_path, "train/a/1.mp4", "val/a/1.mp4")
    assert is_folder_of_classes("folder", str(tmp_path))
    assert is_folder_of_classes("kinetics", str(tmp_path))
    assert not is_folder_of_classes("list", str(tmp_path))
    assert not is_folder_of_classes("folder", str(tmp_path / "gone"))
    assert not is_folder_of_classes("folder", "https://x/y")
    make(tmp_path, "annotations/train.csv")
    assert not is_folder_of_classes("kinetics", str(tmp_path))


def test_folders_of_trainings_are_named(tmp_path):
    make(tmp_path, *(f"{c}/{i}.mp4" for c in "ab" for i in range(5)))
    make(tmp_path, "runs/1/recipe.yaml", "runs/1/labels.json", "runs/1/sheet.png")
    finding = kinds(listed(tmp_path))["trainings"]
    assert finding.severity == "warning"
    assert finding.items == ["runs/1"]
    assert finding.text.startswith("1 folder of trainings (gta train's --out) among the videos. ")
