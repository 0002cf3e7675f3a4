"""Videos are found by their names, each by itself, whatever their endings and places."""

import json
import unicodedata

import pytest

from gta.data.videos import load_videos
from gta.errors import DataError

CLASSES = {"labels.json": '{"Pushing something": "0", "Holding something": "1"}'}


def ssv2(count=5):
    rows = [{"id": str(i), "template": "Pushing [something]"} for i in range(count)]
    return CLASSES | {"train.json": json.dumps(rows)}


def places(root, listed):
    return [str(video.path.relative_to(root)) for video in listed.videos]


def test_one_video_of_another_form_hides_no_others_in_ssv2(make):
    videos = [f"videos/{i}.webm" for i in range(3)]
    root = make(ssv2(), [*videos, "videos/3.mp4"], {"videos/4": 2})
    assert places(root, load_videos("ssv2", root, "train")) == [*videos, "videos/3.mp4", "videos/4"]


def test_a_program_that_adds_its_ending(make):
    root = make(
        ssv2(3), ["videos/0.webm", "videos/1.webm.mp4", "videos/2.webm", "videos/2.webm.mp4"]
    )
    listed = load_videos("ssv2", root, "train")
    assert places(root, listed) == ["videos/0.webm", "videos/1.webm.mp4", "videos/2.webm"]
    assert listed.notes == (
        "Something-Something v2: A video has another name than in the annotation "
        "(1: videos/1.webm.mp4)",
    )


def test_of_two_videos_with_one_name_the_first_is_read_and_said(make):
    root = make(ssv2(3), [f"videos/{i}.webm" for i in range(3)], {"videos/2": 2, "videos/0": 0})
    make({}, ["videos/1.mp4", "frames/1.mp4"])
    listed = load_videos("ssv2", root, "train")
    # an empty folder is none
    assert places(root, listed) == ["videos/0.webm", "videos/1.webm", "videos/2"]
    assert listed.notes == (
        "Something-Something v2: 2 names have more than one video, read is the first "
        "(1: videos/1.webm, videos/1.mp4, frames/1.mp4)",
    )


def test_a_stray_video_in_another_place_hides_no_others(make):
    lists = {"train.txt": "a.mp4 0\nb.mp4 1\nc.mp4 0\n"}
    root = make(lists, ["a.mp4", "videos/b.mp4", "videos/c.mp4"])
    paths = places(root, load_videos("list", root, "train"))
    assert paths == ["a.mp4", "videos/b.mp4", "videos/c.mp4"]


def test_endings_of_lists(make):
    text = "a.avi 0\nb.MP4 1\nc 0\nd.1 1\ne.avi 0\n"
    videos = ["a.mkv", "b.mp4", "c.WEBM", "d.1.mov"]
    root = make({"train.txt": text}, videos, {"e": 2})
    listed = load_videos("list", root, "train")
    assert places(root, listed) == [*videos, "e"]
    assert listed.notes[1:] == (
        "train.txt: 2 videos have another name than in the annotation (a.avi: a.mkv)",
    )


def test_a_video_is_not_taken_for_another_of_the_list(make):
    text = "clip.avi.mp4 0\nclip.mp4 1\nclip.avi 1\n"
    root = make({"train.txt": text}, ["clip.avi.mp4", "clip.mp4", "clip.avi"])
    listed = load_videos("list", root, "train")
    assert places(root, listed) == ["clip.avi.mp4", "clip.mp4", "clip.avi"]
    (root / "clip.avi").unlink()
    listed = load_videos("list", root, "train")
    assert places(root, listed)[2] == "clip.avi"
    (root / "clip.avi.mp4").unlink()
    make({"train.txt": "clip.avi 0\nclip.mkv 1\n"})
    with pytest.raises(DataError, match=r"line 2: video 'clip.* is there twice, first at line 1"):
        load_videos("list", root, "train")


@pytest.mark.parametrize("listed", ["NFC", "NFD"])
def test_unicode_forms(make, listed):
    other = {"NFC": "NFD", "NFD": "NFC"}[listed]
    name, on_disk = (unicodedata.normalize(form, "café/é.mp4") for form in (listed, other))
    root = make({"train.txt": f"{name} 0\n{name[:-5]}o 1\n"}, [on_disk, f"{on_disk[:-6]}o.mp4"])
    make({"train.txt": f"{name} 0\nb 1\n"}, ["b.webm"])
    videos = load_videos("list", root, "train").videos
    assert [video.path.exists() for video in videos] == [True, True]
    assert videos[0].id == name


def test_percent_codes_and_slashes(make):
    text = "x%20y.mp4 0\n100%.mp4 1\n.\\s\\a.mp4 0\n./s/b.mp4 1\n/s/c.mp4 0\n"
    videos = ["x y.mp4", "100%.mp4", "s/a.mp4", "s/b.mp4", "s/c.mp4"]
    root = make({"train.txt": text}, videos)
    listed = load_videos("list", root, "train")
    assert places(root, listed) == videos
    assert listed.notes[-1] == f"train.txt: 1 paths that begin with / are taken from {root}"


def test_dots_that_stay_inside(make):
    root = make({"train.txt": "videos/../videos/a.mp4 0\nvideos/./b.mp4 1\n"})
    make({}, ["videos/a.mp4", "videos/b.mp4"])
    assert places(root, load_videos("list", root, "train")) == ["videos/a.mp4", "videos/b.mp4"]
    make({"train.txt": "videos/../../a.mp4 0\nvideos/b.mp4 1\n"})
    with pytest.raises(DataError, match="is not a path inside of the data folder"):
        load_videos("list", root, "train")


def test_a_data_set_under_links(make, tmp_path):
    root = make({}, ["set/videos/a.mp4", "set/videos/b.mp4"]) / "set"
    link = tmp_path / "link"
    link.symlink_to(root)
    text = f"{root}/videos/a.mp4 0\n{link}/videos/b.mp4 1\n"
    (root / "train.txt").write_text(text)
    for start in (root, link):
        listed = load_videos("list", start, "train")
        assert [video.id for video in listed.videos] == ["videos/a.mp4", "videos/b.mp4"]
        assert all(video.path.exists() for video in listed.videos)


def test_a_folder_and_files_that_are_links(make, tmp_path):
    root = make({}, ["elsewhere/a.mp4", "elsewhere/b.mp4", "set/one/c.mp4"]) / "set"
    (root / "videos").symlink_to(tmp_path / "elsewhere")
    (root / "one/d.mp4").symlink_to(tmp_path / "elsewhere/b.mp4")
    (root / "one/c.webm").symlink_to(tmp_path / "gone.webm")
    text = f"a.mp4 0\n{tmp_path}/elsewhere/b.mp4 1\none/c 0\none/d.mp4 1\n"
    (root / "train.txt").write_text(text)
    listed = load_videos("list", root, "train")
    assert [v.id for v in listed.videos] == ["a.mp4", "videos/b.mp4", "one/c", "one/d.mp4"]
    assert all(video.path.exists() for video in listed.videos)


def test_a_folder_that_cannot_be_listed(make, monkeypatch):
    root = make({"train.txt": "a.mp4 0\nb.mp4 1\n"}, ["a.mp4"])

    def refuse(folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("gta.data.formats.disk.os.listdir", refuse)
    with pytest.raises(DataError, match=f"^{root} cannot be listed: Permission denied.$"):
        load_videos("list", root, "train")
