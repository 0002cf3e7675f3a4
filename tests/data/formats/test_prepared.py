"""A prepared data set may come from a stranger: what its manifest names is looked at first."""

import copy
import json
from pathlib import Path

import pytest

from gta.data.formats.prepared import VERSION
from gta.data.videos import load_videos
from gta.errors import DataError

MANIFEST = {
    "gta_prepared": VERSION,
    "made": "0123456789abcdef",
    "source": {"format": "ssv2"},
    "plan": 2,
    "settings": {"form": "video"},
    "problems": 0,
    "without": {"test": "none"},
    "shards": [["train-000000.tar", 4096]],
    "gain": None,
    "splits": {
        "train": {
            "classes": ["a", "b"],
            "missing": [],
            "videos": [
                ["1", 0, "videos/1.mp4", 12, 12.0],
                ["2", None, [0, 512, 3000, "2"], None, None],
                ["3", 1, {"name": "3", "problem": "is empty"}, None, None],
            ],
            "checksums": [None, "0123456789abcdef", None],
        }
    },
}


def read(root: Path, manifest: object):
    (root / "prepared.json").write_text(json.dumps(manifest))
    (root / "train-000000.tar").write_bytes(bytes(4096))
    return load_videos("ssv2", root, "train")


def test_what_it_should_be(tmp_path):
    videos = read(tmp_path, MANIFEST)
    assert len(videos) == 3
    assert videos.videos[1].path.checksum == "0123456789abcdef"
    assert videos.notes == ()


def test_an_earlier_version_has_no_checksums(tmp_path):
    manifest = copy.deepcopy(MANIFEST)
    del manifest["splits"]["train"]["checksums"]
    assert [note[:58] for note in read(tmp_path, manifest).notes] == [
        "The shards were written by an earlier version, without che"
    ]


@pytest.mark.parametrize(
    "place", ["/etc/passwd", "../1.mp4", "videos/../../1.mp4", "videos//1.mp4", ""]
)
def test_nothing_outside_of_the_folder(tmp_path, place):
    manifest = copy.deepcopy(MANIFEST)
    manifest["splits"]["train"]["videos"][0][2] = place
    with pytest.raises(DataError) as caught:
        read(tmp_path, manifest)
    assert str(caught.value) == (
        f"{tmp_path / 'prepared.json'} names {place!r}, which is not inside of its folder. It was "
        f"not written by `gta prepare`: do not use it if it is not your own."
    )


@pytest.mark.parametrize("name", ["../a.tar", "/a.tar", "sub/a.tar", "..", "http://127.0.0.1/a"])
def test_no_shard_outside_of_the_folder(tmp_path, name):
    with pytest.raises(DataError, match="which is not inside of its folder"):
        read(tmp_path, MANIFEST | {"shards": [[name, 4096]]})


@pytest.mark.parametrize(
    "row",
    [
        *(["1", 2, "a.mp4", 1, 1], ["1", -1, "a.mp4", 1, 1], ["1", True, "a.mp4", 1, 1]),
        *([1, 0, "a.mp4", 1, 1], ["1", 0, "a.mp4", 0, 1], ["1", 0, "a.mp4", 1, -1]),
        *(["1", 0, None, 1, 1], ["1", 0, 5, 1, 1], ["1", 0, "a.mp4", 1], "row", None, {}),
        *(["1", 0, [1, 0, 9, "k"], 1, 1], ["1", 0, [0, 0, 10**12, "k"], 1, 1]),
        *(["1", 0, [0, -9, 9, "k"], 1, 1], ["1", 0, [0, 4000, 97, "k"], 1, 1]),
        *(["1", 0, [0, 0, 9, 9], 1, 1], ["1", 0, {"name": 1, "problem": ""}, 1, 1]),
    ],
    ids=repr,
)
def test_rows_that_make_no_sense(tmp_path, row):
    manifest = copy.deepcopy(MANIFEST)
    manifest["splits"]["train"]["videos"][0] = row
    with pytest.raises(DataError, match="is damaged, or was changed by hand: it is not as"):
        read(tmp_path, manifest)


@pytest.mark.parametrize("name", ["made", "source", "settings", "shards", "without", "splits"])
@pytest.mark.parametrize("value", [None, 5, ["a"], {"a": 5}])
def test_parts_that_make_no_sense(tmp_path, name, value):
    if name in ("source", "without") and isinstance(value, dict):
        pytest.skip("it may be any")
    with pytest.raises(DataError, match="is damaged, or was changed by hand"):
        read(tmp_path, MANIFEST | {name: value})


def test_deep_nesting(tmp_path):
    (tmp_path / "prepared.json").write_text("[" * 100_000)
    with pytest.raises(DataError, match="is not the manifest of a prepared data set"):
        load_videos("ssv2", tmp_path, "train")
