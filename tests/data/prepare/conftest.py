"""A small data set of moving texture, as Something-Something v2 is distributed."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gta.data.prepare import Options, Summary, prepare
from gta.data.records import Split, VideoList
from gta.data.videos import chosen_splits, load_videos
from gta.errors import DataError

CLASSES = ("turning left", "turning right", "jumping")
CHOICE: dict[str, Any] = {"val_fraction": 0.2, "seed": 0, "fold": 1, "lists": None}


def texture(num_frames: int, height: int, width: int, seed: int) -> np.ndarray:
    """Smooth noise that moves by a pixel a frame: (T, H, W, 3)."""
    rng = np.random.default_rng(seed)
    image = rng.integers(20, 220, (height // 8 + 2, width // 8 + 8, 1))
    image = image.repeat(8, 0).repeat(8, 1) + rng.integers(0, 30, 3)
    image = image.astype(np.uint8)
    return np.stack([image[:height, i : i + width] for i in range(num_frames)])


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory, write_video) -> Path:
    """8 training, 4 validation and 2 test videos of 9 to 22 frames; training video 3 is broken."""
    root = tmp_path_factory.mktemp("original") / "ssv2"
    counts = {"train": 8, "validation": 4, "test": 2}
    number = 0
    for split, count in counts.items():
        entries = []
        for i in range(count):
            number += 1
            images = texture(8 + number, 48, 71, number)
            path = root / "20bn-something-something-v2" / f"{number}.webm"
            write_video(path, codec="libvpx-vp9", images=images, height=48, width=71, gop=64)
            entry = {"id": str(number)}
            if split != "test":
                entry["template"] = CLASSES[i % 3]
            entries.append(entry)
        (root / f"{split}.json").write_text(json.dumps(entries))
    (root / "labels.json").write_text(json.dumps({name: str(i) for i, name in enumerate(CLASSES)}))
    broken = root / "20bn-something-something-v2" / "3.webm"
    broken.write_bytes(broken.read_bytes()[:300])
    return root


def listed(format: str, root: str | Path) -> dict[Split, VideoList]:
    """The splits that a data set has."""
    splits: dict[Split, VideoList] = {}
    for split in ("train", "val", "test"):
        try:
            splits[split] = load_videos(format, root, split)
        except DataError:
            if split != "test":
                raise
    return splits


Prepare = Callable[..., Summary]


@pytest.fixture(scope="session")
def prepared() -> Prepare:
    """`prepared(root, out, form="jpeg")`: prepares a data set with options."""

    def run(root: Path, out: Path, *, format: str = "ssv2", more: Mapping = {}, **options: Any):
        chosen = chosen_splits(format, **CHOICE)
        return prepare(listed(format, root), root, out, Options(**options), chosen=chosen, **more)

    return run


FORMS = {
    "video": {"form": "video", "key_frames": 4, "quality": 12},
    "jpeg": {"form": "jpeg", "quality": 95},
    "video shards": {"form": "video", "key_frames": 1, "quality": 12, "shards": True},
    "jpeg shards": {"form": "jpeg", "quality": 95, "shards": True},
}


@pytest.fixture(scope="session")
def copies(
    original: Path, prepared: Prepare, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The data set in each form, several shards a split."""
    from gta.data.prepare import pack

    places, real = {}, pack.Packer.__init__

    def small(self, folder, jobs, shard_mb):
        real(self, folder, jobs, shard_mb)
        self.limit = 40_000

    pack.Packer.__init__ = small
    try:
        for name, options in FORMS.items():
            places[name] = tmp_path_factory.mktemp("copies") / name.replace(" ", "-")
            summary = prepared(original, places[name], **options)
            assert list(summary.unreadable) == ["20bn-something-something-v2/3.webm"]
    finally:
        pack.Packer.__init__ = real
    return places
