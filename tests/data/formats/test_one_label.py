"""A line is one video with one label: several labels, parts of a video and empty labels."""

import json

import pytest

from gta.data.videos import load_videos
from gta.errors import DataError

VIDEOS = ["a.mp4", "b.mp4", "c.mp4"]


def read(root, split="train"):
    listed = load_videos("list", root, split)
    return [(v.id[0], None if v.label is None else listed.classes[v.label]) for v in listed.videos]


def refused(root, split="train"):
    with pytest.raises(DataError) as caught:
        load_videos("list", root, split)
    return str(caught.value)


@pytest.mark.parametrize(
    ("labels", "first", "count"),
    [
        (("run|jump", "run|hop", "sit"), "'run|jump'", 2),
        (("run", "sit", "run|jump"), "'run|jump'", 2),
        (("a;b", "b;c", "c;a"), "'a;b'", 2),
        (("sit", "hop ; run ; go", "go;lie"), "'hop ; run ; go'", 3),
        (("run|jump", "jump|run", "sit"), "'run|jump'", 2),
        (("run;jump", "go", "run|sit"), "'run;jump'", 2),
        (("c092 11.9 21.2;c147 0 12.6", "c001 0 3", "c002 1 2"), "'c092 11.9 21.2;c147", 2),
        (("A12|A13", "B01", "B02"), "'A12|A13'", 2),
    ],
)
@pytest.mark.parametrize("mark", [",", "\t", "json"])
def test_several_labels_in_one_cell(make, labels, first, count, mark):
    pairs = [*zip(VIDEOS, labels, strict=True)]
    if mark == "json":
        root = make({"train.json": json.dumps(pairs)}, VIDEOS)
    else:
        lines = "".join(f"{name}{mark}{label}\n" for name, label in pairs)
        root = make({"train.csv": f"path{mark}label\n{lines}"}, VIDEOS)
    text = refused(root)
    assert f": {first}" in text
    assert text.endswith(
        f"are {count} labels of one video (multi-label), which is not supported: leave one. If it "
        f"is the name of one class, list all names in a file classes.txt, a line each."
    )
    make({"classes.txt": "".join(f"{label}\n" for label in labels)})
    assert read(root) == [*zip("abc", labels, strict=True)]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (
            ("['run', 'jump']", "['run']", "['sit']"),
            "\"['run', 'jump']\" are 2 labels of one video",
        ),
        (("run", "sit", '["run", "hop"]'), '\'["run", "hop"]\' are 2 labels of one video'),
        (
            ("['run']", "['sit']", "go"),
            "\"['run']\" is a list of one label. Write the label alone: run",
        ),
        (("[0]", "[1]", "[2]"), "'[0]' is a list of one label. Write the label alone: 0."),
        (("[run, jump]", "[sit]", "[go]"), "'[run, jump]' are 2 labels of one video"),
        (("{'run'; 'jump'}", "sit", "go"), "are 2 labels of one video"),
    ],
)
def test_lists_in_cells(make, labels, words):
    lines = "".join(f"{name}\t{label}\n" for name, label in zip(VIDEOS, labels, strict=True))
    root = make({"train.tsv": f"path\tlabel\n{lines}"}, VIDEOS)
    text = refused(root)
    assert "train.tsv, line " in text
    assert words in text
    make({"classes.txt": "".join(f"{label}\n" for label in labels)})
    assert read(root) == [*zip("abc", labels, strict=True)]


def test_names_in_brackets_are_classes(make):
    labels = ("[left]", "[right]", "(up, slowly)")
    lines = "".join(f"{name}\t{label}\n" for name, label in zip(VIDEOS, labels, strict=True))
    root = make({"train.tsv": f"path\tlabel\n{lines}d.mp4\topen\n"}, [*VIDEOS, "d.mp4"])
    assert read(root)[:3] == [*zip("abc", labels, strict=True)]


@pytest.mark.parametrize(
    "labels",
    [
        ("open|close", "open|close", "sit"),
        ("open;close", "sit", "go"),
        ("sit, then stand", "run, then stand", "go"),
        ("run/jump", "run/hop", "go"),
        ("A1|on", "B2|off", "go"),
    ],
)
def test_names_with_marks_are_classes(make, labels):
    lines = "".join(f'{name},"{label}"\n' for name, label in zip(VIDEOS, labels, strict=True))
    root = make({"train.csv": f"path,label\n{lines}"}, VIDEOS)
    assert read(root) == [*zip("abc", labels, strict=True)]


