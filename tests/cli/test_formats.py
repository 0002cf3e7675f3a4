"""Miniature sets in every layout, each with broken files: checked, trained on, tested."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from gta.data.decode import read_frames
from gta.data.videos import load_videos

from .conftest import Run
from .test_mistakes import small

CLASSES = ("fold", "hold", "pull", "push")
Clips = list[tuple[Path, int]]


def clips_of(ordered: Path) -> dict[str, Clips]:
    """The rendered clips with their labels, by split."""
    return {
        split: [(v.path, v.label or 0) for v in load_videos("ssv2", ordered, split).videos]
        for split in ("train", "val")
    }


def put(clip: Path, place: Path, *, broken: bool) -> None:
    """The clip, or no more than its header."""
    place.parent.mkdir(parents=True, exist_ok=True)
    data = clip.read_bytes()
    place.write_bytes(data[:300] if broken else data)


def as_frames(clip: Path, folder: Path, *, broken: bool, name: str = "{:05d}.jpg") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i, frame in enumerate(read_frames(clip), 1):
        Image.fromarray(frame.permute(1, 2, 0).numpy()).save(folder / name.format(i))
    if broken:
        for i in (1, 2):  # one of the two is in every clip
            (folder / name.format(i)).write_bytes(b"\xff\xd8\xff no picture")


def ssv1(root: Path, clips: dict[str, Clips]) -> str:
    (root / "something-something-v1-labels.csv").write_text("\n".join(CLASSES))
    for split, name in (("train", "train"), ("val", "validation")):
        rows = [f"{clip.stem};{CLASSES[label]}" for clip, label in clips[split]]
        (root / f"something-something-v1-{name}.csv").write_text("\n".join(rows))
        for i, (clip, _) in enumerate(clips[split]):
            as_frames(clip, root / "20bn-something-something-v1" / clip.stem, broken=i == 3)
    return "ssv1"


def kinetics(root: Path, clips: dict[str, Clips]) -> str:
    for split, name in (("train", "train"), ("val", "validate")):
        lines = ["label,youtube_id,time_start,time_end,split,is_cc"]
        for i, (clip, label) in enumerate(clips[split]):
            id = f"-_{split}{clip.stem:>06}"
            lines.append(f"{CLASSES[label]},{id},3,13,{name},1")
            if i != 4:  # one can no longer be had
                place = root / split / CLASSES[label] / f"{id}_000003_000013.webm"
                put(clip, place, broken=i == 3)
        (root / f"{name}.csv").write_text("\n".join(lines))
    return "kinetics"


def ucf101(root: Path, clips: dict[str, Clips]) -> str:
    lists = root / "ucfTrainTestlist"
    lists.mkdir()
    (lists / "classInd.txt").write_text("\n".join(f"{i} {c}" for i, c in enumerate(CLASSES, 1)))
    for split, name in (("train", "trainlist01.txt"), ("val", "testlist01.txt")):
        rows = []
        for i, (clip, label) in enumerate(clips[split]):
            file = f"{CLASSES[label]}/v_{CLASSES[label]}_g01_c{clip.stem}"
            rows.append(f"{file}.avi" + f" {label + 1}" * (split == "train"))
            put(clip, root / "UCF-101" / f"{file}.webm", broken=i == 3)
        (lists / name).write_text("\n".join(rows))
    return "ucf101"


def hmdb51(root: Path, clips: dict[str, Clips]) -> str:
    lists = root / "testTrainMulti_7030_splits"
    lists.mkdir()
    rows: dict[int, list[str]] = {label: [] for label in range(len(CLASSES))}
    for split, mark in (("train", 1), ("val", 2)):
        for i, (clip, label) in enumerate(clips[split]):
            rows[label].append(f"a (b)_{clip.stem}.avi {mark}")
            place = root / "hmdb51_org" / CLASSES[label] / f"a (b)_{clip.stem}.webm"
            put(clip, place, broken=i == 3)
    for label, lines in rows.items():
        (lists / f"{CLASSES[label]}_test_split1.txt").write_text("\n".join(lines))
    return "hmdb51"


def tsm(root: Path, clips: dict[str, Clips]) -> str:
    (root / "category.txt").write_text("\n".join(CLASSES))
    for split in ("train", "val"):
        rows = []
        for i, (clip, label) in enumerate(clips[split]):
            as_frames(clip, root / "frames" / clip.stem, broken=i == 3, name="{:06d}.jpg")
            rows.append(f"{clip.stem} 8 {label}")
        (root / f"{split}_videofolder.txt").write_text("\n".join(rows))
    return "list"


def pyslowfast(root: Path, clips: dict[str, Clips]) -> str:
    for split in ("train", "val"):
        rows = []
        for i, (clip, label) in enumerate(clips[split]):
            put(clip, root / CLASSES[label] / clip.name, broken=i == 3)
            rows.append(f"{root}/{CLASSES[label]}/{clip.name} {label}")
        (root / f"{split}.csv").write_text("\n".join(rows))
    return "list"


@pytest.mark.parametrize("layout", [ssv1, kinetics, ucf101, hmdb51, tsm, pyslowfast])
def test_a_layout_with_a_broken_file_in_each_split(
    run: Run,
    ordered: Path,
    small_settings,
    tmp_path: Path,
    layout: Callable[[Path, dict[str, Clips]], str],
):
    root, out = tmp_path / "data", tmp_path / "out"
    root.mkdir()
    format = layout(root, clips_of(ordered))
    options = (
        *("--model", "tiny_gta", "--data", "ordered", "--root", root),
        *small([*small_settings, f"data.format={format}", "train.epochs=1", "data.cache_gb=0"]),
        *small(["train.warmup_epochs=0", "data.workers=0", "train.batch_size=40"]),
    )
    answer = run("check", *options, "--json", "--thorough")
    assert answer.code == 1
    told = json.loads(answer.out)
    kinds = {finding["kind"]: finding for finding in told["findings"]}
    assert {k for k, f in kinds.items() if f["severity"] == "error"} == {"unreadable"}
    assert len(kinds["unreadable"]["items"]) == 2
    lost = layout is kinetics
    assert ("missing" in kinds) == lost
    assert told["summary"]["train"]["videos"] == 40 - lost
    answer = run("train", *options, "--out", out)
    assert answer.code == 0, answer.err
    assert "skipped, replaced by another video: " in answer.out
    assert ("39 of 40 training videos of the annotation are there" in answer.out) == lost
    assert f"on {11 - lost} of {12 - lost} validation videos" in answer.out
    answer = run("test", out, "--json", "--workers", "0")
    assert answer.code == 0, answer.err
    told = json.loads(answer.out)
    assert told["videos"] == 11 - lost
    assert len(told["unreadable"]) == 1
    assert told["dataset"] == format
    if layout is tsm:
        answer = run("probe", out, "--workers", "0")
        assert answer.code == 0, answer.err
        answer = run("train", *options, "--out", tmp_path / "other", "--dry-run")
        assert answer.code == 0, answer.err
