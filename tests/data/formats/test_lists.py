import pytest

from gta.data.decode import count_frames
from gta.data.videos import load_videos
from gta.errors import DataError


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"never opened")
    return root


def write(root, text, name="train.txt"):
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)
    return root / name


def read(root, split="train", **lists):
    listed = load_videos("list", root, split, lists=lists or None)
    return [(video.id, video.label, video.num_frames) for video in listed.videos], listed.classes


def test_tsm(tmp_path, write_pictures):
    """tools/vid2img_sthv2.py and gen_label_sthv2.py of TSM."""
    for folder, num_frames in (("78687", 4), ("42326", 3)):
        write_pictures(tmp_path / "frames" / folder, num_frames, name="{:06d}.jpg")
    write(tmp_path, "78687 4 1\n42326 3 0\n", "train_videofolder.txt")
    write(tmp_path, "Pushing something\nHolding something in front of something\n", "category.txt")
    rows, classes = read(tmp_path)
    assert rows == [("78687", 1, 4), ("42326", 0, 3)]
    assert classes == ["Pushing something", "Holding something in front of something"]
    listed = load_videos("list", tmp_path, "train")
    assert [count_frames(video.path) for video in listed.videos] == [4, 3]


def test_mmaction2_videos(tmp_path, write_video):
    """`tools/data/build_file_list.py`: `class/file label`; label_map.txt."""
    write_video(tmp_path / "videos_train/some class/a b.mp4", 3)
    write_video(tmp_path / "videos_val/other/c.mp4", 4)
    lists = "kinetics400_{}_list_videos.txt"
    write(tmp_path, "some class/a b.mp4 1\n", lists.format("train"))
    write(tmp_path, "other/c.mp4 0\n", lists.format("val"))
    write(tmp_path, "other\nsome class\n", "label_map.txt")
    assert read(tmp_path) == ([("some class/a b.mp4", 1, None)], ["other", "some class"])
    assert read(tmp_path, "val")[0] == [("other/c.mp4", 0, None)]
    assert count_frames(load_videos("list", tmp_path, "val").videos[0].path) == 4


def test_mmaction2_frames_of_a_fold(tmp_path, write_pictures):
    write_pictures(tmp_path / "rawframes/YoYo/v_1", 3, name="img_{:05d}.jpg")
    write(tmp_path, "YoYo/v_1 3 1\n", "annotations/ucf101_train_split_1_rawframes.txt")
    write(tmp_path, "1 Apply\n2 YoYo\n", "annotations/classInd.txt")
    assert read(tmp_path) == ([("YoYo/v_1", 1, 3)], ["Apply", "YoYo"])


def test_pyslowfast_csv(tmp_path):
    """`path label` with a space, absolute paths below the root; `val.csv`."""
    touch(tmp_path, "a/x, y.mp4", "a/z.mp4", "b/w.mp4")
    write(tmp_path, f"{tmp_path}/a/x, y.mp4 0\na/z.mp4 2\n", "train.csv")
    write(tmp_path, "b/w.mp4 1\n", "val.csv")
    assert read(tmp_path) == ([("a/x, y.mp4", 0, None), ("a/z.mp4", 2, None)], ["0", "1", "2"])
    assert read(tmp_path, "val")[0] == [("b/w.mp4", 1, None)]


def test_pyslowfast_list_of_frames(tmp_path, write_pictures):
    write_pictures(tmp_path / "frames/7QLP", 2)
    write_pictures(tmp_path / "frames/AAB1", 3)
    header = "original_vido_id video_id frame_id path labels\n"
    rows = [f'7QLP 0 {i} 7QLP/{i + 1:05d}.jpg "1"\n' for i in range(2)]
    rows += [f'AAB1 1 {i} AAB1/{i + 1:05d}.jpg "0"\n' for i in range(3)]
    file = write(tmp_path, header + "".join(rows), "train.csv")
    assert read(tmp_path)[0] == [("7QLP", 1, 2), ("AAB1", 0, 3)]
    file.write_text(header + '7QLP 0 0 7QLP/00001.jpg ""\n')
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert str(caught.value) == (
        f"{file}, line 2: '7QLP 0 0 7QLP/00001.jpg \"\"' needs a path folder/picture and one "
        f"label. Something-Something's lists have no labels; its json files do, and are read with "
        f"--data ssv2."
    )


@pytest.mark.parametrize("separator", [",", ";", "\t", ", "])
@pytest.mark.parametrize("header", ["", "path{}label\n"])
def test_separators_headers_and_class_names(tmp_path, separator, header):
    touch(tmp_path, "my clip 1.mp4", "2.mp4")
    lines = [("my clip 1.mp4", "walking the dog"), ('"2.mp4"', "class 3")]
    text = header.format(separator) + "".join(f"{a}{separator}{b}\n" for a, b in lines)
    write(tmp_path, text, "train.csv")
    assert read(tmp_path) == (
        [("my clip 1.mp4", 1, None), ("2.mp4", 0, None)],
        ["class 3", "walking the dog"],
    )


