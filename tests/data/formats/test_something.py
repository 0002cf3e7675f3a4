import json
from pathlib import Path

import pytest

from gta.data.decode import read_frames
from gta.data.formats.something import read_ssv1, read_ssv2
from gta.errors import DataError

CLASSES = ["Pushing something", "Covering something with something", "Holding something"]
ROWS = {"train": [("74225", 2), ("116154", 0), ("8", 1)], "validation": [("9", 0)]}


def write_v1(root: Path, *, prefix="something-something-v1-", labels: str = "") -> Path:
    folder = root / labels
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{prefix}labels.csv").write_text("\n".join(CLASSES) + "\n")
    for split, rows in ROWS.items():
        lines = [f"{id};{CLASSES[label]}\n" for id, label in rows]
        (folder / f"{prefix}{split}.csv").write_text("".join(lines))
    return root


def write_v2(root: Path, *, prefix="something-something-v2-", labels: str = "") -> Path:
    folder = root / labels
    folder.mkdir(parents=True, exist_ok=True)
    numbers = {name: str(label) for label, name in reversed(list(enumerate(CLASSES)))}
    (folder / f"{prefix}labels.json").write_text(json.dumps(numbers))
    for split, rows in ROWS.items():
        entries = [
            {
                "id": id,
                "label": "pushing a cup",
                "template": CLASSES[label].replace("something", "[something]"),
                "placeholders": ["a cup"],
            }
            for id, label in rows
        ]
        (folder / f"{prefix}{split}.json").write_text(json.dumps(entries))
    return root


@pytest.mark.parametrize("folder", ["20bn-something-something-v1", "frames", "."])
@pytest.mark.parametrize(("prefix", "labels"), [("something-something-v1-", ""), ("", "labels")])
def test_v1(tmp_path, write_pictures, frame_numbers, folder, prefix, labels):
    write_v1(tmp_path, prefix=prefix, labels=labels)
    for id, _ in ROWS["train"] + ROWS["validation"]:
        write_pictures(tmp_path / folder / id, 3)
    train, val = (read_ssv1(tmp_path, split) for split in ("train", "val"))
    assert train.classes == val.classes == CLASSES
    assert [(video.id, video.label) for video in train.videos] == ROWS["train"]
    assert [(video.id, video.label) for video in val.videos] == ROWS["validation"]
    assert frame_numbers(read_frames(train.videos[1].path)) == [0, 1, 2]


@pytest.mark.parametrize("folder", ["20bn-something-something-v2", "videos"])
@pytest.mark.parametrize(("prefix", "labels"), [("something-something-v2-", ""), ("", "labels")])
def test_v2(tmp_path, write_video, frame_numbers, folder, prefix, labels):
    write_v2(tmp_path, prefix=prefix, labels=labels)
    for id, _ in ROWS["train"] + ROWS["validation"]:
        write_video(tmp_path / folder / f"{id}.webm", 3, codec="libvpx-vp9")
    train, val = (read_ssv2(tmp_path, split) for split in ("train", "val"))
    assert train.classes == val.classes == CLASSES
    assert [(video.id, video.label) for video in train.videos] == ROWS["train"]
    assert [(video.id, video.label) for video in val.videos] == ROWS["validation"]
    assert frame_numbers(read_frames(train.videos[1].path)) == [0, 1, 2]


def test_converted_videos_and_missing_ones(tmp_path):
    write_v2(tmp_path)
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "8.mp4").touch()  # the others are found missing when they are read
    paths = [video.path.name for video in read_ssv2(tmp_path, "train").videos]
    assert paths == ["74225.mp4", "116154.mp4", "8.mp4"]


def test_a_byte_order_mark_and_empty_lines(tmp_path):
    write_v1(tmp_path)
    (tmp_path / "something-something-v1-labels.csv").write_text(
        "\n\n".join(CLASSES) + "\r\n", encoding="utf-8-sig"
    )
    (tmp_path / "8").mkdir()
    assert read_ssv1(tmp_path, "train").classes == CLASSES


def error(read, root: Path) -> str:
    with pytest.raises(DataError) as caught:
        read(root, "train")
    return str(caught.value)


def test_missing_annotation(tmp_path):
    assert error(read_ssv2, tmp_path) == (
        f"No labels file of Something-Something v2 under {tmp_path}. Looked for: "
        f"something-something-v2-labels.json, labels.json, "
        f"labels/something-something-v2-labels.json, labels/labels.json."
    )
    write_v1(tmp_path, labels="labels")
    (tmp_path / "labels/something-something-v1-train.csv").unlink()
    assert error(read_ssv1, tmp_path).startswith("No train file of Something-Something v1 under")


def test_missing_videos(tmp_path):
    write_v2(tmp_path)
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "1.webm").touch()
    assert error(read_ssv2, tmp_path) == (
        f"None of the 3 videos of Something-Something v2 is under {tmp_path}. Looked for folders "
        f"of frames or video files such as 74225.webm in it and in its folders "
        f"20bn-something-something-v2, videos, frames."
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("7,Holding something", "line 4: '7,Holding something' is not `id;label`."),
        (
            "7;Holding somthing",
            "line 4: 'Holding somthing' is not in the labels file. "
            "Did you mean 'Holding something'?",
        ),
        (
            "8;Holding something",
            "line 4: id '8' is there twice, first at line 3, with the labels 'Covering something "
            "with something' and 'Holding something'. A video has one label: remove a line.",
        ),
        ("../7;Holding something", "line 4: '../7' cannot be the name of a video."),
    ],
)
def test_lines_that_make_no_sense(tmp_path, line, words):
    file = write_v1(tmp_path) / "something-something-v1-train.csv"
    file.write_text(file.read_text() + line + "\n")
    assert error(read_ssv1, tmp_path) == f"{file}, {words}"


