"""Lists as people bring them: what can be told is read, what cannot is refused with its line."""

import pytest

from gta.data.videos import load_videos
from gta.errors import DataError

VIDEOS = ["a.mp4", "b.mp4", "c.mp4"]
RUN_WALK = [("a.mp4", "run"), ("b.mp4", "walk")]


def read(root, split="train"):
    listed = load_videos("list", root, split)
    return [(v.id, None if v.label is None else listed.classes[v.label]) for v in listed.videos]


@pytest.mark.parametrize(
    "text",
    [
        "path,label\na.mp4,run\nb.mp4,walk\n",
        "Class,File Name\nrun,a.mp4\nwalk,b.mp4\n",
        "videoPath;ACTION\na.mp4;run\nb.mp4;walk\n",
        "Datei,Aktion\na.mp4,run\nb.mp4,walk\n",
        "Aktion;Datei\nrun;a.mp4\nwalk;b.mp4\n",
        "文件\t标签\na.mp4\trun\nb.mp4\twalk\n",
        "path label\na.mp4 run\nb.mp4 walk\n",
        "label path\nrun a.mp4\nwalk b.mp4\n",
        "# path,label\na.mp4,run\nb.mp4,walk\n",
        ",path,label\n0,a.mp4,run\n1,b.mp4,walk\n",
        "label,fps,start,video_name,end,split\nrun,25,0,a.mp4,9,train\nwalk,25,0,b.mp4,9,train\n",
        "filename,label_id,label\na.mp4,0,run\nb.mp4,1,walk\n",
        "run,a.mp4\nwalk,b.mp4\n",
        '"a.mp4","run"\n"b.mp4","walk"\n',
        '"a.mp4" , "run"\n"b.mp4" , "walk"\n',
        '"a.mp4" "run"\nb.mp4 walk\n',
        "'a.mp4','run'\n'b.mp4','walk'\n",
        "a.mp4,run,\nb.mp4,walk,,\n",
        "sep=;\npath;label\na.mp4;run\nb.mp4;walk\n",
        "path;label\na.mp4;run\n;\n\nb.mp4;walk\n;\n",
        "a.mp4 \t run\nb.mp4     walk\n",
        "a.mp4\t\trun\nb.mp4\twalk\n",
        "# mine\na.mp4 run\n#c.mp4 jump\n\nb.mp4 walk\n# end\n",
        "./a.mp4 run\n.\\b.mp4 walk\n",
        "\ufeffpath,label\r\na.mp4,run\r\nb.mp4,walk\r\n",
        "a.mp4 run\rb.mp4 walk\r",
    ],
)
def test_one_list_in_many_forms(make, text):
    labels = read(make({"train.csv": text}, VIDEOS))
    assert [(id.removeprefix("./"), label) for id, label in labels] == RUN_WALK


def test_utf_16_with_a_byte_order_mark(make):
    text = "path,label\na.mp4,rün\nb.mp4,walk\n"
    assert read(make({"train.csv": text.encode("utf-16")}, VIDEOS))[0] == ("a.mp4", "rün")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('a.mp4,"say ""hi"", now"\nb.mp4,walk\n', ('say "hi", now', "walk")),
        ('a.mp4 "run 0"\nb.mp4 "sit 1"\n', ("run 0", "sit 1")),
        ("a.mp4 level 1\nb.mp4 level 2\n", ("level 1", "level 2")),
        ("a.mp4 walking the dog\nb.mp4 run\n", ("walking the dog", "run")),
        ("a.mp4,run\u2028fast\nb.mp4,wa\x85lk\n", ("run\u2028fast", "wa\x85lk")),
        ("a.mp4,1.0\nb.mp4,0.0\n", ("1", "0")),
        ("a.mp4 1 # walk\nb.mp4 0 # run\n", ("1", "0")),
    ],
)
def test_names_of_classes(make, text, names):
    assert tuple(label for _, label in read(make({"train.csv": text}, VIDEOS))) == names


