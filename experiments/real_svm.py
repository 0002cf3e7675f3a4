"""A support vector machine on small grey pictures in order, in the folds of heads over a trunk."""

from collections.abc import Mapping

import torch
from torch import Tensor

from experiments.real_baselines import small_grey
from experiments.real_clips import small_frames
from gta.data.records import VideoList
from gta.training.cross_validation import CrossValidated

SVM = "SVM, frames in order"


def ordered_pictures(videos: VideoList, *, arrow: bool) -> Tensor:
    """float32 (N, features) of videos, which can all be read; `arrow`: then of each backwards."""
    read = (torch.from_numpy(small_frames(video.path)) for video in videos.videos)
    small = torch.stack([small_grey(frames) for frames in read])
    return (torch.cat([small, small.flip(1)]) if arrow else small).flatten(1)


def svm_validated(
    pictures: Tensor, labels: Mapping[int, int], folds: Mapping[int, int]
) -> CrossValidated:
    """Trains one, with an RBF kernel as it comes, for each fold on the others, and scores it."""
    from sklearn.svm import SVC  # pip install scikit-learn

    places = sorted(folds)
    of = torch.tensor([folds[i] for i in places])
    truth = torch.tensor([labels[i] for i in places])
    x, right = pictures[places], torch.zeros(len(places), dtype=torch.bool)
    for fold in of.unique():
        machine = SVC().fit(x[of != fold], truth[of != fold])
        right[of == fold] = torch.from_numpy(machine.predict(x[of == fold])) == truth[of == fold]
    return CrossValidated(right, of)
