#!/usr/bin/env bash
# Pillow: the same 16-bit values become white or dark, by the colour type of the PNG they are in.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow==13.0.0

venv/bin/python - <<'PY'
import io
import struct
import sys
import warnings
import zlib

import PIL
from PIL import Image

print(f"Pillow {PIL.__version__}")
print("PNG files of 16 bits a channel with the same greys, made 8-bit RGB by convert('RGB').")
print()
VALUES = [0, 100, 255, 256, 1000, 40000, 65535]
TYPES = {"grey": (0, 1), "grey and alpha": (4, 2), "RGB": (2, 3), "RGBA": (6, 4)}


def chunk(kind, content):
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def png(colour_type, channels):
    header = struct.pack(">IIBBBBB", len(VALUES), 1, 16, colour_type, 0, 0, 0)
    row = b"\0" + b"".join(struct.pack(">H", value) * channels for value in VALUES)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(row)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


print(f"{'stored':15} {VALUES}")
seen = {}
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    for name, (colour_type, channels) in TYPES.items():
        image = Image.open(io.BytesIO(png(colour_type, channels)))
        pixels = image.convert("RGB")
        seen[name] = [pixels.getpixel((x, 0))[0] for x in range(len(VALUES))]
        print(f"{name:15} {seen[name]}   (Pillow's mode: {image.mode})")
print(f"warnings: {len(warned)}")

print()
print("Expected: the same values give the same RGB, whatever the colour type: their high bytes.")
high = [value >> 8 for value in VALUES]
clipped = [min(value, 255) for value in VALUES]
others_high = all(seen[name] == high for name in ("grey and alpha", "RGB", "RGBA"))
if not warned and seen["grey"] == clipped and others_high:
    print("Seen:     grey alone is clipped at 255, without a warning: of a depth picture little")
    print("          but white is left.")
    sys.exit(0)
print("This has changed: grey is treated as the others are, or a warning is given.")
sys.exit(1)
PY