def test_empty_list(tmp_path):
    file = write_v1(tmp_path) / "something-something-v1-train.csv"
    file.write_text("\n")
    assert error(read_ssv1, tmp_path) == f"{file} lists no videos."


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[", " is not JSON: Expecting value: line 1 column 2 (char 1)."),
        ("null", ': expected [{"id": "1", "template": "class name", ...}, ...].'),
        ('{"id": "1"}', ': expected [{"id": "1", "template": "class name", ...}, ...].'),
        ('[{"id": "1"}]', ', entry 0: no "id" and "template".'),
        ("[1]", ', entry 0: no "id" and "template".'),
    ],
)
def test_json_that_is_no_list_of_videos(tmp_path, text, words):
    file = write_v2(tmp_path) / "something-something-v2-train.json"
    file.write_text(text)
    assert error(read_ssv2, tmp_path) == f"{file}{words}"


@pytest.mark.parametrize("text", ["[]", "{}", '{"a": "x"}', '{"a": "0", "b": "2"}', '{"a": null}'])
def test_json_that_is_no_list_of_classes(tmp_path, text):
    file = write_v2(tmp_path) / "something-something-v2-labels.json"
    file.write_text(text)
    assert error(read_ssv2, tmp_path) == (
        f'{file}: expected {{"class name": "0", ...}} with the numbers from 0 on.'
    )


def test_annotation_in_another_encoding(tmp_path):
    file = write_v1(tmp_path) / "something-something-v1-train.csv"
    (tmp_path / "8").mkdir()
    for encoding in ("utf-16", "utf-32"):  # with a byte order mark, which says so
        file.write_bytes(file.read_text().encode(encoding))
        assert [video.id for video in read_ssv1(tmp_path, "train").videos] == [
            "74225",
            "116154",
            "8",
        ]
        write_v1(tmp_path)
    text = file.read_text().replace("Holding", "Hölding")
    file.write_bytes(text.encode("utf-16-le"))
    assert error(read_ssv1, tmp_path) == (
        f"{file} is not text: line 1 has a zero byte. If it is UTF-16 without a byte order mark, "
        f"save it as UTF-8 (in an editor, or with iconv -f UTF-16LE -t UTF-8)."
    )
    file.write_bytes(text.encode("latin1"))
    line = 1 + text.split("ö")[0].count("\n")
    assert error(read_ssv1, tmp_path) == (
        f"{file} is not UTF-8 text. Line {line} has a byte that it cannot have; save the file as "
        f"UTF-8 (in an editor, or with iconv -f LATIN1 -t UTF-8)."
    )


def test_labels_file_with_a_class_twice(tmp_path):
    file = write_v1(tmp_path) / "something-something-v1-labels.csv"
    file.write_text("\n".join([*CLASSES, CLASSES[1]]))
    assert error(read_ssv1, tmp_path) == f"{file} has the class {CLASSES[1]!r} twice."


def test_the_test_split_has_ids_alone(tmp_path, write_pictures, write_video):
    v1, v2 = write_v1(tmp_path / "1"), write_v2(tmp_path / "2")
    (v1 / "something-something-v1-test.csv").write_text("31\n5\n")
    (v2 / "something-something-v2-test.json").write_text('[{"id": "31"}, {"id": "5"}]')
    write_pictures(v1 / "20bn-something-something-v1/31", 2)
    write_video(v2 / "20bn-something-something-v2/5.webm", 2, codec="libvpx-vp9")
    for read, root in ((read_ssv1, v1), (read_ssv2, v2)):
        listed = read(root, "test")
        assert [(video.id, video.label) for video in listed.videos] == [("31", None), ("5", None)]
        assert listed.classes == CLASSES
    (v2 / "labels").mkdir()
    (v2 / "labels/test-answers.csv").write_text(f"5;{CLASSES[2]}\n31;{CLASSES[0]}\n")
    listed = read_ssv2(v2, "test")
    assert [(video.id, video.label) for video in listed.videos] == [("5", 2), ("31", 0)]


@pytest.mark.parametrize(
    ("labels", "train"),
    [
        ("Rolling, then stopping\nHolding\n", "1;Holding\n2;Rolling, then stopping\n"),
        (
            "1;Holding\n0;Rolling, then stopping\n",
            "id;label\n1;Holding\n2;Rolling, then stopping\n",
        ),
        ("Rolling, then stopping\nHolding\n", '1,Holding\n2,"Rolling, then stopping"\n'),
        ("Rolling, then stopping\nHolding\n", '1;"Holding"\n# 3\n2;"Rolling, then stopping"\n'),
        ("Rolling, then stopping\nHolding\n", "1;Holding\n1;Holding\n2;Rolling, then stopping\n"),
    ],
)
def test_forms_of_the_lists_of_v1(make, labels, train):
    files = {"labels.csv": labels, "train.csv": train}
    listed = read_ssv1(make(files, ["frames/2.webm"], {"frames/1": 2}), "train")
    assert listed.classes == ["Rolling, then stopping", "Holding"]
    assert [(video.id, video.label) for video in listed.videos] == [("1", 1), ("2", 0)]
    assert all(Path(str(video.path)).exists() for video in listed.videos)
