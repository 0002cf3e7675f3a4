"""A picture is read exactly or not at all."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from gta.data.decode import decoded_bytes, read_frames
from gta.errors import VideoError

OF_RANGE = (
    " (depth? thermal?); frames have 8 bits, and which range of values matters only you can tell: "
    "convert the pictures to 8-bit gray or RGB"
)


def png(depth: int, kind: int, line: bytes, width: int) -> bytes:
    """One line of pixels; PNG's own kinds of color."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, 1, depth, kind, 0, 0, 0)
    data = (
        chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" + line)) + chunk(b"IEND", b"")
    )
    return b"\x89PNG\r\n\x1a\n" + data


def saved(mode: str, form: str) -> bytes:
    file = io.BytesIO()
    if mode.startswith("I;16"):
        image = Image.fromarray(np.full((2, 3), 1500, np.dtype("uint16")))
    else:
        image = Image.new(mode, (3, 2))
    image.save(file, form)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("1.png", png(16, 0, b"\x05\xdc" * 4, 4), "has 16 or more bits of gray a pixel" + OF_RANGE),
        ("1.png", png(16, 4, b"\x05\xdc" * 4, 2), "has 16 or more bits of gray a pixel" + OF_RANGE),
        ("1.tif", saved("I;16", "TIFF"), "has 16 or more bits of gray a pixel" + OF_RANGE),
        ("1.tif", saved("I", "TIFF"), "has 16 or more bits of gray a pixel" + OF_RANGE),
        ("1.tif", saved("F", "TIFF"), "has fractional numbers as pixels" + OF_RANGE),
        ("1.tif", saved("LAB", "TIFF"), "has colors of the kind LAB: convert it to 8-bit RGB"),
    ],
    ids=["png", "png with alpha", "tiff", "32 bits", "fractions", "lab"],
)
def test_what_frames_cannot_show_is_refused(tmp_path, name, data, expected):
    (tmp_path / name).write_bytes(data)
    for read in (read_frames, decoded_bytes):
        with pytest.raises(VideoError) as caught:
            read(tmp_path)
        assert caught.value.reason == f"{name} {expected}"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (png(1, 0, b"\xb0", 4), [255, 0, 255, 255]),
        (png(2, 0, b"\xd8", 4), [255, 85, 170, 0]),
        (png(4, 0, b"\xd8", 2), [221, 136]),
        (png(8, 0, b"\x07\xff", 2), [7, 255]),
        (png(8, 4, b"\x07\0\xff\xff", 2), [7, 255]),
        (png(8, 6, b"\x07\x07\x07\0", 1), [7]),
        (png(16, 2, b"\x07\xff" * 6, 2), [7, 7]),
    ],
    ids=["1 bit", "2 bits", "4 bits", "gray", "transparent gray", "transparent", "16-bit RGB"],
)
def test_depths_of_png(tmp_path, data, expected):
    (tmp_path / "1.png").write_bytes(data)
    assert read_frames(tmp_path)[0, :, 0].tolist() == [expected] * 3


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
@pytest.mark.parametrize("end", ["png", "jpg", "bmp", "webp", "tif", "ppm"])
def test_kinds_of_color_and_formats(tmp_path, mode, end):
    color = np.full((16, 16, 3), 255, np.uint8)
    color[:, 8:] = 0
    try:
        Image.fromarray(color).convert(mode).save(tmp_path / f"1.{end}")
    except (OSError, KeyError):
        pytest.skip("there is no such file")
    frame = read_frames(tmp_path)[0]
    assert frame.shape == (3, 16, 16)
    assert frame[:, :, :6].min() > 245
    assert frame[:, :, 10:].max() < 10


def test_a_palette_with_transparency(tmp_path):
    image = Image.fromarray(np.arange(4, dtype=np.uint8).reshape(1, 4), "P")
    image.putpalette([9, 8, 7, 90, 80, 70, 1, 2, 3, 250, 240, 230])
    image.save(tmp_path / "1.png", transparency=1)
    assert read_frames(tmp_path)[0, 0, 0].tolist() == [9, 90, 1, 250]


def test_inks_that_are_not_inverted(tmp_path):
    """Adobe writes CMYK inverted and says so; what does not say so is as the standard has it."""
    file = io.BytesIO()
    Image.new("CMYK", (16, 16), (255, 0, 0, 0)).save(file, "JPEG", quality=95)
    data = file.getvalue()
    place = data.index(b"\xff\xee")
    size = int.from_bytes(data[place + 2 : place + 4], "big") + 2
    (tmp_path / "1.jpg").write_bytes(data)
    assert read_frames(tmp_path)[0, :, 8, 8].tolist() == pytest.approx([0, 255, 255], abs=4)
    (tmp_path / "1.jpg").write_bytes(data[:place] + data[place + size :])
    assert read_frames(tmp_path)[0, :, 8, 8].tolist() == pytest.approx([0, 0, 0], abs=4)


@pytest.mark.parametrize("end", ["png", "webp", "tif"])
def test_several_pictures_in_a_file(tmp_path, end):
    pages = [Image.new("RGB", (8, 8), (i, 0, 0)) for i in (0, 200)]
    pages[0].save(tmp_path / f"1.{end}", save_all=True, append_images=pages[1:])
    expected = f"1.{end} holds 2 pictures: save each frame as a picture of its own"
    with pytest.raises(VideoError) as caught:
        read_frames(tmp_path)
    assert caught.value.reason == expected
