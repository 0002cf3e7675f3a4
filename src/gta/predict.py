"""One predictor for the videos of a trained run."""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from gta.data.dataset import ViewClips
from gta.data.decode.memory import Frames, as_frames
from gta.data.decode.picture_names import PICTURE_SUFFIXES
from gta.data.given import find_videos
from gta.data.records import Video, VideoList
from gta.data.sampling.modes import Sampling
from gta.data.transforms.clip import ViewTransform, normalize
from gta.errors import UsageError, VideoError
from gta.evaluation.protocols import Protocol, parse_protocol
from gta.runs import Run
from gta.training.processes import find_device

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
        run: A trained run, or its folder.
        device: Where to compute: "cpu", "cuda", "cuda:1", or "auto", a GPU if there is one.
        best: The weights of the best epoch instead of the last.
        protocol: Other views than those of the run, such as "3x2-full256".

    Raises:
        UsageError: There is no such run or device, or the run has no weights yet.
    """

    def __init__(
        self,
        run: Run | str | Path,
        *,
        device: torch.device | str = "cpu",
        best: bool = False,
        protocol: Protocol | str | None = None,
    ):
        self.run = run = run if isinstance(run, Run) else Run.open(run)
        self.device = find_device(str(device))
        protocol = protocol or run.recipe.test.protocol
        if not isinstance(protocol, str | Protocol):
            raise UsageError(f"a protocol is a name such as '3x2-full256'; got {protocol!r}")
        self.protocol = parse_protocol(protocol) if isinstance(protocol, str) else protocol
        model, self.weights = run.load(best=best)
        self.model = model.to(self.device)

    def __call__(self, path: str | Path | Frames, *, fps: float | None = None) -> Prediction:
        """Scores one video file, one folder of pictures, or all frames of a video in memory.

        Args:
            path: Where it is; or RGB frames, uint8 (T, H, W, 3) or (T, 3, H, W).
            fps: Of frames in memory, for models that sample by time; None: 30.

        Raises:
            VideoError: It cannot be read.
            UsageError: The frames have another form, or the scores are not finite: the weights are
                of a training that has diverged.
        """
        scores = self.scores(self.views(path, fps=fps))
        path = Path(path) if isinstance(path, str | Path) else Path("frames in memory")
        if not scores.isfinite().all():
            raise UsageError(
                f"{self.run.folder}: the scores of {path} are not finite: the weights are broken, "
                f"as after a training that has diverged. Use other weights, such as --best, or "
                f"train again with a lower train.lr."
            )
        order = scores.argsort(descending=True, stable=True)
        return Prediction(path, [(self.run.classes[i], scores[i].item()) for i in order.tolist()])

    def views(self, path: str | Path | Frames, *, fps: float | None = None) -> Tensor:
        """The views of a video, as `__call__` takes it: uint8 (V, C, T, H, W).

        Raises:
            VideoError: It cannot be read.
            UsageError: The frames have another form, or fps is not above 0.
        """
        if fps is not None and not 0 < fps < math.inf:
            raise UsageError(f"fps is a number of frames a second, above 0; got {fps!r}")
        clip, videos = self.run.recipe.clip, list[Video]()
        if isinstance(path, str | Path):
            videos = [Video(str(path), _one_video(Path(path).expanduser()), None)]
        clips = ViewClips(
            VideoList(videos, self.run.classes),
            num_frames=clip.num_frames,
            transform=ViewTransform(
                size=self.protocol.size,
                resize=self.protocol.resize,
                places=self.protocol.places,
            ),
            num_clips=self.protocol.num_clips,
            sampling=Sampling(clip.sampling, clip.stride),
        )
        if not isinstance(path, str | Path):
            return clips.views_of(as_frames(path), fps=fps)
        item = clips[0]
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


def _one_video(path: Path) -> Path:
    """The path, unless it is a folder that is no single video."""
    if not path.is_dir():
        return path
    found = find_videos(path).videos
    pictures = sum(entry.suffix.lower() in PICTURE_SUFFIXES for entry in path.iterdir())
    # `find_videos` takes a folder for frames that stands beside videos, if most of it is pictures
    if found != [path] and pictures <= sum(video.parent == path for video in found):
        raise UsageError(
            f"{path} is a folder of videos; give one of them, such as {found[0]}, or go through "
            f"gta.predict.find_videos({str(path)!r})"
        )
    return path