def test_classes_that_may_be_one_are_said(make):
    root = make({"train.csv": "a.mp4,sit_up\nb.mp4,Sit up\n"}, VIDEOS)
    assert load_videos("list", root, "train").notes[1:] == (
        "Classes 'Sit up' and 'sit_up' differ only in case or marks: two classes",
    )


@pytest.mark.parametrize(
    "text",
    [
        '"x, y.mp4",0\nz.mp4,1\nb.mp4,1\n',
        "x, y.mp4,0\nz.mp4,1\nb.mp4,1\n",
        "x, y.mp4 0\nz.mp4 1\nb.mp4 1\n",
        "x, y.mp4\t0\nz.mp4\t1\nb.mp4\t1\n",
    ],
)
def test_commas_in_paths(make, text):
    root = make({"train.csv": text}, ["x, y.mp4", "z.mp4", "b.mp4"])
    assert read(root) == [("x, y.mp4", "0"), ("z.mp4", "1"), ("b.mp4", "1")]


def test_as_many_lines_with_commas_in_paths_as_without(make):
    root = make({"train.csv": "x,y.mp4,0\nz.mp4,1\n"}, ["x,y.mp4", "z.mp4"])
    assert read(root) == [("x,y.mp4", "0"), ("z.mp4", "1")]


def test_commas_in_all_paths(make):
    names = ["x, y.mp4", "v, w.mp4"]
    for text in ("x, y.mp4,0\nv, w.mp4,1\n", "x, y.mp4 0\nv, w.mp4 1\n"):
        root = make({"train.csv": text}, names)
        assert [id for id, _ in read(root)] == names


def test_a_video_whose_name_begins_like_a_comment(make):
    root = make({"train.txt": "#20 x.mp4 0\na.mp4 1\n#a.mp4 0\n"}, ["#20 x.mp4", "a.mp4"])
    assert read(root) == [("#20 x.mp4", "0"), ("a.mp4", "1")]


@pytest.mark.parametrize("mark", [" ", ",", "\t"])
def test_folders_with_their_number_of_frames(make, mark):
    text = f"one{mark}4{mark}1\nthe other{mark}3{mark}0\n"
    root = make({"train.txt": text}, frames={"one": 4, "the other": 3})
    listed = load_videos("list", root, "train")
    assert [(v.id, v.label, v.num_frames) for v in listed.videos] == [
        ("one", 1, 4),
        ("the other", 0, 3),
    ]
    assert listed.notes[0].endswith("the second column is the number of frames")


def test_a_header_tells_counts_and_rates(make):
    text = "label;frames;folder;fps\n1;4;one;12.5\n0;3;two;12.5\n"
    listed = load_videos("list", make({"train.csv": text}, frames={"one": 4, "two": 3}), "train")
    assert [(v.label, v.num_frames, v.fps) for v in listed.videos] == [(1, 4, 12.5), (0, 3, 12.5)]
    text = "path num_frames label fps\na.mp4 12 1 30\nb.mp4 9 0 30\n"
    listed = load_videos("list", make({"train.csv": text}, VIDEOS), "train")
    # the rate of a video file is in the file
    assert [(v.label, v.num_frames, v.fps) for v in listed.videos] == [(1, 12, None), (0, 9, None)]


def test_names_beside_numbers(make):
    text = "filename,label_id,label\na.mp4,1,walk\nb.mp4,0,run\n"
    root = make({"train.csv": text, "val.csv": "filename,label_id,label\nc.mp4,2,hop\n"}, VIDEOS)
    for split in ("train", "val"):
        assert load_videos("list", root, split).classes == ["run", "walk", "hop"]
    make({"val.csv": "filename,label_id,label\nc.mp4,1,hop\n"})
    with pytest.raises(DataError, match="line 2: class 1 is 'hop' here and 'walk' in "):
        load_videos("list", root, "val")


def test_a_column_chooses_the_split(make):
    text = "path,label,split\na.mp4,run,train\nb.mp4,walk,valid\nc.mp4,walk,train\n"
    root = make({"all.csv": text}, VIDEOS)
    lists = {"train": "all.csv", "val": "all.csv"}
    splits = {split: load_videos("list", root, split, lists=lists) for split in ("train", "val")}
    assert [[v.id for v in listed.videos] for listed in splits.values()] == [
        ["a.mp4", "c.mp4"],
        ["b.mp4"],
    ]


