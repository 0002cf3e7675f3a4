"""Real clips: what is read, what is held out, what is drawn for training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gta.ordered import render_clip
from gta.ordered.files import write_webm


def test_copies_share_a_fold_and_have_the_other_label(ours, clips):
    items = ours.real_items.make_items(clips, arrow=True, held_out="folds", seed=3)
    count = len(clips.labels)
    assert len(items.labels) == 2 * count
    assert items.folds[:count].equal(items.folds[count:])
    assert items.labels[:count].equal(1 - items.labels[count:])
    assert items.backwards.tolist() == [False] * count + [True] * count
    for label in (0, 1):  # each fold has its share of each class
        folds = items.folds[:count][clips.labels == label]
        assert torch.bincount(folds, minlength=5).tolist() == [2] * 5
    other = ours.real_items.make_items(clips, arrow=True, held_out="folds", seed=4)
    assert not other.folds.equal(items.folds)
    split = ours.real_items.make_items(clips, arrow=False, held_out="split", seed=0)
    assert split.folds.tolist() == [-1] * 14 + [0] * 6
    assert not split.backwards.any()
    ((fold, training, held_out),) = ours.real_items.each_fold(split)
    assert (fold, len(training.labels), len(held_out.labels)) == (0, 14, 6)


def test_scenes_are_held_out_whole(ours, clips):
    items = ours.real_items.make_items(clips, arrow=True, held_out="scenes", seed=0)
    folds = list(ours.real_items.each_fold(items))
    assert [fold for fold, _, _ in folds] == [0, 1, 2]
    for _, training, held_out in folds:
        assert len(training.labels) + len(held_out.labels) == 28  # of 14 clips with a scene
        assert not set(clips.scenes[training.clips].tolist()) & set(
            clips.scenes[held_out.clips].tolist()
        )
    same = ours.real_items.make_items(clips, arrow=True, held_out="folds of known scenes", seed=0)
    assert set(same.clips.tolist()) == set(items.clips.tolist())
    assert len(list(ours.real_items.each_fold(same))) == 5


def test_training_clips_are_crops_of_their_items(ours, clips, job):
    clips.frames[:, :, :, :, 0] = torch.arange(170)  # red tells the column
    items = ours.real_items.make_items(clips, arrow=True, held_out="split", seed=0)
    job = replace(job, settings=replace(job.settings, steps=5))
    rng = np.random.default_rng(0)
    source = ours.real_batches.batches(clips.frames, items, job.settings, rng)
    mirrored = set()
    for number in range(5):
        taken, labels, *_ = source.batch(number)
        assert taken.shape == (8, 3, 8, 32, 32)
        rises = taken[:, 1, -1, 0, 0].int() > taken[:, 1, 0, 0, 0].int()
        assert rises.long().equal(labels)  # also of copies that run backwards
        steps = taken[:, 0, 0, 0].int().diff(dim=1)
        assert (steps.abs() == 1).all()
        mirrored |= set(steps[:, 0].tolist())
    assert mirrored == {-1, 1}


def augmented(ours, job, clips, augment: str):
    """Ten batches, from the same draws."""
    items = ours.real_items.make_items(clips, arrow=True, held_out="split", seed=0)
    rng = np.random.default_rng(0)
    source = ours.real_batches.batches(clips.frames, items, job.settings, rng, augment)
    return [source.batch(number)[:2] for number in range(10)]


def test_negatives_change_nothing_else(ours, clips, job):
    kinds = set()
    for (seen, labels), (other, same) in zip(
        augmented(ours, job, clips, "none"), augmented(ours, job, clips, "negatives"), strict=True
    ):
        assert labels.equal(same)
        for one, another in zip(seen, other, strict=True):
            negative = another.equal(255 - one)
            assert negative or another.equal(one)
            kinds.add(negative)
    assert kinds == {True, False}


def test_a_panned_crop_moves_evenly(ours, clips, job):
    clips.frames[..., 0] = torch.arange(128)[:, None]  # red tells the row
    clips.frames[..., 1] = torch.arange(170)  # green the column
    still = torch.stack([seen for seen, _ in augmented(ours, job, clips, "none")])
    moved = torch.stack([seen for seen, _ in augmented(ours, job, clips, "pan")])
    assert moved[:, :, :2, 0].equal(still[:, :, :2, 0])  # it begins where the other stays
    rows, columns = moved[:, :, 0, :, 0, 0].int(), moved[:, :, 1, :, 0, 0].int()
    for way in (rows, columns):
        steps = way.diff(dim=2)
        assert (steps.amax(2) - steps.amin(2)).max() <= 1  # rounded
        assert steps.max() > 2
        assert steps.min() < -2
    assert moved[:, :, 0, :, -1, 0].int().sub(rows).eq(job.settings.crop - 1).all()


def test_augmentations_that_are_not_there_are_refused(ours, clips, job):
    with pytest.raises(
        ValueError, match="augment='zoom' is not possible; it is one of none, negat"
    ):
        augmented(ours, job, clips, "zoom")
    plain = job.identity()
    assert replace(job, augment="pan").identity() == {**plain, "augment": "pan"}


def test_a_folder_without_a_split_and_with_what_cannot_be_read(ours, tmp_path: Path, capsys):
    for name in ("open", "close"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for i in range(3):
            write_webm(tmp_path / "mine" / name / f"{i}.webm", render_clip("up", seed=i), fps=12)
    (tmp_path / "mine/open/1.webm").write_bytes(b"no video")
    (tmp_path / "mine/open/notes.txt").write_text("not one either")
    (tmp_path / "mine/labels.csv").write_text("path,scene\nclose/0.webm,a\nopen/2.webm,b\n")
    ours.real_clips.reduce_folder(tmp_path / "mine", tmp_path / "mine.npz")
    assert "left out: " in (told := capsys.readouterr().out)
    assert "open/1.webm" in told
    clips = ours.real_clips.load_real(tmp_path / "mine.npz")
    assert clips.classes == ["close", "open"]
    assert clips.labels.tolist() == [0, 0, 0, 1, 1]
    assert clips.scenes.tolist() == [0, -1, -1, -1, 1]
    assert clips.is_train.all()
