#!/usr/bin/env bash
# datasets: frames made smaller or covered in place are stored as the files that they came from.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    datasets==5.2.0 pyarrow==26.0.1 pillow==13.0.0 numpy==2.4.6

export HF_HOME="$folder" HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1
venv/bin/python - 2> messages <<'PY'
import platform
import sys

import datasets
import numpy as np
import PIL
from PIL import Image

VERSIONS = f"datasets {datasets.__version__}, Pillow {PIL.__version__}"
print(f"{VERSIONS}, Python {platform.python_version()}")
print("A clip of two white frames, PNG files of 320 x 240, is opened, changed, put into a column")
print("of frames, saved and loaded again; and the same with map() over a column of the files.")
print()

WHITE, BLACK = (255,) * 3, (0,) * 3
FILES = ["0.png", "1.png"]
for name in FILES:
    Image.new("RGB", (320, 240), WHITE).save(name)


def opened(name: str) -> Image.Image:
    return Image.open(name)


def half(image: Image.Image) -> Image.Image:
    return image.resize((160, 120))


def half_in_place(image: Image.Image) -> Image.Image:
    image.thumbnail((160, 120))
    return image


def covered_in_place(image: Image.Image) -> Image.Image:
    image.paste(BLACK, (0, 0, 320, 120))
    return image


def covered_copy(image: Image.Image) -> Image.Image:
    return covered_in_place(image.copy())


def told(image: Image.Image) -> str:
    return f"{image.width} x {image.height}, mean {np.asarray(image).mean():.1f}"


FEATURES = datasets.Features({"frames": datasets.List(datasets.Image())})
seen = {}
for change in (half, half_in_place, covered_copy, covered_in_place):
    clip = [change(opened(name)) for name in FILES]
    given = told(clip[0])
    made = datasets.Dataset.from_dict({"frames": [clip]}, features=FEATURES)
    made.save_to_disk(change.__name__)
    (stored, _) = datasets.load_from_disk(change.__name__)[0]["frames"]
    files = datasets.Dataset.from_dict({"frames": [FILES]}, features=FEATURES)
    mapped = files.map(lambda row, change=change: {"frames": [change(x) for x in row["frames"]]})
    (of_map, _) = mapped[0]["frames"]
    print(f"{change.__name__:17} given: {given:23} loaded: {told(stored):23} map: {told(of_map)}")
    seen[change.__name__] = (given == told(stored), given == told(of_map))

print()
print("Expected: the frames that were given.")
print("Seen:     an image that Pillow has opened keeps the name of its file, and if it has one")
print("          the file is stored, whatever was done to the image since. A part that was")
print("          covered, such as a face, is there again.")
kept, lost = (True, True), (False, False)
expected = dict(half=kept, half_in_place=lost, covered_copy=kept, covered_in_place=lost)
sys.exit(0 if seen == expected else 1)
PY
