"""Which pictures of a folder are frames, and in which order."""

import pytest

from gta.data.decode import read_frames
from gta.data.decode.picture_names import SeveralSeries, frames_in_order
from gta.errors import VideoError

IN_ORDER = {
    "padding": "1 02 003 9 10 0011",
    "no padding": "1 2 9 10 100",
    "seconds": "0 0.04 0.08 0.1 0.12 1 1.04 10.5",
    "seconds with commas": "0,5 1,0 9,5 10,0",
    "signs": "-10 -2 -1 0 1 +2 10",
    "all before an event": "-3 -2 -1",
    "signs after a letter": "t-10 t-2 t-1 t0 t+1 t+10",
    "the minus of mathematics": "−10 −2 0 1 10",
    "digits of another script": "٢ ٣ ١٠ ١١",
    "signs after a text": "t_-1.5 t_-0.5 t_0.5 t_10.5",
    "clock": "00:01 00:59 01:00 59:59 1:00:00.5",
    "scientific": "1e-05 0.0001 0.04 1.5e+01 1e+02",
    "two numbers": "1.1 1.2 1.9 1.10 1.11 2.1",
    "two numbers, one of them late": "2.9 2.10 2.11",
    "a dash is no sign": "frame-1 frame-2 frame-10",
    "nor are all": "clip_-1 clip_-2 clip_-10",
    "dates": "2024-01-05_2 2024-01-05_10 2024-01-06_1",
    "a number in the name of the video": "v_Run_g01_c02_2 v_Run_g01_c02_10",
    "capitals": "IMG_1 img_2 Img_10",
    "a number at the end": "2_of_3 3_of_3 10_of_3",
    "the first without a number": "frame frame1 frame2",
    "copies": "frame frame_(1) frame_(2) frame_(10)",
    "no numbers": "a b c",
}


@pytest.mark.parametrize("names", IN_ORDER.values(), ids=IN_ORDER)
def test_order(names):
    expected = [f"{stem}.jpg" for stem in names.split()]
    assert frames_in_order(sorted(expected)) == expected
    assert frames_in_order(reversed(expected)) == expected


def numbered(*shapes: str, num: int = 3) -> list[str]:
    return [shape.format(i) for shape in shapes for i in range(num)]


@pytest.mark.parametrize(
    "others",
    [
        numbered("flow_x_{}.jpg", "flow_y_{}.jpg"),
        numbered("x_{}.jpg", "y_{}.jpg"),
        numbered("u_{}.png", "v_{}.png"),
        numbered("img_x_{}.jpg", "img_y_{}.jpg"),
        numbered("img_{}_mask.png"),
        numbered("img_{}.depth.png"),
        numbered("Thumb{}.jpg", num=1),
        ["cover.jpg", "LICENSE.txt", ".hidden_1.jpg", "._img_1.jpg", "notes_1.npy"],
    ],
    ids=lambda names: names[0],
)
def test_what_lies_beside_the_frames(others):
    frames = numbered("img_{}.jpg")
    assert frames_in_order([*others, *frames]) == frames


def test_the_series_named_rgb():
    frames = numbered("rgb_{}.jpg")
    assert frames_in_order([*frames, *numbered("left_{}.jpg", "right_{}.jpg")]) == frames


def test_one_series_is_taken_whatever_its_name():
    assert frames_in_order(numbered("depth_{}.png")) == numbered("depth_{}.png")


@pytest.mark.parametrize(
    ("kept", "left"),
    [(".jpg", ".png"), (".jpeg", ".bmp"), (".JPG", ".png"), (".png", ".tif")],
)
def test_a_frame_in_two_formats(kept, left):
    names = numbered(f"{{}}{kept}", f"{{}}{left}")
    assert frames_in_order(names) == numbered(f"{{}}{kept}")
    assert frames_in_order(names[1:]) == numbered(f"{{}}{left}")  # which has all of them


def test_frames_in_several_formats():
    assert frames_in_order(["2.png", "3.webp", "1.jpg", "4.bmp", "5.tif", "6.JPEG"]) == [
        *("1.jpg", "2.png", "3.webp", "4.bmp", "5.tif", "6.JPEG")
    ]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            numbered("a_{}.jpg", "b_{}.jpg"),
            "its pictures are of 2 series, named as a_0.jpg (3), b_0.jpg (3); keep the frames of "
            "one video in a folder of their own",
        ),
        (
            numbered("cam1_{}.jpg", "cam2_{}.jpg"),
            "its pictures are of 2 series, named as cam1_0.jpg (3), cam2_0.jpg (3); keep",
        ),
        (
            numbered("flow_x_{}.jpg", "flow_y_{}.jpg"),
            "its pictures are of 2 series, named as flow_x_0.jpg (3), flow_y_0.jpg (3); keep",
        ),
        (
            ["1.jpg", "01.jpg"],
            "01.jpg and 1.jpg have the same number; which is the frame cannot be told",
        ),
        (
            ["1.jpg", "2.heic", "3.jpg"],
            "2.heic seems to be one of its frames (1 such), in a format that is not read; convert",
        ),
    ],
    ids=["two videos", "two cameras", "flow alone", "one number twice", "another format"],
)
def test_what_cannot_be_told_is_refused(tmp_path, names, message):
    with pytest.raises(SeveralSeries) as caught:
        frames_in_order(names)
    assert str(caught.value).startswith(message)
    for name in names:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(VideoError) as refused:
        read_frames(tmp_path)
    assert refused.value.reason == str(caught.value)


def test_a_format_that_is_not_read_beside_the_whole_series_is_left_out():
    assert frames_in_order(numbered("{}.jpg", "{}.heic")) == numbered("{}.jpg")
