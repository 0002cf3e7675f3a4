"""The folder of shards: what it is begun with, what is in it, and how it comes to one file."""

import csv
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from gta.errors import DataError, UsageError
from gta.predict.merge import count, merge
from gta.predict.work import Job, Work, digest_of


@pytest.fixture
def videos(tmp_path: Path) -> list[str]:
    names = [
        "a b.mp4",
        "ä.mp4",
        "deep/c.mp4",
        "d.mp4",
        "e.mp4",
        "missing.mp4",
        os.fsdecode(b"\xe9"),
    ]
    for name in names:
        if "missing" not in name:
            (tmp_path / "videos" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "videos" / name).touch()
    return names


def listed(tmp_path: Path, lines: list[str], end: bytes = b"\n") -> tuple[Path, Job]:
    file = tmp_path / "list.txt"
    file.write_bytes(end.join(os.fsencode(line) for line in lines))
    return file, Job(digest_of(file), str(tmp_path / "videos"), "model", "1x1-center32", 5)


def test_shards_hold_each_video_once_in_the_order_of_the_list(tmp_path: Path, videos: list[str]):
    lines = ["\ufeff" + videos[0], "", *videos[1:3], "  " + videos[0], *videos[3:]]
    file, job = listed(tmp_path, lines, b"\r\n")
    work = Work.begin(tmp_path / "work", file, job, size=3)
    assert (work.num_videos, work.num_shards, work.unfinished()) == (7, 3, [0, 1, 2])
    assert [work.videos(shard) for shard in range(3)] == [videos[:3], videos[3:6], videos[6:]]
    assert work.located(videos[1]) == str(tmp_path / "videos/ä.mp4")
    work.write(1, ["{}"] * 3)
    again = Work.begin(tmp_path / "work", file, job)
    assert again.unfinished() == [0, 2]
    assert again.size == 3


def test_what_it_was_not_begun_with_is_refused(tmp_path: Path, videos: list[str]):
    file, job = listed(tmp_path, videos)
    Work.begin(tmp_path / "work", file, job)
    told = {
        "list": r"another list of videos\. Give another --work, or what it was begun with",
        "model": r"another model\. Give another --work",
        "protocol": r"another protocol \(1x1-center32, now 3x2-full32\)\. Give another --work",
        "top": r"another --top \(5, now 3\)",
        "root": r"another --root",
    }
    values = {"protocol": "3x2-full32", "top": 3}
    for name, text in told.items():
        with pytest.raises(UsageError, match=text):
            Work.begin(tmp_path / "work", file, replace(job, **{name: values.get(name, "x")}))
    with pytest.raises(UsageError, match="begun with 100 videos a shard, not 7: leave --shard out"):
        Work.begin(tmp_path / "work", file, job, size=7)
    (tmp_path / "work/work.json").write_text("{}")
    with pytest.raises(UsageError, match=r"work.json cannot be used .* give another --work"):
        Work.begin(tmp_path / "work", file, job)


def test_lists_that_are_none(tmp_path: Path, videos: list[str]):
    with pytest.raises(UsageError, match=r"cannot be read: No such file .* the path of a video in"):
        digest_of(tmp_path / "nothing.txt")
    for lines, text in {
        "": r"list.txt lists no videos\.",
        "a\0b": "zero byte",
        "x.mp4 0\ny.mp4 1": r"None of the 2 videos of .*list.txt is under .*videos\. Looked for",
    }.items():
        file, job = listed(tmp_path, lines.split("\n"))
        with pytest.raises(DataError, match=text):
            Work.begin(tmp_path / "work", file, job)
    assert not (tmp_path / "work/work.json").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.txt", "d.mp4 0\ndeep/c.mp4 1\nd.mp4 0\n"),
        ("list.csv", "path,label\nd.mp4,up\ndeep/c.mp4,down\n"),
        (
            "list.json",
            '[{"path": "d.mp4", "label": "up"}, {"path": "deep/c.mp4", "label": "down"}]',
        ),
    ],
)
def test_lists_of_data_sets_are_read_without_their_labels(
    tmp_path: Path, videos: list[str], name: str, content: str
):
    file = tmp_path / name
    file.write_text(content)
    job = Job(digest_of(file), str(tmp_path / "videos"), "model", "1x1-center32", 5)
    work = Work.begin(tmp_path / "work", file, job)
    assert work.videos(0) == ["d.mp4", "deep/c.mp4"]


def test_one_file_of_all_lines(tmp_path: Path, videos: list[str]):
    file, job = listed(tmp_path, videos)
    work = Work.begin(tmp_path / "work", file, job, size=3)
    top = [{"class": 'a "b", "error": "', "score": 0.75}, {"class": "c", "score": 0.25}]
    lines = [json.dumps({"video": video, "top": top}) for video in videos]
    lines[0] = json.dumps({"video": videos[0], "error": "no such file"})
    lines[4] = json.dumps({"video": videos[4], "top": top, "cut_off": "1 of 2 bytes"})
    for shard in range(3):
        work.write(shard, lines[3 * shard : 3 * shard + 3])
    counts = count(work)
    assert (counts.videos, counts.unreadable, counts.cut_off) == (7, 1, 1)
    merge(work, tmp_path / "all.jsonl")
    assert (tmp_path / "all.jsonl").read_text() == "\n".join([*lines, ""])
    merge(work, tmp_path / "all.csv")
    with (tmp_path / "all.csv").open(newline="") as opened:
        header, *rows = csv.reader(opened)
    assert header == ["video", "error", "cut_off", "class_1", "score_1", "class_2", "score_2"]
    assert rows[0] == [videos[0], "no such file", "", "", "", "", ""]
    assert rows[4] == [videos[4], "", "1 of 2 bytes", top[0]["class"], "0.75", "c", "0.25"]
    assert len(rows) == 7
    work.path(1).write_text(lines[3] + "\n")
    with pytest.raises(
        DataError, match=r"000001.jsonl has 1 lines and its shard 3 videos: .* Remo"
    ):
        count(work)


def test_where_it_goes_is_looked_at_first(tmp_path: Path, videos: list[str]):
    file, job = listed(tmp_path, videos)
    work = Work.begin(tmp_path / "work", file, job)
    with pytest.raises(UsageError, match=r"its ending says its form: give a .jsonl or a .csv file"):
        merge(work, tmp_path / "all.txt")
    with pytest.raises(UsageError, match=r"there is no folder .*nowhere; make it first"):
        merge(work, tmp_path / "nowhere/all.csv")


def test_a_file_is_no_folder_of_shards(tmp_path: Path, videos: list[str]):
    file, job = listed(tmp_path, videos)
    for place in (file, file / "inside"):
        with pytest.raises(UsageError, match=r"--work .*: there is a file; give a new folder"):
            Work.begin(place, file, job)
