"""Numbers stay numbers, names stay names, whatever another split has."""

import unicodedata

import pytest

from gta.data.formats.labels import classes_of
from gta.data.formats.rows import Row
from gta.data.videos import load_videos
from gta.errors import DataError

VIDEOS = [f"{i}.mp4" for i in range(12)]
NUMBERS = "".join(f"{i}.mp4 {i}\n" for i in range(12))
TWO = "a.mp4 0\nb.mp4 1\n"


def labels(root, split="train"):
    listed = load_videos("list", root, split)
    return {video.id: video.label for video in listed.videos}, listed.classes


@pytest.mark.parametrize(
    "test",
    [
        *("3.mp4 -1\n", "3.mp4\n", "", "# none\n", "3.mp4,unknown\n", "path\n3.mp4\n", "3.mp4,\n"),
        *('a.mp4,"unclosed\n', "a.mp4 1 2 3\n", b"\xff\xfe\xfa", "../x.mp4 1\n"),
    ],
)
def test_a_test_list_does_not_change_what_numbers_are(make, test):
    root = make({"train.csv": NUMBERS, "val.csv": NUMBERS, "test.csv": test}, VIDEOS)
    for split in ("train", "val"):
        assert labels(root, split) == (
            {f"{i}.mp4": i for i in range(12)},
            [str(i) for i in range(12)],
        )


@pytest.mark.parametrize("test", ["3.mp4 -1\n", "3.mp4\n", "path\n3.mp4\n", "3.mp4,\n", "id\n3\n"])
def test_videos_of_a_test_list_may_be_without_labels(make, test):
    root = make({"train.csv": NUMBERS, "test.csv": test}, VIDEOS)
    by_id, classes = labels(root, "test")
    assert (list(by_id.values()), len(classes)) == ([None], 12)
    with pytest.raises(DataError, match="There is no list of the val split, so that the one of"):
        labels(root, "val")


def test_a_validation_list_of_names_is_refused_but_not_by_training(make):
    root = make({"train.csv": NUMBERS, "val.csv": "3.mp4 run\n"}, VIDEOS)
    assert len(labels(root)[1]) == 12
    with pytest.raises(DataError, match="line 1: label 'run' is no number, and those of the train"):
        labels(root, "val")


def test_classes_are_the_same_whatever_is_asked(make):
    lists = {"train.csv": "1.mp4 1\n", "val.csv": "2.mp4 4\n", "test.csv": "3.mp4 2\n"}
    root = make(lists, VIDEOS)
    for split in ("train", "val", "test"):
        assert labels(root, split)[1] == ["0", "1", "2", "3", "4"]
    assert load_videos("list", root, "train").notes[1:] == (
        "Labels begin at 1: they are taken as numbers from 0 on, as they stand in the lists",
        "Label 4 is not in train.csv but in another list: 5 classes",
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("classes.txt", "jump\nrun\n"),
        ("classes.txt", "0 jump\n1 run\n"),
        ("classes.txt", "1 run\n0 jump\n"),
        ("classes.txt", "jump 0\nrun 1\n"),
        ("classes.txt", "1 jump\n2 run\n"),
        ("classes.txt", "0: jump\n1: run\n"),
        ("classes.txt", "name\njump\nrun\n"),
        ("classes.txt", "# two\njump\nrun\n"),
        ("labels.txt", "id,name\n0,jump\n1,run\n"),
        ("labels.txt", "\ufeff0,jump\r\n1,run\r\n"),
        ("classes.csv", "Class;Index\nrun;1\njump;0\n"),
        ("labels.csv", "name,id\nrun,1\njump,0\n"),
        ("label_map.txt", '"jump"\n"run"\n'),
        ("classes.csv", "Nummer,Name\n1,run\n0,jump\n"),
        ("classes.json", '{"run": 1, "jump": 0}'),
        ("labels.json", '{"1": "run", "0": "jump"}'),
        ("class_to_idx.json", '{"run": "1", "jump": "0"}'),
        ("label_map.json", '["jump", "run"]'),
        ("classes.json", '[{"id": 1, "name": "run"}, {"id": 0, "name": "jump"}]'),
    ],
)
def test_files_of_class_names(make, name, text):
    root = make({"train.csv": TWO, name: text}, ["a.mp4", "b.mp4"])
    assert labels(root) == ({"a.mp4": 0, "b.mp4": 1}, ["jump", "run"])
    assert f"Class names are those of {name}" in load_videos("list", root, "train").notes
    make({"train.csv": "a.mp4 run\nb.mp4 jump\n"})
    assert labels(root) == ({"a.mp4": 1, "b.mp4": 0}, ["jump", "run"])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("sit, then stand\nrun, then sit\n", ["sit, then stand", "run, then sit"]),
        ("level 1\nlevel 2\n", ["level 1", "level 2"]),
        ("name\n3 point shot\n2 point shot\n", ["3 point shot", "2 point shot"]),
    ],
)
def test_names_that_look_like_more(make, text, names):
    root = make({"train.csv": TWO, "classes.txt": text}, ["a.mp4", "b.mp4"])
    assert labels(root)[1] == names


