import json
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
    listed = load_videos("kinetics", root, "train")
    assert listed.classes == ["abseiling", "riding a bike"]
    assert [(v.id, v.label) for v in listed.videos] == list(
        zip(clips("train"), [1, 0, 1], strict=True)
    )
    assert frame_numbers(read_frames(listed.videos[2].path)) == [0, 1, 2]
    assert listed.missing == ()


def test_one_class_folder_each_with_underscores_and_frames(tmp_path, write_video, write_pictures):
    root = write_csv(tmp_path)
    first, second, third = clips("train")
    write_video(root / "train/riding_a_bike" / f"{first}.mkv", 3, codec="libx264")
    write_pictures(root / "train/abseiling" / second, 4)
    write_video(root / "train/riding_a_bike" / f"{third}.mp4", 5)
    listed = read_kinetics(root, "train")
    assert [count_frames(video.path) for video in listed.videos] == [3, 4, 5]


def test_missing_videos_are_left_out_and_listed(tmp_path, write_video):
    root = write_csv(tmp_path)
    first, *rest = clips("train")
    write_video(root / "train" / f"{first}.mp4", 3)
    listed = load_videos("kinetics", root, "train")
    assert [video.id for video in listed.videos] == [first]
    assert listed.missing == tuple(rest)
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
    listed = read_kinetics(root, "val")
    assert [(video.id, video.path.name) for video in listed.videos] == [
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
    listed = load_videos("kinetics", tmp_path, "val")
    assert listed.classes == ["abseiling", "riding_a_bike"]
    assert [video.label for video in listed.videos] == [0, 1]


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


def test_a_class_that_validation_alone_has_is_said(make):
    files = [f"{A}.mp4", f"{B}.mp4"]
    val = f"{HEADER}\nyoga,{A},30,40,val\nyogga,{B},5,15,val\n"
    root = make({"train.csv": f"{HEADER}\nyoga,{A},10,20,train\n", "val.csv": val}, files)
    for split in ("train", "val"):
        notes = load_videos("kinetics", root, split).notes
        assert notes[-1] == "classes of validation videos alone: yogga"


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


A, B = "abcdefghijk", "zbcdefghijk"
TRAIN = f"{HEADER}\nyoga,{A},10,20,train\ndancing,{B},5,15,train\n"
FILES = [f"train/{A}_000010_000020.mp4", f"train/{B}_000005_000015.mp4"]


def read(root, split="train", **lists):
    listed = load_videos("kinetics", root, split, lists=lists or None)
    return {
        v.id: (str(v.path.relative_to(root)), v.label and listed.classes[v.label])
        for v in listed.videos
        if isinstance(v.path, Path)
    }


@pytest.mark.parametrize(
    "name",
    [
        *("k400_train.csv", "kinetics-600_train.csv", "kinetics_train.csv", "training.csv"),
        *("kinetics700_2020/train.csv", "k400/annotations/train.csv", "k700-2020_train.csv"),
        *("annotations/kinetics_train.csv", "kinetics_700_train.csv", "train_kinetics400.csv"),
        *("Kinetics-400/Train.csv", "kinetics600.csv", "k400_train_list.csv"),
    ],
)
def test_names_of_annotations(make, name):
    root = make({name: TRAIN, "kinetics_400_labels.csv": "id,name\n0,yoga\n"}, FILES)
    assert [path for path, _ in read(root).values()] == FILES


@pytest.mark.parametrize(
    "name", ["validate.csv", "k400_val.csv", "kinetics_validation.csv", "kinetics600/val.csv"]
)
def test_names_of_annotations_for_validation(make, name):
    root = make({"train.csv": TRAIN, name: TRAIN}, FILES)
    assert len(read(root, "val")) == 2


SEGMENTS = {
    A: {"annotations": {"label": "yoga", "segment": [10.0, 20.0]}, "subset": "train"},
    B: {"annotations": {"label": "dancing", "segment": [5.0, 15.0]}, "subset": "validate"},
}


def test_json(make):
    root = make({"kinetics700_2020.json": json.dumps(SEGMENTS)}, FILES)
    assert [next(iter(read(root, split).values()))[0] for split in ("train", "val")] == FILES
    database = {
        id: entry | {"annotations": [entry["annotations"]]} for id, entry in SEGMENTS.items()
    }
    make({"kinetics700_2020.json": json.dumps({"version": 1, "database": database})})
    assert load_videos("kinetics", root, "val").classes == ["dancing", "yoga"]
    make({"kinetics700_2020.json": json.dumps({A: {"annotations": {"label": "yoga"}}})})
    with pytest.raises(DataError, match=f"entry '{A}': expected "):
        read(root)


def test_several_annotations_of_a_split(make):
    other = TRAIN.replace("dancing", "singing")
    root = make({"k400_train.csv": TRAIN, "k600_train.csv": other}, FILES)
    with pytest.raises(DataError) as caught:
        read(root)
    assert str(caught.value) == (
        f"{root} has several annotations of the train split of Kinetics: k400_train.csv, "
        f"k600_train.csv. Say which: --set data.train_list=k400_train.csv"
    )
    assert (
        "singing"
        in load_videos("kinetics", root, "train", lists={"train": "k600_train.csv"}).classes
    )


def test_an_annotation_whose_name_does_not_tell(make):
    with pytest.raises(DataError) as caught:
        read(make({"mine.csv": TRAIN}, FILES))
    assert str(caught.value).endswith(
        "Or, for an annotation of Kinetics, name it like train.csv and val.csv; there is mine.csv."
    )


@pytest.mark.parametrize(
    "text",
    [
        TRAIN.replace(",", "\t").replace("\n", "\r\n"),
        TRAIN.replace(HEADER, "Class,YouTube ID,Start (s),End (s),Set"),
        "\ufeff" + TRAIN.replace(",10,20", ",10.0,20.0"),
        f"# v1\nyoutube_id;time_start;time_end;label\n{A};10;20;yoga\n{B};5;15;dancing\n",
    ],
)
def test_forms_of_the_csv(make, text):
    assert [path for path, _ in read(make({"train.csv": text}, FILES)).values()] == FILES


@pytest.mark.parametrize(
    "files",
    [
        [f"{A}_10_20.mp4", f"{B}_5_15.mp4"],
        [f"{A}.mp4", f"{B}.MKV"],
        [f"{A}_10_20.mp4.mkv", f"{B}.webm.mp4"],
        [f"train_256/yoga pose/{A}_000010_000020.mp4", f"validation/{B}.webm"],
        [f"k400/train/yoga/{A}_000010_000020.mp4", f"k400/replacement/{B}_000005_000015.mp4"],
    ],
)
def test_names_of_clips(make, files):
    assert [path for path, _ in read(make({"train.csv": TRAIN}, files)).values()] == files


def test_two_times_of_one_id_are_two_videos(make):
    text = f"{HEADER}\nyoga,{A},10,20,train\nyoga,{A},30,40,train\ndancing,{B},5,15,train\n"
    files = [f"{A}_000010_000020.mp4", f"{A}_30_40.mp4", f"{B}.mp4"]
    root = make({"train.csv": text}, files)
    assert [path for path, _ in read(root).values()] == files
    for file in files[:2]:
        (root / file).unlink()
    make({}, [f"{A}.mp4"])  # which of its times it has is unclear
    listed = load_videos("kinetics", root, "train")
    assert listed.missing == (f"{A}_000010_000020", f"{A}_000030_000040")
    assert listed.notes == (
        "2 clips are left out: files named by the id alone do not tell which of its times they are "
        f"({A}_000010_000020)",
    )


def test_a_replacement_goes_before_what_it_replaces(make):
    replaced = f"replacement/replacement_for_corrupted_k400/{B}_000005_000015.mp4"
    root = make({"train.csv": TRAIN}, [*FILES, replaced])
    assert [path for path, _ in read(root).values()] == [FILES[0], replaced]
    assert load_videos("kinetics", root, "train").notes == (
        f"A clip is there more than once, read is the first ({B}_000005_000015: {replaced}, "
        f"{FILES[1]})",
    )


def test_links_that_lead_back(make):
    root = make({"train.csv": TRAIN}, FILES)
    (root / "train/all").symlink_to(root)
    assert len(read(root)) == 2


def test_labels_that_are_numbers_stay_numbers(make):
    text = TRAIN.replace("yoga", "10").replace("dancing", "2")
    assert [label for _, label in read(make({"train.csv": text}, FILES)).values()] == ["10", "2"]


def test_an_unquoted_comma_is_refused(make):
    with pytest.raises(
        DataError, match=r"line 2: 6 columns, and the header has 5\. A name with the"
    ):
        read(make({"train.csv": TRAIN.replace("yoga", "yoga, hot")}, FILES))


def test_one_file_of_one_split_is_not_read_for_another(make):
    only = {id: entry | {"subset": "validate"} for id, entry in SEGMENTS.items()}
    root = make({"kinetics400.json": json.dumps(only)}, FILES)
    assert len(read(root, "val")) == 2
    with pytest.raises(DataError, match=r"kinetics400.json lists no videos of the train split\."):
        read(root)
    make(
        {"kinetics400.json": json.dumps({id: entry | {"subset": ""} for id, entry in only.items()})}
    )
    for split in ("train", "val"):
        with pytest.raises(DataError, match="is the list of training and of val, and no column"):
            read(root, split)
