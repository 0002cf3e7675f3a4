"""The same video twice, under any name and in any file; and different videos that look alike."""

import os
import shutil
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from gta.data.check.finding import Finding
from gta.data.check.inspect import inspect_video
from gta.data.check.same import duplicates
from gta.data.records import Video

BLACK = np.zeros((48, 64, 3), np.uint8)


def compared(train: list[tuple[Path, int]], val: list[tuple[Path, int]] = ()) -> dict[str, Finding]:
    def facts(paths):
        return [inspect_video(Video(path.name, path, label)) for path, label in paths]

    return {finding.kind: finding for finding in duplicates(facts(train), facts(val))}


def frames(folder: Path, pictures: list[np.ndarray], name: str = "{:05}.png") -> Path:
    folder.mkdir()
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / name.format(i))
    return folder


def noise(seed: int, count: int = 30) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).integers(255, size=(count, 48, 64, 3), dtype=np.uint8))


def test_copies(tmp_path: Path, write_video):
    files = [write_video(tmp_path / f"{i}.mp4", images=np.stack(noise(i, 8))) for i in range(4)]
    copies = [Path(shutil.copy(file, tmp_path / f"copy{i}.mp4")) for i, file in enumerate(files)]
    kinds = compared(
        [
            (files[0], 0),
            (files[1], 0),
            (copies[1], 1),
            (files[2], 0),
            (copies[2], 0),
            (files[3], 0),
        ],
        [(copies[0], 0)],
    )
    assert kinds["in both splits"].items == ["0.mp4 = copy0.mp4"]
    assert kinds["two labels"].items == ["1.mp4 = copy1.mp4"]
    assert kinds["duplicates"].items == ["2.mp4 = copy2.mp4"]
    assert [kinds[k].severity for k in ("in both splits", "two labels", "duplicates")] == [
        *("error", "error", "warning")
    ]
    assert kinds["in both splits"].text == (
        "1 video is in both splits: scores would be too good. Remove one of each"
    )


def test_links_to_one_file(tmp_path: Path, write_video):
    file = write_video(tmp_path / "a.mp4", images=np.stack(noise(0, 8)))
    os.link(file, tmp_path / "hard.mp4")
    (tmp_path / "soft.mp4").symlink_to(file)
    paths = [(tmp_path / name, 0) for name in ("hard.mp4", "soft.mp4")]
    kinds = compared([(file, 0)], paths)
    assert kinds["in both splits"].items == ["a.mp4 = hard.mp4 = soft.mp4"]


def test_the_same_frames_in_another_container(tmp_path: Path, write_video):
    file = write_video(tmp_path / "a.mp4", images=np.stack(noise(0, 8)))
    copy = tmp_path / "b.mkv"
    with av.open(str(file)) as source, av.open(str(copy), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    assert compared([(file, 0)], [(copy, 0)])["in both splits"].items == ["a.mp4 = b.mkv"]


def test_folders_of_frames_with_other_names(tmp_path: Path):
    first = frames(tmp_path / "a", noise(0))
    two = frames(tmp_path / "b", noise(0), name="img_{}.png")
    assert compared([(first, 0)], [(two, 0)])["in both splits"].items == ["a = b"]


@pytest.mark.parametrize("differs", [1, 7, 13, 29])
def test_folders_that_begin_and_end_in_black_are_not_the_same(tmp_path: Path, differs: int):
    """Wherever it is, one picture is enough; those that are looked at are only some."""
    other = [BLACK] * 30
    other[differs] = noise(1, 1)[0]
    paths = [frames(tmp_path / "a", [BLACK] * 30), frames(tmp_path / "b", other)]
    assert compared([(paths[0], 0)], [(paths[1], 0)]) == {}
    assert compared([(paths[0], 0)], [(paths[0], 0)]) != {}


def test_files_that_look_alike_are_not_the_same(tmp_path: Path, write_video):
    other = np.stack([BLACK] * 30)
    other[7] = 255
    first = write_video(tmp_path / "a.mp4", images=np.stack([BLACK] * 30))
    two = write_video(tmp_path / "b.mp4", images=other)
    assert compared([(first, 0), (two, 1)]) == {}


def test_part_of_a_video_is_another(tmp_path: Path):
    paths = [frames(tmp_path / "a", noise(0)), frames(tmp_path / "b", noise(0)[:-1])]
    assert compared([(paths[0], 0), (paths[1], 0)]) == {}
