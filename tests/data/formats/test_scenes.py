from pathlib import Path

import pytest

from gta.data.check.groups import scenes_in_both
from gta.data.formats.folder import read_folder
from gta.data.formats.scenes import read_scenes
from gta.data.records import Video, VideoList
from gta.errors import DataError


def folder(root: Path) -> Path:
    for name in ("sit", "stand"):
        (root / name).mkdir(parents=True)
        for number in range(10):
            (root / name / f"{name}{number}x.mp4").touch()
    lines = [f"{n}/{n}{i}x.mp4,room {i // 2}" for n in ("sit", "stand") for i in range(10)]
    (root / "scenes.csv").write_text("\n".join(["path,scene", *lines]) + "\n")
    return root


def test_a_scene_stays_in_one_part_of_the_split(tmp_path: Path):
    root, file = folder(tmp_path / "v"), str(tmp_path / "v/scenes.csv")
    scenes = read_scenes(file)
    train, val = (
        {scenes[video.id] for video in read_folder(root, split, scenes=file).videos}
        for split in ("train", "val")
    )
    assert not train & val
    assert len(train | val) == 5
    assert val


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "the scenes cannot be read (No such file or directory)"),
        ("", "scenes are read from columns `path` and `scene`; it has none"),
        ("video,scene\na,b\n", "it has video, scene"),
        ("path,scene\n/other/a.mp4,kitchen\n", "names none of these videos: its paths are to be"),
    ],
)
def test_mistakes(tmp_path: Path, text: str | None, words: str):
    root, file = folder(tmp_path / "v"), tmp_path / "my.csv"
    if text is not None:
        file.write_text(text)
    with pytest.raises(DataError) as raised:
        read_folder(root, "train", scenes=str(file))
    assert words in str(raised.value)


def test_scenes_on_both_sides_are_a_warning():
    train, val = (VideoList([Video(id, Path(id), 0)], ["a"]) for id in ("a/1.mp4", "a/2.mp4"))
    (finding,) = scenes_in_both(train, val, {"a/1.mp4": "kitchen", "a/2.mp4": "kitchen"})
    assert finding.severity == "warning"
    assert finding.text.startswith("1 of 1 scene is in both splits: scores say nothing about other")
    assert finding.items == ["kitchen"]
    assert not scenes_in_both(train, val, {"a/1.mp4": "kitchen", "a/2.mp4": "garden"})
