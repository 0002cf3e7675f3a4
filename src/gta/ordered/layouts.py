"""The annotation files and the paths of clips, as in Something-Something v1 and v2."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gta.ordered.classes import OrderedClass

Layout = Literal["ssv2", "ssv1"]
VIDEO_FOLDERS: dict[Layout, str] = {
    "ssv2": "20bn-something-something-v2",
    "ssv1": "20bn-something-something-v1",
}


@dataclass(frozen=True, slots=True)
class Clip:
    """One row of the annotation: a class, and the things that fill its placeholders."""

    id: str
    ordered_class: OrderedClass
    things: tuple[str, ...]


def clip_path(root: Path, layout: Layout, id: str) -> Path:
    """The file (v2) or the folder of frames (v1) of one clip."""
    return root / VIDEO_FOLDERS[layout] / (f"{id}.webm" if layout == "ssv2" else id)


def write_text(path: Path, text: str) -> None:
    """Writes a text file atomically."""
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_text(text, encoding="utf-8", newline="\n")
    unfinished.replace(path)


def write_json(path: Path, content: object) -> None:
    """Writes indented JSON atomically."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _label(clip: Clip) -> str:
    """The template with its placeholders filled: `moving red star up`."""
    label = clip.ordered_class.template
    for thing in clip.things:
        label = label.replace("[something]", thing, 1)
    return label[0].lower() + label[1:]


def _write_ssv2(
    root: Path, classes: Sequence[str], train: Sequence[Clip], val: Sequence[Clip]
) -> None:
    labels = root / "labels"
    labels.mkdir(exist_ok=True)
    write_json(labels / "labels.json", {name: str(index) for index, name in enumerate(classes)})
    for split, clips in (("train", train), ("validation", val)):
        rows = [
            {
                "id": clip.id,
                "label": _label(clip),
                "template": clip.ordered_class.template,
                "placeholders": list(clip.things),
            }
            for clip in clips
        ]
        write_json(labels / f"{split}.json", rows)


def _write_ssv1(
    root: Path, classes: Sequence[str], train: Sequence[Clip], val: Sequence[Clip]
) -> None:
    prefix = "something-something-v1"
    write_text(root / f"{prefix}-labels.csv", "".join(f"{name}\n" for name in classes))
    for split, clips in (("train", train), ("validation", val)):
        rows = "".join(f"{clip.id};{clip.ordered_class.name}\n" for clip in clips)
        write_text(root / f"{prefix}-{split}.csv", rows)


def write_annotations(
    root: Path,
    layout: Layout,
    classes: Sequence[str],
    train: Sequence[Clip],
    val: Sequence[Clip],
) -> None:
    """Writes the official annotation files of `layout`; `classes` are names in label order."""
    (_write_ssv2 if layout == "ssv2" else _write_ssv1)(root, classes, train, val)
