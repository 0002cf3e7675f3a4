"""Distillation: one head over frozen EfficientNet-Lite0, taught by three over frozen Lite2.

    python -m experiments.distilled VIDEOS                      VIDEOS/sit-stand
    python -m experiments.distilled VIDEOS --tasks split --seeds 1

In each fold the teacher is trained on the same clips as the student. The student's targets are the
mean of the mixed labels and of the teacher's probabilities for the same mixed clip, which it sees,
too (Beyer et al., "Knowledge distillation: a good teacher is patient and consistent", CVPR 2022).
The scores of both are kept, beside those of `experiments.real_frozen`. Needs the package of Lite2's
weights. Each result is saved at once; the same command resumes.
"""

import argparse
import json
import time
from dataclasses import replace
from itertools import product
from pathlib import Path

import torch
from torch import Tensor, nn

from experiments.frozen_jobs import (
    FROZEN,
    HEADS,
    LARGER,
    THREE_HEADS,
    Folds,
    figures_of,
    folds_with_reversed,
    network,
    recipe_of,
    with_reversed,
)
from experiments.frozen_page import ARROW, OUT, result_table
from experiments.page import write_page
from experiments.real_clips import list_videos
from experiments.real_frozen import features, folds_of, known
from experiments.sizes import what_with
from gta.data.records import VideoList
from gta.features import FrozenVideo, FrozenVideos
from gta.files import write_text
from gta.training.cross_validation import CrossValidated, parts, right_ones, train_copy
from gta.training.mixing import Mixing
from gta.training.processes import Processes

CPU = Processes(torch.device("cpu"))
MODELS = {
    (LARGER, "GTA, bottleneck, 3 heads"): THREE_HEADS,
    (FROZEN, "GTA, bottleneck, taught by Lite2"): HEADS["GTA, bottleneck"],
}
"""Teacher and student, by their `trunk` and `head` in the results."""


class Taught(Mixing):
    """Mixes features of both trunks, (B, C + D, T, h, w), and asks the teacher about the last D.

    Args:
        mixing: The recipe's own.
        teacher: Maps (B, D, T, h, w) to logits.
        channels: C, of the student's trunk.
    """

    def __init__(self, mixing: Mixing, teacher: nn.Module, channels: int):
        self.ways, self.teacher, self.channels = mixing.ways, teacher.eval(), channels

    @torch.no_grad()
    def __call__(self, clips: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The student's features (B, C, T, h, w), and targets (B, classes)."""
        mixed, targets = super().__call__(clips, labels)
        told = self.teacher(mixed[:, self.channels :]).softmax(1)
        return mixed[:, : self.channels], (targets + told) / 2


def side_by_side(one: FrozenVideos, other: FrozenVideos) -> FrozenVideos:
    """The same views with the channels of both trunks."""
    both = dict[int, FrozenVideo]()
    for i, video in one.features.items():
        pairs = zip(video.views, other.features[i].views, strict=True)
        both[i] = FrozenVideo([torch.cat(pair) for pair in pairs], video.labels)
    return replace(one, features=both)


def taught(large: FrozenVideos, small: FrozenVideos, folds: Folds, seed: int) -> list[Tensor]:
    """Whether teacher and student are right, bool (N,) each, for the videos in their order."""
    recipes = [recipe_of(model, trunk, seed, None) for (trunk, _), model in MODELS.items()]
    models = [network(recipe, len(small.videos.classes)) for recipe in recipes]
    both = side_by_side(small, large)
    channels = next(iter(small.features.values())).views[0].shape[0]
    right = [dict[int, bool]() for _ in MODELS]
    for fold in sorted(set(folds.values())):
        (seen, test), (_, small_test) = parts(large, folds, fold), parts(small, folds, fold)
        teacher = train_copy(models[0], recipes[0], seen, CPU)
        mixing = Taught(Mixing(recipes[1].augment, len(small.videos.classes)), teacher, channels)
        shown, _ = parts(both, folds, fold)
        student = train_copy(models[1], recipes[1], shown, CPU, mixing=mixing)
        right[0] |= right_ones(teacher, recipes[0], test, CPU)
        right[1] |= right_ones(student, recipes[1], small_test, CPU)
    return [torch.tensor([one[i] for i in sorted(folds)]) for one in right]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("videos", type=Path)
    parser.add_argument(
        "--tasks", nargs="+", choices=("split", "folds"), default=["split", "folds"]
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--results", type=Path, default=OUT)
    given = parser.parse_args()
    results = json.loads(given.results.read_text("utf-8")) if given.results.exists() else []
    classes, listed = list_videos(given.videos / ARROW)
    videos, is_train = VideoList([video for video, _ in listed], classes), [t for _, t in listed]
    recipes = [recipe_of(model, trunk, 0, None) for (trunk, _), model in MODELS.items()]
    large, small = (with_reversed(features(videos, recipe, CPU.device)) for recipe in recipes)
    names = [{"trunk": trunk, "head": head} for trunk, head in MODELS]
    for held_out, seed in product(given.tasks, range(given.seeds)):
        about = {"task": ARROW, "held_out": held_out, "seed": seed}
        if known({**about, **names[-1]}, results):
            continue
        began, count = time.monotonic(), len(videos)
        forward = replace(small, features={i: small.features[i] for i in range(count)})
        folds = folds_with_reversed(folds_of(forward, is_train, {}, held_out, seed), count)
        of = torch.tensor([folds[i] for i in sorted(folds)])
        for name, right in zip(names, taught(large, small, folds, seed), strict=True):
            found, spent = CrossValidated(right, of), round(time.monotonic() - began, 1)
            figures = {**figures_of(found, count), "s": spent}
            if not known({**about, **name}, results):  # the teacher is a head by itself, too
                results.append({**about, **name, **figures, **what_with(CPU.device)})
            print(
                f"{held_out}, seed {seed}, {name['head']}: {found.top1:.1%}, {spent} s", flush=True
            )
        write_text(given.results, json.dumps(results, indent=1) + "\n")
    if given.results == OUT:
        write_page()
    print(result_table(results))


if __name__ == "__main__":
    main()
