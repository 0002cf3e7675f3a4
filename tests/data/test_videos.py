import pytest

from gta.data.videos import FORMATS, load_videos
from gta.errors import DataError, UsageError


def make(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"never opened")
    return root


def test_videos_of_directional_classes_are_not_flippable(tmp_path):
    names = ["turn left", "turn right", "jump", "spin clockwise"]
    root = make(tmp_path, *(f"{split}/{n}/1.mp4" for split in ("train", "val") for n in names))
    for split in ("train", "val"):
        listed = load_videos("folder", root, split)
        assert listed.classes == sorted(names)
        flippable = {listed.classes[v.label]: v.flippable for v in listed.videos}
        assert flippable == {n: n == "jump" for n in names}
        assert all(video.num_frames is None for video in listed.videos)


def test_the_home_folder_may_be_written_as_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    make(tmp_path / "mine", *(f"{c}/{i}.mp4" for c in "ab" for i in range(2)))
    assert len(load_videos("folder", "~/mine", "train")) == 2


def test_split_arguments_reach_the_folder_format(tmp_path):
    make(tmp_path, *(f"{c}/{i}.mp4" for c in "ab" for i in range(20)))
    halves = [load_videos("folder", tmp_path, "val", val_fraction=0.5, seed=s) for s in (0, 0, 1)]
    assert [len(half) for half in halves] == [20, 20, 20]
    assert halves[0] == halves[1] != halves[2]


def test_mistakes(tmp_path):
    with pytest.raises(UsageError) as error:
        load_videos("folders", tmp_path, "train")
    assert str(error.value) == (
        "'folders' is not a data set format. Did you mean 'folder'? "
        "The formats are: ssv1, ssv2, kinetics, ucf101, hmdb51, folder, list."
    )
    with pytest.raises(UsageError, match=r"^'tset' is not a split; it is 'train', 'val' or"):
        load_videos("folder", tmp_path, "tset")  # pyright: ignore[reportArgumentType]
    file = make(tmp_path, "list.csv") / "list.csv"
    for format in FORMATS:
        with pytest.raises(DataError) as error:
            load_videos(format, tmp_path / "gone", "train")
        assert str(error.value) == (
            f"The data folder {tmp_path / 'gone'} does not exist; give the folder of the data set."
        )
        with pytest.raises(DataError, match=f"The data folder {file} is not a folder; give"):
            load_videos(format, file, "train")
