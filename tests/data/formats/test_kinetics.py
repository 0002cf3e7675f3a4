from pathlib import Path

import pytest

from gta.data.decode import count_frames, read_frames
from gta.data.formats.kinetics import read_kinetics
from gta.data.videos import load_videos
from gta.errors import DataError

HEADER = "label,youtube_id,time_start,time_end,split"
ROWS = {
    "train": [
        ("riding a bike", "-0aBc_dEfGh", 10, 20),
        ("abseiling", "__NrybzYzUg", 415, 425),
        ("riding a bike", "-0aBc_dEfGh", 20, 30),
    ],
    "validate": [("abseiling", "0123456789_", 0, 10)],
    "test": [("", "zzzzzzzzzzz", 7, 17)],
}


def write_csv(root: Path, *, is_cc: bool = False, folder: str = "") -> Path:
    (root / folder).mkdir(parents=True, exist_ok=True)
    for split, rows in ROWS.items():
        lines = [HEADER + ",is_cc" * is_cc]
        for label, id, start, end in rows:
            lines.append(f'"{label}",{id},{start},{end},{split}' + ",0" * is_cc)
        (root / folder / f"{split}.csv").write_text("\n".join(lines) + "\n")
    return root


def clips(split: str) -> list[str]:
    return [f"{id}_{start:06d}_{end:06d}" for _, id, start, end in ROWS[split]]


@pytest.mark.parametrize("is_cc", [False, True])
@pytest.mark.parametrize("place", ["train", "videos", ".", "compress/train_256/any_class"])
def test_official_csv(tmp_path, write_video, frame_numbers, is_cc, place):
    if place.count("/") == 2:
        place = place.removeprefix("compress/")
    root = write_csv(tmp_path, is_cc=is_cc, folder="annotations" if is_cc else "")
    for clip in clips("train"):
        write_video(root / place / f"{clip}.mp4", 3)
    found = load_videos("kinetics", root, "train")
    assert found.classes == ["abseiling", "riding a bike"]
    assert [(v.id, v.label) for v in found.videos] == list(
        zip(clips("train"), [1, 0, 1], strict=True)
    )
    assert frame_numbers(read_frames(found.videos[2].path)) == [0, 1, 2]
    assert found.missing == ()


def test_one_class_folder_each_with_underscores_and_frames(tmp_path, write_video, write_pictures):
    root = write_csv(tmp_path)
    first, second, third = clips("train")
    write_video(root / "train/riding_a_bike" / f"{first}.mkv", 3, codec="libx264")
    write_pictures(root / "train/abseiling" / second, 4)
    write_video(root / "train/riding_a_bike" / f"{third}.mp4", 5)
    found = read_kinetics(root, "train")
    assert [count_frames(video.path) for video in found.videos] == [3, 4, 5]


def test_missing_videos_are_left_out_and_listed(tmp_path, write_video):
    root = write_csv(tmp_path)
    first, *rest = clips("train")
    write_video(root / "train" / f"{first}.mp4", 3)
    found = load_videos("kinetics", root, "train")
    assert [video.id for video in found.videos] == [first]
    assert found.missing == tuple(rest)
    with pytest.raises(DataError) as caught:
        read_kinetics(root, "val")
    assert str(caught.value) == (
        f"None of the 1 videos of {root / 'validate.csv'} is under {root}. Looked in it and 4 "
        f"levels of folders for videos or folders of frames such as "
        f"0123456789__000000_000010.mp4."
    )


def test_files_named_by_the_id_alone(tmp_path, write_video):
    root = write_csv(tmp_path)
    write_video(root / "val/abseiling/0123456789_.mp4", 3)
    found = read_kinetics(root, "val")
    assert [(video.id, video.path.name) for video in found.videos] == [
        (clips("validate")[0], "0123456789_.mp4")
    ]


def test_the_test_split_may_be_without_labels(tmp_path, write_video):
    root = write_csv(tmp_path)
    write_video(root / "test" / f"{clips('test')[0]}.mp4", 3)
    assert [video.label for video in read_kinetics(root, "test").videos] == [None]
    (root / "test.csv").write_text("youtube_id,time_start,time_end,split\nzzzzzzzzzzz,7,17,test\n")
    assert [video.label for video in read_kinetics(root, "test").videos] == [None]


def test_a_folder_per_class_without_a_csv(tmp_path, write_video):
    for split in ("train", "val"):
        for name in ("abseiling", "riding_a_bike"):
            write_video(tmp_path / split / name / "x_000001_000011.mp4", 3)
    found = load_videos("kinetics", tmp_path, "val")
    assert found.classes == ["abseiling", "riding_a_bike"]
    assert [video.label for video in found.videos] == [0, 1]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["label,url", "a,b"], "is no annotation of Kinetics: its first line lacks youtube_id,"),
        ([HEADER, "a,../x,1,2,train"], "line 2: '../x' cannot be the name of a video."),
        ([HEADER, "a,x,soon,2,train"], "line 2: 'soon' and '2' are no times in seconds."),
        (
            [HEADER, "a,x,1,2,train", "b,x,1,2,train"],
            "line 3: id 'x_000001_000002' is there twice, first at line 2, with the labels 'a' and",
        ),
        ([HEADER], "lists no videos."),
    ],
)
def test_lines_that_make_no_sense(tmp_path, lines, words):
    (tmp_path / "train.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=f"^{tmp_path / 'train.csv'}") as caught:
        read_kinetics(tmp_path, "train")
    assert words in str(caught.value)


def test_a_class_that_training_lacks(tmp_path):
    (tmp_path / "train.csv").write_text(f"{HEADER}\na,x,1,2,train\n")
    (tmp_path / "test.csv").write_text(f"{HEADER}\nb,y,1,2,test\n")
    with pytest.raises(DataError) as caught:
        read_kinetics(tmp_path, "test")
    file = tmp_path / "test.csv"
    assert str(caught.value) == f"{file}, line 2: 'b' is not a class of the training annotation."


def test_only_one_csv(tmp_path):
    (tmp_path / "train.csv").write_text(f"{HEADER}\na,x,1,2,train\n")
    with pytest.raises(DataError) as caught:
        read_kinetics(tmp_path, "val")
    assert str(caught.value) == (
        f"{tmp_path} has train.csv, but no annotation of the val split of Kinetics. Looked for: "
        f"val.csv, validate.csv, validation.csv, also in its folders annotations and labels, and "
        f"for names like k400_val.csv."
    )


def test_the_same_line_twice_is_one_video(tmp_path, write_video):
    (tmp_path / "train.csv").write_text(f"{HEADER}\na,x,1,11,train\na,x,1,11,train\n")
    write_video(tmp_path / "x_000001_000011.mp4", 2)
    assert [video.id for video in read_kinetics(tmp_path, "train").videos] == ["x_000001_000011"]
