"""Frames are given upright, in whichever of the eight ways they are stored."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from gta.data.decode import decoded_bytes, each_frame, pixels, read_frames
from gta.data.decode.pixels import upright
from gta.data.decode.video_file import of_matrix

STORED = np.kron([[20, 90], [160, 230]], np.ones((24, 32))).astype(np.uint8)[:, :, None]
STORED = STORED.repeat(3, axis=2)
SHOWN = {  # EXIF's number: corners from left to right, from top to bottom, of what is seen
    1: [20, 90, 160, 230],
    2: [90, 20, 230, 160],
    3: [230, 160, 90, 20],
    4: [160, 230, 20, 90],
    5: [20, 160, 90, 230],
    6: [160, 20, 230, 90],
    7: [230, 90, 160, 20],
    8: [90, 230, 20, 160],
}
MATRICES = {  # a, b, c, d: the stored (x, y) is shown at (a x + c y, b x + d y), y downwards
    1: (1, 0, 0, 1),
    2: (-1, 0, 0, 1),
    3: (-1, 0, 0, -1),
    4: (1, 0, 0, -1),
    5: (0, 1, 1, 0),
    6: (0, 1, -1, 0),
    7: (0, -1, -1, 0),
    8: (0, -1, 1, 0),
}
each = pytest.mark.parametrize("stored", SHOWN)


def corners(image: np.ndarray) -> list[int]:
    h, w = image.shape[:2]
    return image[h // 4 :: h // 2, w // 4 :: w // 2, 0].astype(int).ravel().tolist()


@each
def test_video(tmp_path, write_video, stored):
    path = write_video(tmp_path / "phone.mp4", images=STORED[None].repeat(5, 0))
    data, place = bytearray(path.read_bytes()), path.read_bytes().index(b"tkhd") + 44
    a, b, c, d = (value * 2**16 for value in MATRICES[stored])
    data[place : place + 36] = np.array([a, b, 0, c, d, 0, 0, 0, 2**30], ">i4").tobytes()
    path.write_bytes(data)
    frames = read_frames(path)
    assert frames.shape == (5, 3, 64, 48) if stored >= 5 else (5, 3, 48, 64)
    np.testing.assert_allclose(corners(frames[4].permute(1, 2, 0).numpy()), SHOWN[stored], atol=4)
    assert np.array_equal(list(each_frame(path))[4], frames[4].permute(1, 2, 0))
    assert decoded_bytes(path) == frames.numel()


@each
@pytest.mark.parametrize("end", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("fast", [True, False], ids=["with simplejpeg", "by Pillow alone"])
def test_pictures(tmp_path, monkeypatch, stored, end, fast):
    if not fast:
        monkeypatch.setattr(pixels, "simplejpeg", None)
    exif = Image.Exif()
    exif[0x0112] = stored
    Image.fromarray(STORED).save(tmp_path / f"1.{end}", exif=exif)
    frames = read_frames(tmp_path)
    assert frames.shape == (1, 3, 64, 48) if stored >= 5 else (1, 3, 48, 64)
    np.testing.assert_allclose(corners(frames[0].permute(1, 2, 0).numpy()), SHOWN[stored], atol=6)
    assert decoded_bytes(tmp_path) == frames.numel()


@each
def test_video_of_jpegs_that_are_turned(tmp_path, stored):
    """FFmpeg puts EXIF beside the frame, a kind that PyAV 18 has no name for."""
    exif, jpeg, path = Image.Exif(), io.BytesIO(), tmp_path / "camera.avi"
    exif[0x0112] = stored
    Image.fromarray(STORED).save(jpeg, "JPEG", exif=exif)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=12)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuvj420p"
        for i in range(3):
            packet = av.Packet(jpeg.getvalue())
            packet.pts = packet.dts = i
            packet.time_base, packet.stream, packet.is_keyframe = Fraction(1, 12), stream, True
            container.mux(packet)
    frames = read_frames(path)
    assert frames.shape == (3, 3, 64, 48) if stored >= 5 else (3, 3, 48, 64)
    np.testing.assert_allclose(corners(frames[2].permute(1, 2, 0).numpy()), SHOWN[stored], atol=6)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("exif", [b"Exif\0\0nothing", b"Exif\0\0II*\0\x08\0\0\0\xff\xff"])
def test_what_is_no_orientation_changes_nothing(tmp_path, exif):
    Image.fromarray(STORED).save(tmp_path / "1.jpg", exif=exif)
    assert read_frames(tmp_path).shape == (1, 3, 48, 64)
    assert upright(STORED, 9) is STORED


@each
def test_the_nearest_of_the_eight(stored):
    a, b, c, d = MATRICES[stored]
    turned = (9 * a - c, 9 * b - d, 0, 9 * c + a, 9 * d + b, 0, 640, 0, 1)  # by 6 degrees more
    assert of_matrix(turned) == stored