def test_names_that_are_numbers(make):
    root = make({"train.csv": "a.mp4 7\nb.mp4 9\n", "classes.txt": "7\n8\n9\n"}, ["a.mp4", "b.mp4"])
    assert labels(root) == ({"a.mp4": 0, "b.mp4": 2}, ["7", "8", "9"])


def test_numbers_with_gaps(make):
    files = {"train.csv": "a.mp4 3\nb.mp4 9\n", "classes.txt": "9,run\n3,jump\n4,hop\n"}
    root = make(files, ["a.mp4", "b.mp4"])
    assert labels(root) == ({"a.mp4": 0, "b.mp4": 2}, ["jump", "hop", "run"])
    make({"train.csv": "a.mp4 3\nb.mp4 5\n"})
    with pytest.raises(
        DataError, match="label 5 is not one of the 3 classes; their numbers are in"
    ):
        labels(root)


def test_class_ind_may_have_some_of_the_classes(make):
    root = make({"train.csv": "a.mp4 5\n", "classInd.txt": "5 jump\n9 run\n"}, ["a.mp4"])
    assert labels(root) == ({"a.mp4": 0}, ["jump", "run"])


@pytest.mark.parametrize("text", ["jump\nrun\n", "1 jump\n2 run\n"])
def test_labels_that_count_from_1(make, text):
    files = {"train.csv": "a.mp4 1\nb.mp4 2\n", "classes.txt": text}
    root = make(files, ["a.mp4", "b.mp4"])
    assert labels(root) == ({"a.mp4": 0, "b.mp4": 1}, ["jump", "run"])
    notes = load_videos("list", root, "train").notes
    assert "Labels count from 1: 1 is 'jump' (classes.txt)" in notes


def test_folders_of_classes_tell_where_labels_begin(make):
    names = {"classes.txt": "1 jump\n2 long_run\n3 walk\n"}
    videos = ["jump/a.mp4", "long run/b.mp4"]
    root = make({"train.csv": "jump/a.mp4 1\nlong run/b.mp4 2\n", **names}, videos)
    assert labels(root)[0] == {"jump/a.mp4": 0, "long run/b.mp4": 1}
    make({"train.csv": "long run/b.mp4 1\n"})  # as MMAction2's lists beside classInd.txt
    assert labels(root)[0] == {"long run/b.mp4": 1}


def test_two_unicode_forms_of_a_name_are_one_class(make):
    composed, decomposed = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    root = make({"train.csv": f"a.mp4,{composed}\nb.mp4,{decomposed}\n"}, ["a.mp4", "b.mp4"])
    assert labels(root) == ({"a.mp4": 0, "b.mp4": 0}, [composed])
    make({"classes.txt": f"{decomposed}\nrun\n"})
    assert labels(root) == ({"a.mp4": 0, "b.mp4": 0}, [decomposed, "run"])


@pytest.mark.parametrize("name", ["labels.txt", "labels.csv"])
def test_a_list_of_videos_is_no_file_of_classes(make, name):
    root = make({"train.csv": TWO, name: "path,label\na.mp4,0\nb.mp4,1\n"}, ["a.mp4", "b.mp4"])
    assert labels(root)[1] == ["0", "1"]
    notes = load_videos("list", root, "train").notes
    assert f"{name} is a list of videos, not of classes: not used" in notes


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("classes.txt", "1 jump\n2 run\n3 hop\n", "counts classes from 1, and whether the lists"),
        ("classes.txt", "0 jump\n5 run\n", "its lines begin with numbers that are not those from"),
        (
            "classes.txt",
            "0,jump,12\n1,run,15\n",
            "has 3 columns; which are number and name is unclear",
        ),
        ("classes.txt", "0,jump\n0,run\n", "has the number 0 twice."),
        ("classes.txt", "jump\njump\n", "has the class 'jump' twice."),
        ("classes.txt", "\n", "has no classes."),
        ("classes.json", "{", "is not JSON"),
        ("classes.json", '{"a": 0, "a": 1}', "has the key 'a' twice in one object."),
    ],
)
def test_files_of_class_names_that_cannot_be_told(make, name, text, words):
    files = {"train.csv": "a.mp4 1\nb.mp4 2\n", name: text}
    root = make(files, ["a.mp4", "b.mp4"])
    with pytest.raises(DataError) as caught:
        labels(root)
    assert words in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize("label", [99_999, 1_000_000_000])
def test_a_large_number_takes_neither_memory_nor_time(tmp_path, label):
    rows = [Row("line 1", "a.mp4", "0"), Row("line 2", "b.mp4", str(label))]
    lists = {"train": (tmp_path / "train.txt", rows)}
    if label < 100_000:
        assert len(classes_of(lists).names) == 100_000
    else:
        with pytest.raises(DataError, match="label 1000000000 is too large to be the number of"):
            classes_of(lists)