@pytest.mark.parametrize(
    ("header", "first", "second", "words"),
    [
        ("from,to", "0,5", "5,9", "'from' ('0' and '5')"),
        ("onset,offset", "0.5,1", "0.5,2", "'offset' ('1' and '2')"),
        ("clip", "1", "2", "'clip' ('1' and '2')"),
        ("begin_frame,stop_frame", "0,9", "10,19", "is a second part of 'a.mp4', whose first is"),
        ("num_frames", "7", "9", "'num_frames' ('7' and '9')"),
        ("person", "1", "", "'person' ('1' and '')"),
    ],
)
def test_parts_of_a_video_are_not_dropped(make, header, first, second, words):
    text = f"path,label,{header}\na.mp4,run,{first}\nb.mp4,sit,{first}\na.mp4,run,{second}\n"
    message = refused(make({"train.csv": text}, VIDEOS))
    assert words in message
    assert "line 4" in message
    assert "line 2" in message
    assert "cut them into files of their own" in message


def test_parts_with_other_labels(make):
    root = make({"train.csv": "path,from,label\na.mp4,0,run\na.mp4,3,sit\n"}, VIDEOS)
    assert refused(root).endswith(
        "line 3: id 'a.mp4' is there twice, first at line 2, with the labels 'run' and 'sit'. If "
        "they are several parts of one video, they cannot be read from a list: cut them into files "
        "of their own. If not, leave one line."
    )


def test_parts_in_json_and_by_another_name_of_the_file(make):
    entries = [{"path": p, "label": 0, "from": t} for p, t in (("a.mp4", 0), ("a.mp4", 5))]
    root = make({"train.json": json.dumps(entries)}, VIDEOS)
    assert "entry 1: id 'a.mp4' is there twice, first at entry 0, with another 'from'" in refused(
        root
    )
    (root / "train.json").unlink()
    make({"train.csv": "path,label,from\na.mp4,0,1\n./a,0,2\nb.mp4,1,1\n"})
    assert "'a.mp4' is there twice, first at line 2, with another 'from' ('1' and '2'). If" in (
        refused(root)
    )


@pytest.mark.parametrize("header", ["", "index", "Unnamed: 0"])
def test_a_line_that_repeats_another_is_counted_once(make, header):
    lines = "0,a.mp4,run,1\n1,b.mp4,sit,1\n2,a.mp4,run,1\n"
    root = make({"train.csv": f"{header},path,label,from\n{lines}"}, VIDEOS)
    assert read(root) == [("a", "run"), ("b", "sit")]
    notes = load_videos("list", root, "train").notes
    assert any("a line repeats a video with its label, counted once" in note for note in notes)


@pytest.mark.parametrize(
    "label", ["nan", "NaN", "None", "null", "NULL", "N/A", "n/a", "NA", "<NA>"]
)
def test_an_empty_label_of_a_table_program_is_no_class(make, label):
    root = make({"train.csv": f"path,label\na.mp4,run\nb.mp4,{label}\n"}, VIDEOS)
    assert refused(root) == (
        f"{root / 'train.csv'}, line 3: 'b.mp4,{label}' has {label!r} as its label, which table "
        f"programs write where there is none. Give the label, or remove the line; if it is the "
        f"name of a class, list all names in a file classes.txt."
    )
    make({"train.csv": f"a.mp4 0\nb.mp4 {label}\n"})
    assert f"line 2: 'b.mp4 {label}' has {label!r} as its label" in refused(root)
    make({"train.csv": f"path,label\na.mp4,run\nb.mp4,{label}\n", "classes.txt": f"{label}\nrun\n"})
    assert read(root) == [("a", "run"), ("b", label)]


def test_empty_labels_in_json_and_in_a_test_list(make):
    root = make({"train.json": '[["a.mp4", "run"], ["b.mp4", NaN]]'}, VIDEOS)
    assert "entry 1: 'b.mp4' has the label 'nan', which table programs write" in refused(root)
    make({"train.json": '[["a.mp4", "run"]]', "test.csv": "path,label\nb.mp4,nan\n"})
    assert read(root, "test") == [("b", None)]