def test_class_names_of_several_words_after_a_space(tmp_path):
    touch(tmp_path, "my clip.mp4", "2.mp4")
    write(tmp_path, "dog\nwalking the dog\n", "classes.txt")
    write(tmp_path, "my clip.mp4 walking the dog\n2.mp4 dog\n")
    assert read(tmp_path)[0] == [("my clip.mp4", 1, None), ("2.mp4", 0, None)]


def test_a_number_at_the_end_of_one_path_is_no_number_of_frames(tmp_path):
    touch(tmp_path, "take 2", "take.mp4")
    write(tmp_path, "take 2 0\ntake.mp4 1\n")
    assert read(tmp_path)[0] == [("take 2", 0, None), ("take.mp4", 1, None)]


def test_lists_that_are_named(tmp_path):
    touch(tmp_path, "a.mp4", "b.mp4")
    write(tmp_path, "a.mp4 0\n", "lists/first.lst")
    write(tmp_path, "b.mp4 1\n", "lists/second.lst")
    named = {"train": "lists/first.lst", "val": "lists/second.lst"}
    assert read(tmp_path, **named) == ([("a.mp4", 0, None)], ["0", "1"])
    assert read(tmp_path, "val", **named) == ([("b.mp4", 1, None)], ["0", "1"])


def test_the_test_list_is_for_validation_where_there_is_no_other(tmp_path):
    touch(tmp_path, "a.mp4", "b.mp4")
    write(tmp_path, "a.mp4 0\nb.mp4 1\n", "train.txt")
    write(tmp_path, "b.mp4 1\n", "test.txt")
    assert read(tmp_path, "val") == read(tmp_path, "test") == ([("b.mp4", 1, None)], ["0", "1"])


def error(root, split="train", **lists) -> str:
    with pytest.raises(DataError) as caught:
        read(root, split, **lists)
    return str(caught.value)


def test_no_list_and_several(tmp_path):
    assert error(tmp_path) == (
        f"No list of the train split under {tmp_path}. Looked for train.txt, train.csv, "
        f"train_videofolder.txt, *_train_list_videos.txt and the like in it and in its folders "
        f"annotations, labels, lists; or give it: --set data.train_list=FILE"
    )
    write(tmp_path, "a 0\n", "x_train.txt")
    write(tmp_path, "a 0\n", "y_train.txt")
    assert error(tmp_path) == (
        f"{tmp_path} has several lists of the train split: x_train.txt, y_train.txt. Say which: "
        f"--set data.train_list=x_train.txt"
    )
    assert error(tmp_path, train="z.txt") == f"The train list {tmp_path / 'z.txt'} does not exist."


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a.mp4 0\nb.mp4\n", "line 2: 'b.mp4' is not `path label` or `path num_frames label`."),
        ("a.mp4 0\nb.mp4 3\n", "line 2: label 3 is not one of the 2 classes; they count from 0 to"),
        ("a.mp4 walk\nb.mp4 rum\n", "line 2: 'rum' is not in the labels file. Did you mean 'run'?"),
        ("a.mp4 0\na.mp4 1\n", "line 2: id 'a.mp4' is there twice, first at line 1, with the"),
        ("a.mp4 0\n../b.mp4 1\n", "line 2: '../b.mp4' is not a path inside of the data folder"),
        ("/x/b.mp4 0\na.mp4 1\n", "line 1: '/x/b.mp4' is not a path inside of the data folder"),
        ("", "lists no videos."),
        ("path label\n", "lists no videos."),
    ],
)
def test_lines_that_make_no_sense(tmp_path, text, words):
    touch(tmp_path, "a.mp4", "b.mp4")
    write(tmp_path, "run\nwalk\n", "classes.txt")
    file = write(tmp_path, text)
    message = error(tmp_path)
    assert message.startswith(str(file))
    assert words in message


def test_none_of_the_videos_is_there(tmp_path):
    write(tmp_path, "a.mp4 0\nb.mp4 1\n")
    assert error(tmp_path) == (
        f"None of the 2 videos of train.txt is under {tmp_path}. Looked for folders of frames or "
        f"video files such as a.mp4 in it and in its folders videos, frames, rawframes, "
        f"videos_train, rawframes_train, train."
    )


def test_endings_that_a_list_leaves_out(tmp_path):
    touch(tmp_path, "videos/a.webm", "videos/b.webm")
    write(tmp_path, "a 0\nb 1\n")
    listed = load_videos("list", tmp_path, "train")
    assert [video.path.name for video in listed.videos] == ["a.webm", "b.webm"]
