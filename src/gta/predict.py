"""One predictor for the videos of a trained run."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from gta.data.dataset import ViewClips
from gta.data.given import find_videos
from gta.data.modes import Sampling
from gta.data.records import Video, VideoList
from gta.data.transforms import ViewTransform, normalize
from gta.errors import UsageError, VideoError
from gta.evaluation.protocols import Protocol, parse_protocol
from gta.runs import Run

__all__ = ["Prediction", "Predictor", "find_videos"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says about one video."""

    path: Path
    scores: list[tuple[str, float]]
    """(class, probability), the most probable first."""


class Predictor:
    """Scores videos as `gta test` does: the protocol of the run, averaged probabilities.

    Args:
        run: A trained run.
        device: Where to compute.
        best: The weights of the best epoch instead of the last.
        protocol: Other views than those of the run.
    """

    def __init__(
        self,
        run: Run,
        *,
        device: torch.device | str = "cpu",
        best: bool = False,
        protocol: Protocol | None = None,
    ):
        model, self.weights = run.load(best=best)
        self.device = torch.device(device)
        self.model = model.to(self.device)
        self.run = run
        self.protocol = protocol or parse_protocol(run.recipe.test.protocol)

    def __call__(self, path: Path | str) -> Prediction:
        """Scores one video file, or one folder of pictures.

        Raises:
            VideoError: It cannot be read.
            UsageError: The scores are not finite: the weights are of a training that has diverged.
        """
        path = Path(path)
        scores = self.scores(self.views(path))
        if not scores.isfinite().all():
            raise UsageError(
                f"{self.run.folder}: the scores of {path} are not finite: the weights are broken, "
                f"as after a training that has diverged. Use other weights, such as --best, or "
                f"train again with a lower train.lr."
            )
        order = scores.argsort(descending=True, stable=True)
        return Prediction(path, [(self.run.classes[i], scores[i].item()) for i in order.tolist()])

    def views(self, path: Path) -> Tensor:
        """The views of a video: uint8 (V, C, T, H, W).

        Raises:
            VideoError: It cannot be read.
        """
        clip = self.run.recipe.clip
        item = ViewClips(
            VideoList([Video(str(path), path, None)], self.run.classes),
            num_frames=clip.num_frames,
            transform=ViewTransform(
                size=self.protocol.size,
                resize=self.protocol.resize,
                places=self.protocol.places,
            ),
            num_clips=self.protocol.num_clips,
            sampling=Sampling(clip.sampling, clip.stride),
        )[0]
        if item.clip is None:
            raise VideoError(*item.failures[0])
        return item.clip

    def scores(self, views: Tensor) -> Tensor:
        """Probabilities (num_classes,), the mean over uint8 views (V, C, T, H, W)."""
        clip = self.run.recipe.clip
        half = self.run.recipe.train.amp and self.device.type == "cuda"
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            logits = self.model(normalize(views.to(self.device), clip.mean, clip.std))
        return logits.float().softmax(-1).mean(0)
