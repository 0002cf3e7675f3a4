"""What holds for any input: of sampling, transforms, shares of batches, lists, and recipes."""

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gta.data.formats.dialect import decide
from gta.data.formats.prepared import find_manifest
from gta.data.formats.text import read_json, read_lines
from gta.data.loader import EpochOrder
from gta.data.sampling import in_order, segment_indices
from gta.data.transforms.clip import RandomCrop, TrainTransform, ViewTransform, resize_frames
from gta.data.videos import load_videos
from gta.errors import DataError, UsageError
from gta.names import shown
from gta.recipes import read_recipe, with_settings
from gta.recipes.shipped import find_recipe
from gta.recipes.yaml_text import in_one_line, parse_yaml

SOME = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
seeds = st.integers(0, 2**32)
sides = st.integers(8, 90)
data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@SOME
@given(frames=st.integers(1, 10_000), clip=st.integers(1, 200), seed=seeds)
def test_segments_are_frames_in_their_order(frames, clip, seed):
    for rng in (None, np.random.default_rng(seed)):
        indices = segment_indices(frames, clip, rng=rng)
        assert len(indices) == clip
        assert list(indices) == sorted(indices)
        assert min(indices) >= 0
        assert max(indices) < frames
    if frames % clip == 0:  # one of each segment
        length = frames // clip
        drawn = segment_indices(frames, clip, rng=np.random.default_rng(seed))
        assert [i // length for i in drawn] == list(range(clip))


@SOME
@given(indices=st.lists(st.integers(0, 500), min_size=1, max_size=40), seed=seeds)
def test_another_order_has_the_same_frames(indices, seed):
    for order in ("forward", "reverse", "shuffle"):
        changed = in_order(indices, order, np.random.default_rng(seed))
        assert sorted(changed) == sorted(indices)
    assert in_order(indices, "forward", np.random.default_rng(seed)) == indices


@SOME
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    size=st.integers(4, 40),
    jittered=st.booleans(),
    fixed=st.booleans(),
    seed=seeds,
)
def test_a_crop_is_inside_and_the_same_for_all_frames(height, width, size, jittered, fixed, seed):
    frames = torch.from_numpy(
        np.random.default_rng(seed).integers(0, 256, (3, height, width, 3), dtype=np.uint8)
    ).permute(0, 3, 1, 2)
    resize = (size + 3, size + 5) if fixed else None
    transform = TrainTransform(
        size=size, resize=resize, scale_jitter=(size, 2 * size) if jittered else None
    )
    whole = transform(frames, np.random.default_rng(seed))
    assert whole.shape == (3, 3, size, size)
    rng = np.random.default_rng(seed)
    crop = RandomCrop(transform, rng)
    one_by_one = torch.cat([crop(frames[i : i + 1]) for i in range(3)])
    assert torch.equal(transform.finish(one_by_one, rng), whole)
    after = np.random.default_rng(seed)
    undone = RandomCrop(transform, after)
    undone(frames[:1])
    undone.undo()
    assert after.bit_generator.state == np.random.default_rng(seed).bit_generator.state


@SOME
@given(
    sides=st.tuples(sides, sides),
    size=st.integers(2, 40),  # torch 2.14 fails to make one pixel of a square
    place=st.integers(0, 2),
)
def test_a_view_is_a_part_of_the_frame(sides, size, place):
    frames = torch.zeros(2, 3, *sides, dtype=torch.uint8)
    resized = resize_frames(frames, size)
    assert min(resized.shape[-2:]) == size
    view = ViewTransform(size=size, resize=size, places=(place,))(frames)
    assert view.shape == (3, 2, size, size)


@SOME
@given(
    videos=st.integers(1, 60),
    share=st.integers(1, 5),
    world_size=st.integers(1, 4),
    start=st.integers(0, 9),
    epoch=st.integers(0, 5),
    seed=seeds,
)
def test_processes_share_an_epoch_without_overlap(videos, share, world_size, start, epoch, seed):
    assume(videos >= world_size)

    def batches(rank: int, count: int, first: int = 0):
        return list(
            EpochOrder(
                *(videos,),
                batch_size=share * count,
                seed=seed,
                epoch=epoch,
                start_batch=first,
                rank=rank,
                world_size=count,
            )
        )

    parts = [batches(rank, world_size) for rank in range(world_size)]
    together = [[key for part in parts for key in part[i]] for i in range(len(parts[0]))]
    keys = [key for batch in together for key in batch]
    assert len(set(keys)) == len(keys)
    assert all(one == epoch and 0 <= index < videos for one, index in keys)
    if world_size == 1:
        assert together == parts[0]
    assert [batches(rank, world_size, start) for rank in range(world_size)] == [
        part[start:] for part in parts
    ]


@SOME
@given(text=st.text())
def test_any_text_as_a_list(tmp_path: Path, text: str):
    for name in ("train.txt", "train.csv", "train.json", "train.jsonl"):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8", errors="surrogatepass")
        with pytest.raises(DataError) as caught:
            load_videos("list", folder, "train")
        assert str(folder) in str(caught.value)


@SOME
@given(content=st.binary(max_size=200))
def test_any_bytes_as_an_annotation(tmp_path: Path, content: bytes):
    (tmp_path / "a.json").write_bytes(content)
    for read in (read_json, read_lines):
        with suppress(DataError):
            read(tmp_path / "a.json")


@SOME
@given(
    rows=st.lists(
        st.tuples(
            st.text("abc xyz-_é", min_size=1, max_size=9).filter(lambda name: name.strip() == name),
            st.integers(0, 99),
        ),
        min_size=2,
        unique_by=lambda row: row[0],
    ),
    mark=st.sampled_from("\t;,"),
)
def test_a_separator_is_found(rows, mark):
    lines = [(i, f"{name}.mp4{mark}{label}") for i, (name, label) in enumerate(rows, 1)]
    dialect = decide(lines)
    read = [fields for _, fields in dialect.records(lines, Path("a.csv"))]
    assert read == [[f"{name}.mp4", str(label)] for name, label in rows]


@SOME
@given(
    manifest=st.dictionaries(st.sampled_from(["gta_prepared", "splits", "shards", "made"]), data)
)
def test_any_json_as_a_manifest(tmp_path: Path, manifest):
    (tmp_path / "prepared.json").write_text(json.dumps(manifest | {"gta_prepared": 1}))
    with pytest.raises(DataError):
        find_manifest(tmp_path)


@SOME
@given(text=st.text())
def test_any_text_as_a_recipe(tmp_path: Path, text: str):
    file = tmp_path / "recipe.yaml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(UsageError) as caught:
        read_recipe(file)
    assert str(file) in str(caught.value)


@SOME
@given(value=data)
def test_a_value_is_the_same_again(value):
    try:
        text = in_one_line(value)
    except (yaml.YAMLError, ValueError):  # what YAML cannot say
        return
    assert parse_yaml(text) == value or "\x85" in text or "-0.0" in text


@SOME
@given(
    name=st.sampled_from(
        ["train.lr", "clip.num_frames", "data.root", "model.blocks", "test", "x.y"]
    ),
    value=data | st.text(),
)
def test_any_setting_is_taken_or_refused(name, value):
    recipe = read_recipe(find_recipe("ordered", "tiny_gta"))
    text = value if isinstance(value, str) else json.dumps(value)
    try:
        changed = with_settings(recipe, [f"{name}={text}"])
    except UsageError:
        return
    assert type(changed) is type(recipe)


@SOME
@given(text=st.text())
def test_what_is_shown_cannot_act(text):
    seen = shown(text)
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in seen)
    assert not set(seen) & set("\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert shown(seen) == seen
