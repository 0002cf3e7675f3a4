"""Which videos a path names, and that a data set of the same folder has the same."""

from pathlib import Path

import pytest

from gta.data.given import find_videos
from gta.data.videos import load_videos
from gta.errors import VideoError

FRAMES = [f"{i:05d}.jpg" for i in range(1, 9)]


def made(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def names_in(root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in find_videos(root)]


def passed_over(root: Path) -> list[str]:
    return [
        f"{place.relative_to(root).as_posix()}: {what}"
        for place, what in find_videos(root).passed_over
    ]


def test_a_file_is_itself_whether_it_is_there_or_not(tmp_path: Path):
    assert find_videos(tmp_path / "a.mp4").videos == [tmp_path / "a.mp4"]


def test_a_stray_picture_does_not_hide_videos(tmp_path: Path):
    made(tmp_path, "c.webm", "a.MP4", "b.mkv", "cover.jpg", ".hidden.mp4", "notes.txt")
    assert names_in(tmp_path) == ["a.MP4", "b.mkv", "c.webm"]
    assert passed_over(tmp_path) == [
        ".: strays beside videos: cover.jpg",
        ".: without the ending of a video: notes.txt",
    ]


def test_a_folder_of_pictures_is_one_video(tmp_path: Path):
    made(tmp_path, *FRAMES)
    assert names_in(tmp_path) == ["."]
    assert passed_over(tmp_path) == []
    made(tmp_path, "thumbnails/1.jpg", "n_frames")
    assert names_in(tmp_path) == ["."]
    assert passed_over(tmp_path) == [".: no frames of it: n_frames, thumbnails"]


def test_folders_of_frames_with_a_cover_beside_them(tmp_path: Path):
    made(tmp_path, "cover.png", *(f"v{i}/{frame}" for i in (1, 2) for frame in FRAMES))
    assert names_in(tmp_path) == ["v1", "v2"]
    assert passed_over(tmp_path) == [".: strays beside videos: cover.png"]


def test_a_tree_is_walked_to_its_ends(tmp_path: Path):
    made(
        tmp_path,
        *("train/wave/1.mp4", "train/wave/poster.jpg", "train/jump/2.avi", "val/wave/3.mov"),
        *("val/jump/4/00001.png", "val/jump/4/00002.png", "val/jump/5.mp4", "LICENSE"),
        *("empty/readme.txt", "__MACOSX/train/wave/1.mp4", ".cache/x.mp4"),
    )
    assert names_in(tmp_path) == [
        *("train/jump/2.avi", "train/wave/1.mp4"),
        *("val/jump/4", "val/jump/5.mp4", "val/wave/3.mov"),
    ]
    assert passed_over(tmp_path) == [
        ".: without the ending of a video: LICENSE",
        ".: without videos: empty",
        "train/wave: strays beside videos: poster.jpg",
    ]


def test_frames_beside_video_files_are_frames_whatever_else_is_in_their_folder(tmp_path: Path):
    made(tmp_path, "a.mp4", *(f"b/{frame}" for frame in FRAMES), "b/preview.mp4")
    assert names_in(tmp_path) == ["a.mp4", "b"]
    assert passed_over(tmp_path) == ["b: no frames of it: preview.mp4"]


def test_many_names_are_counted(tmp_path: Path):
    made(tmp_path, "a.mp4", *FRAMES)
    assert passed_over(tmp_path) == [
        ".: strays beside videos: 00001.jpg, 00002.jpg, 00003.jpg and 5 more"
    ]


@pytest.mark.parametrize(
    "names",
    [
        ["{}/1.mp4", "{}/2.webm", "{}/cover.jpg"],
        ["{}/1.mp4", "{}/2/00001.jpg", "{}/2/00002.jpg", "{}/2/preview.mp4", "{}/notes.txt"],
        ["{}/1/00001.png", "{}/2/00001.jpg", "{}/3/00001.jpg", "{}/cover.jpg"],
        ["train/{}/1.mp4", "val/{}/2.mp4", "val/{}/cover.jpg", "readme.md"],
        ["{}/x.mp4", "{}/x/00001.jpg", "{}/.y.mp4", "__MACOSX/{}/1.mp4"],
    ],
)
def test_a_data_set_counts_the_same(tmp_path: Path, names: list[str]):
    made(tmp_path, *(name.format(label) for name in names for label in ("jump", "wave")))
    videos = [v.path for s in ("train", "val") for v in load_videos("folder", tmp_path, s).videos]
    assert sorted(find_videos(tmp_path)) == sorted(videos)


def test_a_link_to_a_folder_above_ends(tmp_path: Path):
    made(tmp_path, "a/1.mp4")
    (tmp_path / "a/again").symlink_to(tmp_path)
    assert names_in(tmp_path) == ["a/1.mp4"]


def test_a_folder_without_videos(tmp_path: Path):
    made(tmp_path, "a/b/notes.txt")
    with pytest.raises(VideoError, match="is a folder without pictures or videos; give a video"):
        find_videos(tmp_path)


def test_a_folder_that_cannot_be_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made(tmp_path, "a.mp4", "locked/1.mp4")
    listed = Path.iterdir

    def iterdir(self: Path):
        if self.name == "locked":
            raise PermissionError(13, "Permission denied")
        return listed(self)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    assert names_in(tmp_path) == ["a.mp4"]
    assert passed_over(tmp_path) == ["locked: cannot be looked into: Permission denied"]
    with pytest.raises(VideoError, match="locked: cannot be looked into: Permission denied"):
        find_videos(tmp_path / "locked")


def test_the_folder_of_a_training_holds_no_videos(tmp_path: Path):
    made(tmp_path, "a.mp4", "run/recipe.yaml", "run/labels.json", "run/confusion.png")
    assert names_in(tmp_path) == ["a.mp4"]
    assert passed_over(tmp_path) == [".: folders of trainings: run"]
    with pytest.raises(VideoError, match="run: is the folder of a training, not of videos"):
        find_videos(tmp_path / "run")
