#!/usr/bin/env bash
# torchvision: Grayscale, RandomGrayscale and RGB leave a Video as it is, without a word.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    torch==2.14.1 torchvision==0.29.1 numpy==2.4.6

venv/bin/python - <<'PY'
import platform
import sys
import warnings

import torch
import torchvision
from torchvision.transforms import v2
from torchvision.tv_tensors import Image, Video

print(f"torchvision {torchvision.__version__}, torch {torch.__version__}, Python {platform.python_version()}")
print("A clip of 8 frames (T, C, H, W), as a tensor, as images, and as the video that it is,")
print("before and after each transform: the number of its channels, and whether they differ.")
print()
torch.manual_seed(0)
colour = torch.randint(0, 256, (8, 3, 32, 32), dtype=torch.uint8)
grey = colour[:, :1]
KINDS = {"tensor": torch.Tensor, "Image": Image, "Video": Video}
cases = {
    "Grayscale()": (v2.Grayscale(), colour),
    "Grayscale(3)": (v2.Grayscale(3), colour),
    "RandomGrayscale(p=1)": (v2.RandomGrayscale(p=1), colour),
    "RGB()": (v2.RGB(), grey),
    "ColorJitter(saturation=(0, 0))": (v2.ColorJitter(saturation=(0, 0)), colour),
}
seen, said = {}, []
print(f"{'transform':30}  {'before':14}  " + "  ".join(f"{kind:6}" for kind in KINDS).rstrip())
for name, (transform, clip) in cases.items():
    row = []
    for kind, made in KINDS.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            after = transform(clip.as_subclass(made))
        said += [str(warning.message) for warning in caught]
        after = after.as_subclass(torch.Tensor)
        equal = bool((after.int() - after[:, :1].int()).abs().max() <= 1)
        seen[name, kind] = (after.shape[1], equal, torch.equal(after, clip))
        row.append(f"{after.shape[1]} {'in colour' if not equal else 'grey'}")
        row[-1] += ", as it was" if seen[name, kind][2] else ""
    before = f"{clip.shape[1]} {'in colour' if clip.shape[1] == 3 else 'grey'}"
    print(f"{name:30}  {before:14}  " + "  ".join(f"{told:6}" for told in row))

print()
errors = {}
for function, clip in ((v2.functional.rgb_to_grayscale, colour), (v2.functional.grayscale_to_rgb, grey)):
    try:
        function(clip.as_subclass(Video))
        errors[function.__name__] = "no error"
    except TypeError as error:
        errors[function.__name__] = f"TypeError: {str(error).split(' supports')[0]} supports ..."
    print(f"The function {function.__name__} of the video: {errors[function.__name__]}")
print("Warnings:", said or "none")
print()
print("Expected: the same for all three, as ColorJitter does, or the error of the function.")
print("Seen:     the functions do not know videos, and the transforms, which call them, leave alone what")
print("          they do not know: a video keeps its colours, and one of one channel keeps it.")
unknown = list(cases)[:-1]
as_told = all(seen[name, "Video"][2] for name in unknown)
others = {name: seen[name, "tensor"] for name in cases}
as_told &= others == {name: seen[name, "Image"] for name in cases}
channels = {name: (count, equal) for name, (count, equal, _) in others.items()}
as_told &= channels == dict.fromkeys(cases, (3, True)) | {"Grayscale()": (1, True)}
as_told &= seen[list(cases)[-1], "Video"] == others[list(cases)[-1]]
as_told &= all(error.startswith("TypeError") for error in errors.values())
sys.exit(0 if as_told and not said else 1)
PY
