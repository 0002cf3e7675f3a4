"""One file for several splits: a column divides its lines, or it is refused."""

import json

import pytest

from gta.data.videos import load_videos
from gta.errors import DataError

VIDEOS = ["a.mp4", "b.mp4", "c.mp4", "d.mp4"]
BOTH = {"train": "all.csv", "val": "all.csv"}


def ids(root, lists=BOTH):
    return [
        "".join(v.id[0] for v in load_videos("list", root, split, lists=lists).videos)
        for split in ("train", "val")
    ]


def rows(header, *cells):
    lines = [f"{name},{'run' if i % 2 else 'walk'},{cell}" for i, (name, cell) in enumerate(cells)]
    return "\n".join([f"path,label,{header}", *lines]) + "\n"


def table(header, cells):
    return rows(header, *zip(VIDEOS, cells, strict=True))


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("is_train", ("True", "True", "False", "False")),
        ("isTrain", ("1", "1", "0", "0")),
        ("is training", ("1.0", "1.0", "0.0", "0.0")),
        ("in_train_set", ("yes", "yes", "no", "no")),
        ("train", ("TRUE", "TRUE", "", "")),
        ("is_val", ("False", "False", "True", "True")),
        ("validation", ("0", "0", "1", "1")),
        ("is_test", ("False", "False", "True", "True")),
        ("is_train,is_val", ("1,0", "1,0", "0,1", "0,1")),
        ("is_val,is_test", ("0,0", "0,0", "1,0", "1,0")),
        ("is_train,is_val,is_test", ("1,0,0", "1,0,0", "0,1,0", "0,1,0")),
        ("split", ("Train", "train", "val", "Val")),
        ("train", ("train", "train", "val", "val")),
        ("split,is_train", ("0,True", "0,True", "1,False", "1,False")),
        ("set,subset", ("A,train", "A,train", "B,test", "A,test")),
    ],
)
def test_columns_that_divide(make, header, cells):
    if header == "train":
        header = header if cells[0] == "TRUE" else "partition"
    assert ids(make({"all.csv": table(header, cells)}, VIDEOS)) == ["ab", "cd"]


def test_columns_between_spaces(make):
    for header in ("path label split", "path label train"):
        cells = ("train", "val") if "split" in header else ("1", "0")
        text = f"{header}\na.mp4 run {cells[0]}\nb.mp4 run {cells[1]}\n"
        assert ids(make({"all.csv": text}, VIDEOS)) == ["a", "b"]


def test_three_columns_leave_out_what_is_of_none_and_two_leave_the_test(make):
    cells = ("1,0", "0,1", "0,0", "1,0")
    root = make({"all.csv": table("is_train,is_val", cells)}, VIDEOS)
    assert ids(root) == ["ad", "b"]
    listed = load_videos("list", root, "test", lists={**BOTH, "test": "all.csv"})
    assert [v.id for v in listed.videos] == ["c.mp4"]
    assert (
        "line 1 is a header (video 'path', label 'label', split 'is_train', split 'is_val')"
        in (listed.notes[0])
    )
    cells = ("1,0,0", "0,1,0", "0,0,0", "1,0,0")
    make({"all.csv": table("is_train,is_val,is_test", cells)})
    assert ids(root) == ["ad", "b"]


def test_keys_of_json_divide(make):
    entries = [{"path": name, "label": "run", "is_train": name in "a.mp4 b.mp4"} for name in VIDEOS]
    root = make({"all.json": json.dumps(entries)}, VIDEOS)
    assert ids(root, {"train": "all.json", "val": "all.json"}) == ["ab", "cd"]
    lines = [
        json.dumps({"path": name, "label": 0, "split": "val" if name > "c" else "train"})
        for name in VIDEOS
    ]
    make({"all.jsonl": "\n".join(lines)})
    assert ids(root, {"train": "all.jsonl", "val": "all.jsonl"}) == ["ab", "cd"]


