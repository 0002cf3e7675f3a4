"""Distillation from another frozen trunk."""

from dataclasses import replace
from pathlib import Path

import torch
from experiments.distilled import MODELS, Taught, side_by_side
from torch import nn

from gta.config import Augment
from gta.data.records import Video, VideoList
from gta.features import FrozenVideo, FrozenVideos
from gta.training.mixing import Mixing


def test_the_teacher_is_asked_about_the_mixed_clip_of_its_own_trunk():
    seen = list[torch.Tensor]()

    class Teacher(nn.Module):
        def forward(self, clips: torch.Tensor) -> torch.Tensor:
            assert not self.training
            seen.append(clips)
            return torch.tensor([[0.0, 20.0]]).expand(len(clips), 2)

    both, labels = torch.randn(4, 5, 2, 3, 3), torch.tensor([0, 0, 1, 1])
    mixing = Mixing(Augment(mixup=0.4), 2)
    torch.manual_seed(0)
    mixed, soft = mixing(both, labels)
    torch.manual_seed(0)
    clips, targets = Taught(mixing, Teacher(), 3)(both, labels)
    assert torch.equal(clips, mixed[:, :3])
    assert torch.equal(seen[0], mixed[:, 3:])
    torch.testing.assert_close(targets, (soft + torch.tensor([0.0, 1.0])) / 2)


def test_each_view_has_the_channels_of_both_trunks():
    videos = VideoList([Video("x", Path("x"), 0)], ["a"])
    first, second = torch.randn(2, 4, 8, 3, 3), torch.randn(2, 6, 8, 3, 3)
    one = FrozenVideos(videos, 2, {0: FrozenVideo(list(first), [0, 0])})
    both = side_by_side(one, replace(one, features={0: FrozenVideo(list(second), [0, 0])}))
    assert both.num_test == 2
    assert torch.equal(torch.stack(both.features[0].views), torch.cat([first, second], 1))


def test_teacher_and_student_are_heads_that_are_trained_alone_too(ours):
    jobs = ours.frozen_jobs
    (teacher, student), (large, small) = MODELS.values(), [trunk for trunk, _ in MODELS]
    assert (teacher, student) == (jobs.THREE_HEADS, jobs.HEADS["GTA, bottleneck"])
    networks = [jobs.recipe_of(teacher, trunk, 0, None).model.network for trunk in (large, small)]
    assert networks == ["lite2", "lite0"]
