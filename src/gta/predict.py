"""One predictor for the videos of a trained run."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gta.data.decode.memory import Frames, as_frames
from gta.data.decode.picture_names import PICTURE_SUFFIXES
from gta.data.given import find_videos
from gta.data.records import Video, VideoList
from gta.devices import find_device
from gta.errors import UsageError
from gta.inference import probabilities, protocol_views
from gta.names import shown
from gta.protocols import Protocol, parse_protocol
from gta.runs import Run, open_run

__all__ = ["Prediction", "Predictor", "find_videos", "load"]


@dataclass(frozen=True, slots=True, repr=False)
class Prediction:
    """What a model says about one video. Printed, it is the five most probable classes."""

    path: Path
    scores: list[tuple[str, float]]
    """(class, probability), the most probable first."""

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.scores[0][0]

    @property
    def score(self) -> float:
        """Its probability."""
        return self.scores[0][1]

    def to_dict(self, top: int | None = None) -> dict[str, Any]:
        """{"video": path, "top": [{"class": name, "score": probability}, ...]}.

        Args:
            top: So many classes; None: all.
        """
        rows = [{"class": name, "score": score} for name, score in self.scores[:top]]
        return {"video": str(self.path), "top": rows}

    def to_json(self, top: int | None = None) -> str:
        r"""JSON of `to_dict`; a byte of a file name that is not UTF-8 is `\udcXX` in it."""
        text = json.dumps(self.to_dict(top), ensure_ascii=False)
        return text.encode("utf-8", "backslashreplace").decode()

    def __str__(self) -> str:
        lines = [f"{score:6.1%}  {shown(name)}" for name, score in self.scores[:5]]
        return "\n".join([shown(str(self.path)), *lines])

    def __repr__(self) -> str:
        return f"Prediction({str(self.path)!r}: {self.label!r} {self.score:.1%})"


class Predictor:
    """Scores videos as `gta test` does: the protocol of the run, averaged probabilities.

    `model` is the network itself, for clips (B, 3, T, H, W); `run.classes` names its classes.

    Args:
        run: A trained run, or what `load` takes.
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
        device: torch.device | str = "auto",
        best: bool = False,
        protocol: Protocol | str | None = None,
    ):
        self.run = run = open_run(run)
        self.device = find_device(str(device))
        self.protocol = parse_protocol(protocol or run.recipe.test.protocol)
        self._views = protocol_views(VideoList([], run.classes), self.protocol, run.recipe.clip)
        model, self.weights = run.load(best=best)
        self.model = model.to(self.device)

    def __call__(
        self, video: str | Path | Video | Frames, *, fps: float | None = None
    ) -> Prediction:
        """Scores one video file, one folder of pictures, or all frames of a video in memory.

        Args:
            video: Its path; or RGB frames, uint8 (T, H, W, 3) or (T, 3, H, W); or a `Video`, whose
                path is not looked at again: it is a file or a folder of frames.
            fps: Of frames in memory, for models that sample by time; None: 30.

        Raises:
            VideoError: It cannot be read.
            UsageError: The frames have another form, or the scores are not finite: the weights are
                of a training that has diverged.
        """
        scores = self.scores(self.views(video, fps=fps))
        if isinstance(video, Video):
            path = Path(str(video.path))
        else:
            path = Path(video) if isinstance(video, str | Path) else Path("frames in memory")
        if not scores.isfinite().all():
            raise UsageError(
                f"{self.run.folder}: the scores of {path} are not finite: the weights are broken, "
                f"as after a training that has diverged. Use other weights, such as --best, or "
                f"train again with a lower train.lr."
            )
        order = scores.argsort(descending=True, stable=True)
        return Prediction(path, [(self.run.classes[i], scores[i].item()) for i in order.tolist()])

    def views(self, video: str | Path | Video | Frames, *, fps: float | None = None) -> Tensor:
        """The views of a video, as `__call__` takes it: uint8 (V, C, T, H, W).

        Raises:
            VideoError: It cannot be read.
            UsageError: The frames have another form, or fps is not above 0.
        """
        if fps is not None and not 0 < fps < math.inf:
            raise UsageError(f"fps is a number of frames a second, above 0; got {fps!r}")
        if isinstance(video, str | Path):
            video = Video(str(video), _one_video(Path(video).expanduser()), None)
        if isinstance(video, Video):
            return self._views.read(video)
        return self._views.views_of(as_frames(video), fps=fps)

    def scores(self, views: Tensor) -> Tensor:
        """Probabilities (num_classes,), the mean over uint8 views (V, C, T, H, W)."""
        recipe = self.run.recipe
        return probabilities(self.model, views, recipe.clip, self.device, amp=recipe.train.amp)


def load(
    source: str | Path | Run,
    *,
    device: torch.device | str = "auto",
    best: bool = False,
    protocol: Protocol | str | None = None,
    num_frames: int | None = None,
) -> Predictor:
    """A trained model, ready to predict: `gta.load("runs/mine")("video.mp4")`.

    Args:
        source: The folder of a run; a .safetensors file with recipe.yaml and labels.json beside
            it; or "hub:OWNER/NAME", such a folder on the Hugging Face Hub.
        device: Where to compute: "cpu", "cuda", "cuda:1", or "auto", a GPU if there is one.
        best: The weights of the best epoch instead of the last.
        protocol: Other views than those of the run, such as "3x2-full256".
        num_frames: Of a clip, if not those of training: the temporal matrices are resampled.

    Raises:
        UsageError: There is no such run or device, or the run has no weights yet.
    """
    run = open_run(source)
    if num_frames is not None:
        run = run.at_frames(num_frames)
    return Predictor(run, device=device, best=best, protocol=protocol)


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
