import pytest

from gta.data.decode import count_frames
from gta.data.videos import load_videos
from gta.errors import DataError, UsageError


def write_ucf101(root, folder="ucfTrainTestlist", classes=("ApplyEyeMakeup", "YoYo")):
    (root / folder).mkdir(parents=True, exist_ok=True)
    (root / folder / "classInd.txt").write_text(
        "".join(f"{i} {name}\r\n" for i, name in enumerate(classes, 1))
    )
    for fold in (1, 2, 3):
        train = [f"{name}/v_{name}_g0{fold + 1}_c01.avi {i}" for i, name in enumerate(classes, 1)]
        test = [f"{name}/v_{name}_g0{fold}_c01.avi" for name in classes]
        (root / folder / f"trainlist0{fold}.txt").write_text("\r\n".join(train) + "\r\n")
        (root / folder / f"testlist0{fold}.txt").write_text("\r\n".join(test) + "\r\n")
    return root


def write_hmdb51(root, folder="testTrainMulti_7030_splits", classes=("brush_hair", "wave")):
    (root / folder).mkdir(parents=True, exist_ok=True)
    for name in classes:
        for fold in (1, 2, 3):
            lines = [f"{name}_#{i} (x)!.avi {(i + fold) % 3} " for i in range(3)]
            (root / folder / f"{name}_test_split{fold}.txt").write_text("\n".join(lines) + "\n")
    return root


@pytest.mark.parametrize("place", ["UCF-101", "videos", "."])
def test_ucf101(tmp_path, write_video, place):
    root = write_ucf101(tmp_path)
    for name in ("ApplyEyeMakeup", "YoYo"):
        for group in (1, 2, 3):
            path = root / place / name / f"v_{name}_g0{group}_c01.avi"
            write_video(path, 2 + group, codec="mpeg4")
    for fold in (1, 2):
        train = load_videos("ucf101", root, "train", fold=fold)
        val, test = (load_videos("ucf101", root, split, fold=fold) for split in ("val", "test"))
        assert train.classes == val.classes == ["ApplyEyeMakeup", "YoYo"]
        assert [v.label for v in train.videos] == [v.label for v in val.videos] == [0, 1]
        assert [count_frames(video.path) for video in train.videos] == [3 + fold] * 2
        assert [count_frames(video.path) for video in val.videos] == [2 + fold] * 2
        assert val == test
    assert train.videos[0].id == "ApplyEyeMakeup/v_ApplyEyeMakeup_g03_c01"


def test_ucf101_as_frames(tmp_path, write_pictures):
    root = write_ucf101(tmp_path, folder="annotations")
    for name in ("ApplyEyeMakeup", "YoYo"):
        folder = write_pictures(
            root / "frames" / name / f"v_{name}_g02_c01", 3, name="img_{:05d}.jpg"
        )
        write_pictures(folder, 3, name="flow_x_{:05d}.jpg")  # as MMAction2 extracts them
    listed = load_videos("ucf101", root, "train")
    assert [count_frames(video.path) for video in listed.videos] == [3, 3]


@pytest.mark.parametrize("place", ["hmdb51_org", "."])
def test_hmdb51(tmp_path, write_video, place):
    root = write_hmdb51(tmp_path)
    for name in ("brush_hair", "wave"):
        for i in range(3):
            path = root / place / name / f"{name}_#{i} (x)!.avi"
            write_video(path, 2 + i, codec="mpeg4")
    # video i of fold f is for training if (i + f) % 3 == 1, for tests if it is 2
    for fold, in_train, in_test in ((1, 0, 1), (2, 2, 0), (3, 1, 2)):
        train = load_videos("hmdb51", root, "train", fold=fold)
        test = load_videos("hmdb51", root, "test", fold=fold)
        assert train.classes == ["brush_hair", "wave"]
        assert [(v.label, count_frames(v.path)) for v in train.videos] == [
            (0, 2 + in_train),
            (1, 2 + in_train),
        ]
        assert [count_frames(v.path) for v in test.videos] == [2 + in_test] * 2


def error(format, root, **options) -> str:
    with pytest.raises((DataError, UsageError)) as caught:
        load_videos(format, root, "train", **options)
    return str(caught.value)


