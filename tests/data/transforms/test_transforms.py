import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as F

from gta.data.transforms.clip import (
    TrainTransform,
    ViewTransform,
    crop_offsets,
    crop_sizes,
    normalize,
    resize_frames,
)
from gta.errors import UsageError

GOLDEN = json.loads((Path(__file__).parent.parent / "golden/sampling_tsm_crops.json").read_text())[
    "rgb"
]
SCALES = (1, 0.875, 0.75, 0.66)


def frames(height: int, width: int, num_frames: int = 2) -> torch.Tensor:
    """Random frames as a decoder gives them: (T, C, H, W), in memory (T, H, W, C)."""
    generator = torch.Generator().manual_seed(0)
    shape = (num_frames, height, width, 3)
    return torch.randint(256, shape, dtype=torch.uint8, generator=generator).permute(0, 3, 1, 2)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: f"{case['width']}x{case['height']}")
def test_crops_are_those_of_tsm(case: dict):
    height, width = case["height"], case["width"]
    sizes = crop_sizes(height, width, 224, SCALES)
    assert [[w, h] for h, w in sizes] == case["crop_pairs_wh"]
    for (h, w), expected in zip(sizes, case["offsets_xy"], strict=True):
        assert [[x, y] for y, x in crop_offsets(height - h, width - w)] == expected


def test_train_crop_is_one_of_the_candidates_and_the_same_for_all_frames():
    whole = frames(30, 40, 1).expand(5, -1, -1, -1)
    transform = TrainTransform(size=16, resize=None, scales=(1, 0.5))
    candidates = [
        F.resized_crop(whole[:1], top, left, h, w, [16, 16])[0]
        for h, w in crop_sizes(30, 40, 16, (1, 0.5))
        for top, left in crop_offsets(30 - h, 40 - w)
    ]
    seen = set()
    for seed in range(150):
        clip = transform(whole, np.random.default_rng(seed))
        assert clip.shape == (3, 5, 16, 16)
        assert clip.dtype == torch.uint8
        assert all(torch.equal(clip[:, 0], clip[:, t]) for t in range(5))
        numbers = [
            i for i, candidate in enumerate(candidates) if torch.equal(candidate, clip[:, 0])
        ]
        assert numbers
        seen.add(numbers[0])
    distinct = len({candidate.numpy().tobytes() for candidate in candidates})
    assert len(seen) > 0.8 * distinct


def test_train_resizes_before_it_crops():
    whole = frames(31, 57)
    clip = TrainTransform(size=24, resize=(24, 24), scales=(1,))(whole, np.random.default_rng(0))
    assert torch.equal(clip, F.resize(whole, [24, 24]).transpose(0, 1))
    short = TrainTransform(size=24, resize=24, scales=(1,))(whole, np.random.default_rng(0))
    assert short.shape == (3, 2, 24, 24)


def test_flip_mirrors_left_and_right():
    transform = TrainTransform(size=16, resize=(20, 28))
    plain, mirrored = (
        transform(frames(40, 50), np.random.default_rng(3), flip=flip) for flip in (False, True)
    )
    assert torch.equal(plain.flip(-1), mirrored)
    assert not torch.equal(plain, mirrored)


def test_small_and_snapped_frames_do_not_break_the_crop():
    # 222 snaps to 224, which is more than the frame has
    for height, width in ((222, 222), (1, 1), (3, 300)):
        for seed in range(8):
            clip = TrainTransform(size=224, resize=None)(
                frames(height, width, 1), np.random.default_rng(seed)
            )
            assert clip.shape == (3, 1, 224, 224)


@pytest.mark.parametrize(("height", "width"), [(20, 31), (31, 20)])
def test_views(height: int, width: int):
    whole = frames(height, width)
    center = ViewTransform(size=20, resize=None)(whole)
    left = ViewTransform(size=20, resize=None, places=(0,))(whole)
    three = ViewTransform(size=20, resize=None, places=(0, 1, 2))
    first, middle, last = (three(whole, crop) for crop in range(3))
    axis = 3 if width > height else 2
    expected = [whole.narrow(axis, start, 20).transpose(0, 1) for start in (0, 5, 11)]
    assert torch.equal(first, expected[0])
    assert torch.equal(middle, expected[1])
    assert torch.equal(last, expected[2])
    assert torch.equal(center, middle)
    assert torch.equal(left, first)


def test_view_errors():
    with pytest.raises(
        UsageError, match=r"places=\[3\] is not possible; they are 0 \(left or top\)"
    ):
        ViewTransform(size=8, resize=None, places=[3])
    with pytest.raises(UsageError, match="crop of 8x8 pixels does not fit into frames of 9x7"):
        ViewTransform(size=8, resize=None)(frames(7, 9))
    with pytest.raises(ValueError, match="crop 1 does not exist"):
        ViewTransform(size=8, resize=None)(frames(9, 9), 1)