@pytest.mark.parametrize(
    ("header", "cells", "words"),
    [
        (
            "split",
            ("0", "0", "1", "1"),
            "line 2: 'a.mp4,walk,0' has '0' as its split; it is train, val or test. Column 'split' "
            "has '0', '1': write train, val or test there, or, if it is not the split, give it "
            "another name.",
        ),
        ("Subset", ("A", "B", "C", "A"), "Column 'Subset' has 'a', 'b', 'c': write train"),
        ("split", ("train", "train", "", "val"), "line 4: 'c.mp4,walk,' has '' as its split"),
        (
            "is_train",
            ("1", "1", "2", "0"),
            "line 4: 'c.mp4,walk,2' has '2' in column 'is_train'; it is True or False, or 1 or 0.",
        ),
        ("is_train,is_val", ("1,0", "1,1", "0,1", "0,1"), "line 3: 'b.mp4,run,1,1' is of several"),
    ],
)
def test_columns_that_are_no_split(make, header, cells, words):
    root = make({"all.csv": table(header, cells)}, VIDEOS)
    for lists in (BOTH, {"train": "all.csv"}):
        with pytest.raises(DataError) as caught:
            ids(root, lists)
        assert words in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "a.mp4 0\nb.mp4 1\n",
        "path,label\na.mp4,0\nb.mp4,1\n",
        "path,label,split\na.mp4,0,train\nb.mp4,1,train\n",
        "path,label,is_train\na.mp4,0,1\nb.mp4,1,1\n",
        "path,label,set\na.mp4,0,A\nb.mp4,1,B\n",
        "path,label,is_valid\na.mp4,0,0\nb.mp4,1,1\n",
        "path,label,fold\na.mp4,0,1\nb.mp4,1,2\n",
    ],
)
@pytest.mark.parametrize("split", ["train", "val"])
def test_the_same_lines_are_not_of_both_splits(make, text, split):
    root = make({"all.csv": text}, VIDEOS)
    (root / "again.csv").symlink_to(root / "all.csv")
    for second in ("all.csv", "./all.csv", "again.csv"):
        with pytest.raises(DataError) as caught:
            load_videos("list", root, split, lists={"train": "all.csv", "val": second})
        assert (
            "all.csv is the list of training and of val, and no column divides its lines: line "
            in str(caught.value)
        )
        assert str(caught.value).endswith(
            "would be in both. Give each line train, val or test in a column `split`, or give each "
            "split a file of its own: data.train_list, data.val_list."
        )


def test_the_list_that_is_found_for_training_is_not_that_of_validation(make):
    root = make({"train.csv": "a.mp4 0\nb.mp4 1\n"}, VIDEOS)
    for split in ("train", "val"):
        with pytest.raises(DataError, match="is the list of training and of val, and no column"):
            load_videos("list", root, split, lists={"val": "train.csv"})


def test_a_video_in_two_lines_is_not_of_both_splits(make):
    cells = (("a.mp4", "train"), ("b.mp4", "train"), ("./a.mp4", "val"), ("c.mp4", "val"))
    root = make({"all.csv": rows("split", *cells)}, VIDEOS)
    for split in ("train", "val"):
        with pytest.raises(DataError) as caught:
            load_videos("list", root, split, lists=BOTH)
        assert str(caught.value).endswith(
            "all.csv, line 4: video './a.mp4' is of the val split, and of training in line 2. "
            "Leave one of the lines."
        )


def test_one_list_for_validation_and_test(make):
    root = make({"train.csv": "a.mp4 0\n", "other.csv": "b.mp4 0\n"}, VIDEOS)
    lists = {"val": "other.csv", "test": "other.csv"}
    assert ids(root, lists) == ["a", "b"]


def test_a_list_of_one_split_is_read_whole_whatever_its_column_says(make):
    files = {
        "train.csv": "path,label,split,is_train\na.mp4,0,1,1\nb.mp4,1,1,1\n",
        "val.csv": "path,label,is_train\nc.mp4,0,False\nd.mp4,1,False\n",
    }
    assert ids(make(files, VIDEOS), {}) == ["ab", "cd"]
    for header in ("valid", "is_valid", "evaluated", "is_dev"):  # may be of something else
        make({"train.csv": f"path,label,{header}\na.mp4,0,1\nb.mp4,1,0\n"})
        assert ids(make({}), {}) == ["ab", "cd"]
    make({"train.csv": "path,label,phase\na.mp4,0,lift\nb.mp4,1,drop\n"})
    assert ids(make({}), {}) == ["ab", "cd"]
