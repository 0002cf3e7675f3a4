from pathlib import Path

import pytest

from gta.errors import DataError
from gta.predict.lists import read_videos


def test_lists_with_labels_and_without(tmp_path: Path):
    (tmp_path / "videos").mkdir()
    for name in ("videos/a.mp4", "b c.mp4"):
        (tmp_path / name).touch()
    for text in ("videos/a.mp4\nb c.mp4\n", "path,label\nvideos/a.mp4,one\nb c.mp4,two\n"):
        (tmp_path / "list.csv").write_text(text)
        listed = read_videos(tmp_path / "list.csv")
        assert [video.path for video in listed.videos] == [
            tmp_path / "videos/a.mp4",
            tmp_path / "b c.mp4",
        ]
    (tmp_path / "apart").mkdir()
    (tmp_path / "apart/list.txt").write_text("a.mp4\n")
    (video,) = read_videos(tmp_path / "apart/list.txt", tmp_path).videos
    assert video.path == tmp_path / "videos/a.mp4"


def test_paths_from_the_root_and_videos_that_are_not_there(tmp_path: Path):
    (tmp_path / "lists").mkdir()
    (tmp_path / "a.mp4").touch()
    (tmp_path / "lists/all.txt").write_text(f"{tmp_path}/a.mp4\n{tmp_path}/no.mp4\n")
    listed = read_videos(tmp_path / "lists/all.txt")
    assert [str(video.path) for video in listed.videos] == [
        f"{tmp_path}/a.mp4",
        f"{tmp_path}/no.mp4",
    ]
    with pytest.raises(DataError, match=r"none.txt: no such list of videos"):
        read_videos(tmp_path / "none.txt")
    (tmp_path / "lists/up.txt").write_text("../a.mp4\n")
    with pytest.raises(DataError, match=r"is not a path inside of the data folder .*/lists\."):
        read_videos(tmp_path / "lists/up.txt")
