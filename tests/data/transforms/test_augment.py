"""Augmentation beside crop and flip: the same for all frames, and for the same sample."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from gta.data.transforms.augment import Augmentation
from gta.data.transforms.clip import TrainTransform
from gta.errors import UsageError

WAYS = {
    "rand_augment": {"rand_augment": (2, 12)},
    "color_jitter": {"color_jitter": 0.5},
    "erase": {"erase": 0.999},
    "all": {"rand_augment": (1, 9), "color_jitter": 0.4, "erase": 0.5},
}
each = pytest.mark.parametrize("options", WAYS.values(), ids=WAYS)


def still(num_frames: int = 4, size: int = 40) -> Tensor:
    """A clip of one picture."""
    picture = torch.randint(
        256, (1, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    return picture.expand(num_frames, -1, -1, -1)


@each
def test_every_frame_is_changed_alike(options: dict):
    augmentation = Augmentation(**options)
    changed = 0
    for seed in range(8):
        clip = augmentation(still(), np.random.default_rng(seed))
        assert clip.dtype == torch.uint8
        assert clip.shape == (4, 3, 40, 40)
        assert all(torch.equal(clip[0], frame) for frame in clip)
        changed += not torch.equal(clip, still())
    assert changed >= 3


@each
def test_draws_are_those_of_the_generator_alone(options: dict):
    augmentation = Augmentation(**options)

    def draw(seed: int) -> Tensor:
        return augmentation(still(), np.random.default_rng(seed))

    torch.manual_seed(1)
    first = [draw(seed) for seed in range(6)]
    state = torch.get_rng_state()
    torch.manual_seed(2)
    assert all(torch.equal(draw(seed), clip) for seed, clip in enumerate(first))
    assert len({clip.numpy().tobytes() for clip in first}) >= 3
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)  # the global generator was left alone


def test_what_is_erased_becomes_the_mean_color():
    clip = Augmentation(erase=0.999, fill=(124, 116, 104))(still(), np.random.default_rng(1))
    gone = (clip != still()).any(1)[0]
    assert 0.01 < gone.float().mean() < 0.4
    assert (clip[:, :, gone].permute(0, 2, 1) == torch.tensor([124, 116, 104])).all()


def test_nothing_is_drawn_where_nothing_is_asked_for():
    rng, transform = np.random.default_rng(0), TrainTransform(size=24, resize=None)
    assert transform.finish(still(), rng).equal(still().transpose(0, 1))
    assert rng.integers(1000) == np.random.default_rng(0).integers(1000)


def test_it_follows_crop_and_flip():
    plain = TrainTransform(size=24, resize=None)
    augmented = TrainTransform(size=24, resize=None, augmentation=Augmentation(erase=0.999))
    clip, other = (t(still(), np.random.default_rng(3), flip=True) for t in (plain, augmented))
    assert clip.shape == other.shape == (3, 4, 24, 24)
    same = (clip == other).all(0)[0]
    assert 0.5 < same.float().mean() < 1
    assert (other[:, :, ~same] == 0).all()


@pytest.mark.parametrize("given", [(0, 9), (2, 31), (2, -1)])
def test_an_impossible_rand_augment(given: tuple[int, int]):
    with pytest.raises(UsageError, match=r"rand_augment=\[.*at least 1 and from 0 to 30, such as"):
        Augmentation(rand_augment=given)


def fading() -> Tensor:
    """A clip of one picture that goes dark evenly."""
    light = torch.linspace(1, 0.1, 6)[:, None, None, None]
    return (still(6).float() * light).to(torch.uint8)


SPACE = v2.RandAugment._AUGMENTATION_SPACE
WITH_STATISTICS = {"AutoContrast": F.autocontrast, "Equalize": F.equalize}


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch):
    """Lets RandAugment draw from these operations alone."""

    def use(*names: str) -> None:
        space = {name: SPACE[name] for name in names}
        monkeypatch.setattr(v2.RandAugment, "_AUGMENTATION_SPACE", space)

    return use


@pytest.mark.parametrize("options", [{"rand_augment": (2, 9)}, {"color_jitter": 0.5}])
def test_a_fade_survives(options: dict, only):
    only(*(SPACE.keys() - {"Solarize"}))  # which turns light to dark by design
    augmentation = Augmentation(**options)
    for seed in range(60):
        light = augmentation(fading(), np.random.default_rng(seed)).float().mean((1, 2, 3))
        assert light[0] - light[-1] > 20, seed
        assert (light.diff() <= 0).all(), seed


@pytest.mark.parametrize("name", WITH_STATISTICS)
def test_statistics_are_of_the_whole_clip(name: str, only):
    only(name)
    clip = Augmentation(rand_augment=(1, 9))(fading(), np.random.default_rng(0))
    sheet = torch.cat(list(fading()), dim=1)  # all frames below each other
    assert clip.equal(torch.stack(WITH_STATISTICS[name](sheet).split(40, dim=1)))
    assert not clip.equal(WITH_STATISTICS[name](fading()))


def test_contrast_goes_by_the_mean_of_the_clip(only):
    only("Contrast")
    clip = Augmentation(rand_augment=(1, 9))(fading(), np.random.default_rng(0)).float()
    factor = (clip[0].std() / fading()[0].float().std()).item()
    assert abs(factor - 1) > 0.1
    torch.testing.assert_close(
        clip[3].mean() - clip[2].mean(),
        factor * (fading()[3].float().mean() - fading()[2].float().mean()),
        atol=1,
        rtol=0.05,
    )


@pytest.mark.parametrize("name", sorted(SPACE.keys() - WITH_STATISTICS.keys() - {"Contrast"}))
def test_what_needs_no_statistics_is_as_torchvision_does_it(name: str, only):
    only(name)
    clip = Augmentation(rand_augment=(1, 9))(fading(), np.random.default_rng(5))
    torch.manual_seed(int(np.random.default_rng(5).integers(2**63)))
    assert clip.equal(v2.RandAugment(1, 9, fill=[0.0, 0.0, 0.0])(fading()))
