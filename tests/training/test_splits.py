from pathlib import Path

import pytest

from gta.errors import UsageError
from gta.progress import Silent
from gta.recipes import find_recipe, read_recipe
from gta.training.splits import load_splits


@pytest.fixture
def my_videos(ordered: Path, tmp_path: Path) -> Path:
    """A folder per class without a split: 2 classes of 10 videos."""
    videos = sorted((ordered / "20bn-something-something-v2").iterdir())[:20]
    for index, video in enumerate(videos):
        place = tmp_path / "my_videos" / ("first", "second")[index % 2] / video.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(video)
    return tmp_path / "my_videos"


def splits(root: Path, *settings: str):
    recipe = read_recipe(
        find_recipe("folder", "tiny_gta"),
        [f"data.root={root}", "clip.size=32", "clip.resize=32", *settings],
    )
    return load_splits(recipe, Silent())


def ids(root: Path, *settings: str) -> list[str]:
    return [video.id for video in splits(root, "data.cache_gb=0", *settings).val.videos]


def test_the_split_depends_on_its_own_seed_alone(my_videos: Path):
    assert len(ids(my_videos)) == 4
    assert ids(my_videos) == ids(my_videos, "train.seed=7")
    assert ids(my_videos) != ids(my_videos, "data.split_seed=1")
    assert len(ids(my_videos, "data.val_fraction=0.4")) == 8


def test_fingerprints_tell_data_sets_apart(my_videos: Path):
    one = splits(my_videos, "data.cache_gb=0").fingerprint()
    assert one == splits(my_videos, "data.cache_gb=0", "train.seed=3").fingerprint()
    assert one != splits(my_videos, "data.cache_gb=0", "data.split_seed=1").fingerprint()
    next((my_videos / "first").iterdir()).unlink()
    assert one != splits(my_videos, "data.cache_gb=0").fingerprint()


def test_groups_are_kept_together_where_a_recipe_says_so(my_videos: Path):
    for label in ("first", "second"):
        for place, video in enumerate(sorted((my_videos / label).iterdir())):
            video.rename(my_videos / label / f"v_x_g{place // 3:02}_c{place:02}.webm")

    def groups(split: str, *settings: str) -> set[str]:
        found = getattr(splits(my_videos, "data.cache_gb=0", *settings), split)
        return {video.id.rpartition("_c")[0] for video in found.videos}

    assert groups("train") & groups("val")
    kept = "data.keep_groups=true"
    assert not groups("train", kept) & groups("val", kept)


def test_what_is_passed_over_is_said_once(my_videos: Path):
    (my_videos / "first/notes.txt").touch()
    (my_videos / "second/clip.xyz").touch()
    said = list[str]()

    class Listening(Silent):
        def say(self, text: str) -> None:
            said.append(text)

    recipe = read_recipe(
        find_recipe("folder", "tiny_gta"), [f"data.root={my_videos}", "data.cache_gb=0"]
    )
    load_splits(recipe, Listening())
    assert said == [
        f"2 files in {my_videos} are passed over, no videos of a class: 1 .txt and 1 .xyz; gta "
        f"check names them"
    ]


def test_frames_are_kept_in_memory_up_to_the_limit(my_videos: Path):
    whole = splits(my_videos, "test.protocol=1x1-center32")
    assert whole.cached
    assert whole.train_cache is not None
    one_video = whole.train_cache.bytes / len(whole.train)
    part = splits(my_videos, f"data.cache_gb={3.5 * one_video / 2**30:.12f}")
    assert not part.cached
    assert part.train_cache is not None
    assert part.train_cache.num_cached == 3
    assert not splits(my_videos, "data.cache_gb=0").cached


def test_a_recipe_without_a_folder():
    recipe = read_recipe(find_recipe("folder", "tiny_gta"))
    with pytest.raises(UsageError, match=r"which videos\? Give the folder .*--root DIR"):
        load_splits(recipe, Silent())