def test_mistakes_of_ucf101(tmp_path):
    assert error("ucf101", tmp_path, fold=4) == (
        "fold=4 is not an official split; it is 1, 2 or 3."
    )
    assert error("ucf101", tmp_path) == (
        f"No classInd.txt of UCF101 under {tmp_path}. Looked in it and in its folders "
        f"ucfTrainTestlist, annotations."
    )
    folder = write_ucf101(tmp_path) / "ucfTrainTestlist"
    assert error("ucf101", tmp_path) == (
        f"None of the 2 videos of UCF101 is under {tmp_path}. Looked for folders of frames or "
        f"video files such as ApplyEyeMakeup/v_ApplyEyeMakeup_g02_c01.avi in it and in its folders "
        f"UCF-101, UCF101, videos, frames."
    )
    file = folder / "trainlist01.txt"
    for line, words in (
        ("YoYo/a/b.avi 2", "'YoYo/a/b.avi 2' is not `class/video.avi`, with or without a label."),
        ("YoYu/v.avi 2", "'YoYu' is not in the labels file. Did you mean 'YoYo'?"),
        ("../YoYo/v.avi 2", f"'../YoYo/v.avi' is not a path inside of the data folder {tmp_path}."),
    ):
        file.write_text(line + "\n")
        assert error("ucf101", tmp_path).startswith(f"{file}, line 1: {words}")
    file.write_text("YoYo/v.avi 2\nYoYo/w.avi 1\n")
    assert error("ucf101", tmp_path) == (
        f"{file}, line 2: label '1' is not the number that classInd.txt gives to the class of "
        f"'YoYo/w.avi'. Correct the one that is wrong."
    )


def test_mistakes_of_hmdb51(tmp_path):
    assert error("hmdb51", tmp_path) == (
        f"No lists of HMDB51 under {tmp_path}. Looked for <class>_test_split1.txt in it and in its "
        f"folders testTrainMulti_7030_splits, splits, annotations."
    )
    folder = write_hmdb51(tmp_path) / "testTrainMulti_7030_splits"
    assert error("hmdb51", tmp_path).startswith("None of the 2 videos of HMDB51 is under")
    file = folder / "wave_test_split1.txt"
    file.write_text("wave.avi 3\n")
    assert error("hmdb51", tmp_path) == f"{file}, line 1: 'wave.avi 3' is not `video.avi 0|1|2`."


@pytest.mark.parametrize(("format", "write"), [("ucf101", write_ucf101), ("hmdb51", write_hmdb51)])
def test_one_video_of_another_form_hides_no_others(tmp_path, format, write):
    root = write(tmp_path)
    wanted = {
        "ucf101": ["YoYo/v_YoYo_g02_c01.mp4", "ApplyEyeMakeup/v_ApplyEyeMakeup_g02_c01.avi"],
        "hmdb51": ["brush_hair/brush_hair_#0 (x)!.webm", "wave/wave_#0 (x)!.avi"],
    }[format]
    for name in wanted:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    videos = load_videos(format, root, "train").videos
    assert {str(video.path.relative_to(root)) for video in videos} == set(wanted)
    frames = root / wanted[1].removesuffix(".avi")
    frames.mkdir()
    (frames / "1.jpg").touch()
    notes = load_videos(format, root, "train").notes
    assert len(notes) == 1
    assert "A name has more than one video, read is the first" in notes[0]


@pytest.mark.parametrize(
    ("index", "train"),
    [
        ("id,name\n2,YoYo\n1,Apply\n", "./Apply/a.avi 1\nYoYo/b.avi 2\nYoYo/b.avi 2\n"),
        ("Apply 1\r\nYoYo 2\r\n", "Apply\\a.avi,1\r\nYoYo\\b.avi,2\r\n"),
        ("1 Apply\n50 YoYo\n", "Apply/a.avi 1\nYoYo/b.avi 50\n"),
        ("\ufeff1 Apply\n2 YoYo\n", "\ufeff# mine\npath;label\nApply/a.avi;0\nYoYo/b.avi;1\n"),
    ],
)
def test_forms_of_the_lists_of_ucf101(make, index, train):
    files = {"classInd.txt": index, "trainlist01.txt": train}
    listed = load_videos("ucf101", make(files, ["Apply/a.avi", "YoYo/b.avi"]), "train")
    assert listed.classes == ["Apply", "YoYo"]
    assert [(video.id, video.label) for video in listed.videos] == [("Apply/a", 0), ("YoYo/b", 1)]


def test_forms_of_the_lists_of_hmdb51(make):
    files = {
        "splits/wave_test_split1.txt": "#20_x.avi 1 \nmy wave.avi\t1\n# a comment\nz.avi 0\n",
        "splits/._wave_test_split1.txt": b"\0\0",
    }
    root = make(files, ["wave/#20_x.avi", "wave/my wave.avi"])
    listed = load_videos("hmdb51", root, "train")
    assert [video.id for video in listed.videos] == ["wave/#20_x", "wave/my wave"]