@pytest.mark.parametrize("resize", [(24, 32), 24, None])
def test_resizing_twice_changes_nothing(resize):
    once = resize_frames(frames(48, 64), resize)
    assert torch.equal(resize_frames(once, resize), once)


@pytest.mark.parametrize("num_frames", [1, 3])
@pytest.mark.parametrize("resize", [(24, 32), (48, 40), (100, 130), 24, 47, 90])
@pytest.mark.parametrize(("height", "width"), [(48, 64), (64, 48), (47, 83)])
def test_resizing_is_that_of_torchvision(num_frames, resize, height, width):
    whole = frames(60, 90, num_frames)[..., 3 : 3 + height, 5 : 5 + width]  # not contiguous
    expected = F.resize(whole, list(resize) if isinstance(resize, tuple) else [resize])
    assert torch.equal(resize_frames(whole, resize), expected)


def test_resizing_without_a_kernel_for_integers(monkeypatch):
    monkeypatch.setattr("gta.data.transforms.clip._in_integers", lambda frames: False)
    whole = frames(48, 64)
    resized = resize_frames(whole, (24, 32))
    assert resized.dtype == torch.uint8
    assert (resized.int() - F.resize(whole, [24, 32]).int()).abs().max() <= 1


def test_normalize():
    clips = torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 3, 1, 1, 1).repeat(2, 1, 4, 5, 6)
    mean, std = (0.5, 0.1, 0.0), (0.5, 0.1, 2.0)
    out = normalize(clips, mean, std)
    assert out.shape == clips.shape
    assert out.dtype == torch.float32
    torch.testing.assert_close(out[0, :, 0, 0, 0], torch.tensor([-1.0, 1.0, 0.5]))
    assert out.is_contiguous(memory_format=torch.channels_last_3d)
    assert clips.max() == 255  # not changed in place


def test_jitter_draws_the_side_evenly_in_its_inverse_and_the_place_from_all():
    transform = TrainTransform(size=224, resize=None, scale_jitter=(256, 320))
    rng = np.random.default_rng(0)
    draws = np.array([transform.jittered_crop(240, 400, (256, 320), rng) for _ in range(4000)])
    top, left, height, width = draws.T
    assert (height == width).all()
    assert (height.min(), height.max()) == (240 * 224 // 320, 240 * 224 // 256)  # 168 and 210
    shares = np.histogram(height, bins=4, range=(168, 210))[0] / len(height)
    np.testing.assert_allclose(shares, 0.25, atol=0.03)
    assert (top >= 0).all()
    assert (top + height <= 240).all()
    assert (left + width).max() == 400
    assert left.min() == 0


def test_jitter_crops_as_if_the_frame_had_been_resized():
    """Of a smooth picture, so that the two orders of resizing and cropping agree."""
    y, x = torch.meshgrid(torch.arange(120.0), torch.arange(160.0), indexing="ij")
    picture = (127 + 60 * torch.sin(y / 30) + 60 * torch.cos(x / 40)).to(torch.uint8)
    whole = picture.expand(2, 3, -1, -1)
    transform = TrainTransform(size=56, resize=None, scale_jitter=(80, 80))
    for seed in range(5):
        top, left, _, _ = transform.jittered_crop(120, 160, (80, 80), np.random.default_rng(seed))
        clip = transform(whole, np.random.default_rng(seed)).transpose(0, 1)
        resized = F.crop(resize_frames(whole, 80), round(top / 1.5), round(left / 1.5), 56, 56)
        assert (clip.int() - resized.int()).abs().max() <= 4
        assert clip.shape == (2, 3, 56, 56)


def test_jitter_of_frames_smaller_than_the_clip():
    clip = TrainTransform(size=64, resize=None, scale_jitter=(64, 80))(
        frames(20, 30), np.random.default_rng(0)
    )
    assert clip.shape == (3, 2, 64, 64)


def test_frames_that_would_fill_the_memory_are_not_resized():
    narrow = torch.zeros(1, 3, 2, 200_000, dtype=torch.uint8)
    with pytest.raises(ValueError, match=r"200000x2 pixels are too narrow: .* 25,600,000 long"):
        resize_frames(narrow, 256)
    assert resize_frames(narrow, (4, 4)).shape == (1, 3, 4, 4)
    assert resize_frames(narrow[..., :2000], 64).shape == (1, 3, 64, 64_000)