def test_what_is_read_is_said(make):
    text = "# mine\nFile,Class,start\na.mp4,run,0\nb.mp4,walk,0\na.mp4,run,0\n"
    assert load_videos("list", make({"train.csv": text}, VIDEOS), "train").notes == (
        "train.csv: columns are separated by commas; comments (#) left out: 1; line 2 is a header "
        "(video 'File', label 'Class'), not used: 'start'",
        "train.csv: a line repeats a video with its label, counted once (first: line 5)",
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a.mp4 1 0\nb.mp4 2 1\n", "line 1: 'a.mp4 1 0' has 2 columns after the video, and which"),
        ("a.mp4 2\nb.mp4 1 3 5\n", "line 2: 'b.mp4 1 3 5' has 3 columns after the video"),
        ("a.mp4,1|3\nb.mp4,2\n", "line 1: '1|3' are 2 labels of one video (multi-label), which is"),
        ('a.mp4,2\nb.mp4,"[1, 3]"\n', "line 2: '[1, 3]' are 2 labels of one video (multi-label)"),
        ("a.mp4,run|walk\nb.mp4,run\nc.mp4,walk\n", "line 1: 'run|walk' are 2 labels of one"),
        ("a.mp4,sit, then stand\nb.mp4,run\nc.mp4,run\n", "put a name with the separator in it"),
        ("a.mp4 0\nb.mp4 1\nc.mp4 run\n", "line 3: label 'run' stands among numbers. Labels are"),
        ("a.mp4 go\nb.mp4 run\nc.mp4 3\n", "line 3: label '3' stands among names. Labels are all"),
        ("a.mp4 0\nb.mp4 -1\n", "line 2: label -1 says that the video has none, which only a test"),
        ("a.mp4 20210405\nb.mp4 1\n", "label 20210405 is too large to be the number of a class."),
        ("a.mp4 0\nb.mp4 1\na.mp4 1\n", "line 3: id 'a.mp4' is there twice, first at line 1, with"),
        ("a.mp4 0\nb.mp4 1\na 1\n", "line 3: video 'a.mp4' is there twice, first at line 1, with"),
        ("a.mp4\nb.mp4\n", "line 1: 'a.mp4' is not `path label` or `path num_frames label`."),
        ('a.mp4,"run\nb.mp4,walk\n', 'line 1: a quotation mark (") is not closed, or stands in'),
        ('a.mp4,"run\nb.mp4,walk"\n', "line 1: a quotation mark is opened there and closed in a"),
        ('a.mp4,run\n"b".mp4,walk\n', 'line 2: a quotation mark (") is not closed, or stands in'),
        ("a.mp4,run # or walk\nb.mp4,walk\n", "line 1: 'a.mp4,run # or walk' has a # in its label"),
        ("path,verb,noun\na.mp4,cut,pear\n", "none of its columns is known to be the label."),
        ("path,action,class\na.mp4,a,b\n", "both 'action' and 'class' could be the label. Name"),
        ("x,z\nfirst,0\nsecond,1\n", "line 1: 'x,z' may be a header or a video that is not there."),
        (
            "path,start,label\na.mp4,0,run\na.mp4,9,walk\n",
            "line 3: 'a.mp4,9,walk' is a second part",
        ),
        ("path,label\na.mp4,run\nb.mp4,go, then\n", "line 3: 'b.mp4,go, then' has 3 columns and"),
        ("path,frames,label\na.mp4,many,run\n", "has 'many' where the number of frames should be."),
        ("path,label,split\na.mp4,0,train\nb.mp4,1,x\n", "line 3: 'b.mp4,1,x' has 'x' as its spl"),
        ("a.mp4 run 0\nb.mp4 sit down 1\n", "line 1: 'a.mp4 run 0' may have the name of a class"),
        ("a.mp4 0 run\nb.mp4 1 sit down\n", "line 1: 'a.mp4 0 run' may have the name of a class"),
        ("path,label,label2\na.mp4,0,1\n", "both 'label' and 'label2' could be the label. Name"),
        ("path,label\na.mp4,0\npath,label\n", "line 3: 'path,label' is the header again: remove"),
        ("a.mp4|0\nb.mp4|1\n", "line 1: 'a.mp4|0' is not `path label`"),
        ("path,label\n", "lists no videos."),
        ("# nothing\n", "lists no videos."),
        (b"path,label\na.mp4,r\xfcn\n", "is not UTF-8 text. Line 2 has a byte that it cannot have"),
        ("C:\\x\\a.mp4 0\n", "line 1: 'C:\\\\x\\\\a.mp4' is not a path inside of the data folder"),
    ],
)
def test_what_cannot_be_told_is_refused(make, text, words):
    root = make({"train.csv": text}, VIDEOS)
    with pytest.raises(DataError) as caught:
        read(root)
    assert str(caught.value).startswith(str(root / "train.csv"))
    assert words in str(caught.value)


def test_two_labels_of_a_folder_are_no_number_of_frames(make):
    root = make({"train.txt": "one 1 0\ntwo 2 1\n"}, frames={"one": 9, "two": 8})
    with pytest.raises(DataError, match="'one 1 0' has 2 columns after the video, and which is"):
        read(root)


def test_a_first_line_whose_video_is_missing_is_no_header(make):
    root = make({"train.txt": "gone 4 0\none 4 1\ntwo 3 0\n"}, frames={"one": 4, "two": 3})
    listed = load_videos("list", root, "train")
    assert [video.id for video in listed.videos] == ["gone", "one", "two"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("train.json", '[{"filename": "a.mp4", "label": [1]}, {"filename": "b.mp4", "label": 0}]'),
        ("train.json", '{"data_list": [["a.mp4", 1], ["b.mp4", 0]]}'),
        ("train.json", '{"a.mp4": 1, "b.mp4": "0"}'),
        ("train.jsonl", '{"path": "a.mp4", "class": 1}\n{"path": "b.mp4", "class": 0}\n'),
    ],
)
def test_json(make, name, text):
    assert read(make({name: text}, VIDEOS)) == [("a.mp4", "1"), ("b.mp4", "0")]


def test_json_of_frames(make):
    text = '[{"frame_dir": "one", "total_frames": 4, "label": 0}]'
    listed = load_videos("list", make({"train.json": text}, frames={"one": 4}), "train")
    assert [(v.id, v.label, v.num_frames) for v in listed.videos] == [("one", 0, 4)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[{"filename": "a.mp4", "label": [1, 2]}]', "entry 0: 'a.mp4' has the labels [1, 2]."),
        ('[{"filename": "a.mp4"}]', "entry 0: 'a.mp4' has no label."),
        ('[{"label": 1}]', 'entry 0: no path; it needs {"filename": ..., "label": ...}.'),
        ('[{"path": "a.mp4", "label": 1, "class": 2}]', "entry 0: 'label', 'class' could each be"),
        ("[1]", "entry 0: expected an object with a path and a label."),
        ("1", ': expected [{"filename": "a.mp4", "label": 0}, ...].'),
        ("[]", "lists no videos."),
        ('{"a.mp4": 0, "a.mp4": 1}', "has the key 'a.mp4' twice in one object."),
    ],
)
def test_json_that_makes_no_sense(make, text, words):
    root = make({"train.json": text}, VIDEOS)
    with pytest.raises(DataError) as caught:
        read(root)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        *("Train.csv", "training.csv", "my-train.txt", "train_labels.csv", "trainlist01.txt"),
        *("train.tsv", "annotations/ann_train.txt", "ucf101_train_split_1_videos.txt"),
    ],
)
def test_names_of_lists(make, name):
    root = make({name: "a.mp4 0\nb.mp4 1\n", "._train.csv": b"\0"}, VIDEOS)
    assert read(root) == [("a.mp4", "0"), ("b.mp4", "1")]


def test_a_usual_name_goes_before_another(make):
    assert len(read(make({"train.txt": "a.mp4 0\n", "train.json": "[]"}, VIDEOS))) == 1
