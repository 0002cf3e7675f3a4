"""One predictor for the videos of a trained run."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from gta.cores import available_cores
from gta.data.ahead import ahead, batches
from gta.data.decode import cut_off, damage
from gta.data.decode.memory import Frames, as_frames
from gta.data.decode.picture_names import PICTURE_SUFFIXES
from gta.data.given import find_videos
from gta.data.records import Video, VideoList
from gta.data.spent import Spent
from gta.devices import find_device
from gta.errors import UsageError
from gta.inference import Scorer, protocol_views
from gta.predict.batches import Batches, filled
from gta.predict.embedding import ClassifierInputs
from gta.predict.long_video import timeline_of
from gta.predict.prediction import Prediction, rankings
from gta.predict.segments import Rules
from gta.predict.timeline import Timeline
from gta.protocols import Protocol, parse_protocol
from gta.runs import Run, open_run

Precision = Literal["auto", "fp32", "bf16"]
"""Of the network: "auto" is bf16 on a GPU where the recipe's train.amp says so, else fp32."""
_MOST_THREADS = 8
_MOST_ON_CPU = 8
"""Views at a time: more are no faster there, and take memory."""


class Predictor:
    """Scores videos as `gta test` does: the protocol of the run, averaged probabilities.

    `model` is the network itself, for clips (B, 3, T, H, W); `run.classes` names its classes;
    `view_clips` makes the views of a video that the protocol asks for.

    Args:
        run: A trained run, or what `load` takes.
        device: Where to compute: "cpu", "cuda", "cuda:1", or "auto", a GPU if there is one.
        best: The weights of the best epoch instead of the last.
        protocol: Other views than those of the run, such as "3x2-full256".
        precision: See `Precision`.
        cuda_graphs: Whether a GPU records what it does for batches of a size that comes again, and
            replays it: see `gta.inference.Scorer`; None: unless the recipe's train.cuda_graphs is
            false.

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
        precision: Precision = "auto",
        cuda_graphs: bool | None = None,
    ):
        self.run = run = open_run(run)
        self.device = find_device(str(device))
        self.amp = _amp(precision, self.device, run.recipe.train.amp)
        self.protocol = parse_protocol(protocol or run.recipe.test.protocol)
        self.view_clips = protocol_views(VideoList([], run.classes), self.protocol, run.recipe.clip)
        model, self.weights = run.load(best=best)
        self.model = model.to(self.device)
        if cuda_graphs is None:
            cuda_graphs = run.recipe.train.cuda_graphs is not False
        self._scorer = Scorer(
            self.model, run.recipe.clip, self.device, amp=self.amp, cuda_graphs=cuda_graphs
        )
        self._batches = Batches(pinned=self.device.type == "cuda")

    def __call__(
        self, video: str | Path | Video | Frames, *, fps: float | None = None
    ) -> Prediction:
        """Scores one video file, one folder of pictures, or all frames of a video in memory.

        Args:
            video: Its path; or RGB frames, uint8 (T, H, W, 3) or (T, 3, H, W); or a `Video`, whose
                path is not looked at again: it is a file or a folder of frames.
            fps: For models that sample by time: frames a second of what has no times, pictures and
                frames in memory; None: 30. Of a file, in place of its own.

        Raises:
            VideoError: It cannot be read.
            UsageError: The frames have another form, or the scores are not finite: the weights are
                of a training that has diverged.
        """
        scores = self.scores(self.views(video, fps=fps)[None]).cpu()
        return self._prediction(video, scores[0], None)

    def predict_many(
        self,
        videos: Iterable[str | Path | Video | Frames],
        *,
        fps: float | None = None,
        batch_size: int | None = None,
        threads: int | None = None,
        embeddings: bool = False,
        spent: Spent | None = None,
    ) -> Iterator[Prediction | UsageError]:
        """Scores videos in batches, which threads decode ahead; gives each in its order.

        Args:
            videos: Each as `__call__` takes it; taken one by one, so that they may be endless.
            fps: As of `__call__`, of all.
            batch_size: Views at a time, at least those of one video; None: the recipe's, and on a
                CPU at most 8.
            threads: That decode; None: a thread a core, at most 8; 0: none.
            embeddings: Whether predictions have their `embedding`.
            spent: Is told how long the stages take.

        Yields:
            Its prediction; or the error of a video that cannot be read, a `VideoError`, or of
            frames of another form: the others are predicted all the same.

        Raises:
            UsageError: The scores of a video are not finite: the weights are broken.
        """
        if batch_size is None:
            usual = self.run.recipe.test.batch_size
            batch_size = min(usual, _MOST_ON_CPU) if self.device.type == "cpu" else usual
        threads = min(available_cores(), _MOST_THREADS) if threads is None else threads
        spent = Spent() if spent is None else spent
        per_batch = max(1, batch_size // self.protocol.num_views)

        def read(video: str | Path | Video | Frames) -> tuple[Tensor, Spent]:
            own = Spent(clips=self.protocol.num_views)
            return self.views(video, fps=fps, spent=own), own

        decoded = ahead(read, videos, threads=threads, most=per_batch + 2 * threads)
        for batch in batches(decoded, per_batch):
            readable = [(video, r[0]) for video, r in batch if not isinstance(r, UsageError)]
            began = time.perf_counter()
            predicted = iter(self._predicted(readable, embeddings=embeddings) if readable else ())
            spent.network += time.perf_counter() - began
            for _, result in batch:
                if isinstance(result, UsageError):
                    yield result
                else:
                    spent.add(result[1])
                    yield next(predicted)

    def embed(self, video: str | Path | Video | Frames, *, fps: float | None = None) -> Tensor:
        """What the network's classifier sees of a video, float32 (D,), on the CPU.

        It is the input of the last linear layer, averaged over frames and positions where the
        network does so after that layer, and over views.

        Args:
            video: As `__call__` takes it.
            fps: As of `__call__`.

        Raises:
            VideoError: It cannot be read.
            UsageError: The frames have another form, or the network has no such layer.
        """
        _, vectors = self._passed(self.views(video, fps=fps)[None], embeddings=True)
        assert vectors is not None
        return vectors[0]

    def timeline(
        self,
        video: str | Path | Video | Frames,
        *,
        window: float | None = None,
        stride: float | None = None,
        smoothing: float | None = None,
        least: float = 0.0,
        threshold: float = 0.0,
        background: Sequence[str] = (),
        fps: float | None = None,
        batch_size: int = 8,
        spent: Spent | None = None,
        progress: Callable[[float, float | None], None] | None = None,
    ) -> Timeline:
        """What happens in a long video, and when; memory does not grow with its length.

        A window of the length of a clip slides over the video, which is decoded once, in order.
        Each window is scored as one clip, with the crops of the protocol.

        Args:
            video: As `__call__` takes it.
            window: Seconds that the network sees at a time; None: what the recipe says (its frames
                and stride), or 4 where a clip of training is a whole video.
            stride: Seconds from one window to the next; None: an eighth of the window.
            smoothing: Seconds over which probabilities are averaged; None: half of the window.
            least: Seconds: a shorter segment goes to the segment before it.
            threshold: Probability below which nothing is said.
            background: Classes of which no segment is made.
            fps: As of `__call__`; of a file, in place of its times.
            batch_size: Windows at a time.
            spent: Is told how long the stages take.
            progress: Called with the seconds that are done and those in all, where they are known.

        Raises:
            VideoError: It cannot be read.
            UsageError: An argument is out of its range, or the frames have another form.
        """
        given: Any = video
        if isinstance(video, str | Path):
            given = Video(str(video), _one_video(Path(video).expanduser()), None, fps=fps)
        elif not isinstance(video, Video):
            given = as_frames(video)
        return timeline_of(
            given,
            scores=self.scores,
            transform=self.view_clips.transform,
            clip=self.run.recipe.clip,
            classes=self.run.classes,
            window=window,
            stride=stride,
            smoothing=smoothing,
            rules=Rules(0.0, least, threshold, tuple(background)),
            fps=fps,
            batch_size=batch_size,
            spent=spent or Spent(),
            progress=progress,
            about={
                "run": str(self.run.folder),
                "weights": self.weights,
                "protocol": self.protocol.name,
            },
        )

    def views(
        self,
        video: str | Path | Video | Frames,
        *,
        fps: float | None = None,
        spent: Spent | None = None,
    ) -> Tensor:
        """The views of a video, as `__call__` takes it: uint8 (V, C, T, H, W).

        Raises:
            VideoError: It cannot be read.
            UsageError: The frames have another form, or fps is not above 0.
        """
        if fps is not None and not 0 < fps < math.inf:
            raise UsageError(f"fps is a number of frames a second, above 0; got {fps!r}")
        if isinstance(video, str | Path):
            video = Video(str(video), _one_video(Path(video).expanduser()), None, fps=fps)
        if isinstance(video, Video):
            return self.view_clips.read(video, spent=spent)
        return self.view_clips.views_of(as_frames(video), fps=fps)

    def scores(self, views: Tensor) -> Tensor:
        """Probabilities (..., num_classes), the mean over uint8 views (..., V, C, T, H, W)."""
        self._scorer.model = self.model  # people put another in its place
        return self._scorer(views)

    def scores_of(self, views: Sequence[Tensor]) -> Tensor:
        """Probabilities (B, num_classes), on the CPU, of videos by their `views`, in one batch.

        On a GPU the batch is filled up to one of a few sizes (`filled`), which so come again.
        """
        size = filled(len(views)) if self._scorer.records else len(views)
        return self.scores(self._batches.joined(views, size))[: len(views)].cpu()

    def get_ready(self, shape: Sequence[int], most: int) -> None:
        """Scores black videos of views `shape` (V, C, T, H, W), up to `most` at once.

        On a GPU all later batches of `scores_of` are then replayed.
        """
        view = torch.zeros(*shape, dtype=torch.uint8)
        sizes = {filled(size) for size in range(1, most + 1)} if self._scorer.records else {most}
        for size in sorted(sizes):
            for _ in range(self._scorer.calls_until_recorded):
                self.scores_of([view] * size)

    def prediction(
        self,
        video: str | Path,
        scores: Tensor,
        *,
        cut_off: str | None = None,
        damage: int = 0,
        embedding: Tensor | None = None,
    ) -> Prediction:
        """What scores (num_classes,) say of a video.

        Raises:
            UsageError: They are not finite: the weights are of a training that has diverged.
        """
        (best,) = self.rankings([video], scores[None])
        return Prediction(Path(video), best, cut_off, damage, embedding)

    def rankings(
        self, videos: Sequence[str | Path], scores: Tensor
    ) -> list[list[tuple[str, float]]]:
        """(class, probability), the most probable first, of each row of scores (B, num_classes).

        Raises:
            UsageError: Those of a video are not finite: the weights are of a training that has
                diverged.
        """
        finite = scores.isfinite().all(-1)
        if not finite.all():
            video = videos[int(finite.int().argmin())]
            raise UsageError(
                f"{self.run.folder}: the scores of {video} are not finite: the weights are broken, "
                f"as after a training that has diverged. Use other weights, such as --best, or "
                f"train again with a lower train.lr."
            )
        return rankings(scores, self.run.classes)

    def _passed(self, views: Tensor, *, embeddings: bool) -> tuple[Tensor, Tensor | None]:
        """Of views (B, V, C, T, H, W): scores (B, num_classes), embeddings (B, D), on the CPU."""
        if not embeddings:
            return self.scores(views).cpu(), None
        inputs = ClassifierInputs(len(self.run.classes))
        with self._scorer.lock, inputs.watched(self.model):  # or other threads' inputs were seen
            scores = self.scores(views)
        vectors = inputs.of(views.shape[0] * views.shape[1])
        return scores.cpu(), vectors.unflatten(0, tuple(views.shape[:2])).mean(1).cpu()

    def _predicted(
        self, videos: list[tuple[str | Path | Video | Frames, Tensor]], *, embeddings: bool
    ) -> list[Prediction]:
        scores, vectors = self._passed(
            self._batches.joined([v for _, v in videos]), embeddings=embeddings
        )
        return [
            self._prediction(video, scores[i], None if vectors is None else vectors[i])
            for i, (video, _) in enumerate(videos)
        ]

    def _prediction(
        self, video: str | Path | Video | Frames, scores: Tensor, embedding: Tensor | None
    ) -> Prediction:
        path, cut, damaged = Path("frames in memory"), None, 0
        if isinstance(video, Video | str | Path):
            source = video.path if isinstance(video, Video) else Path(video).expanduser()
            path = Path(str(video.path if isinstance(video, Video) else video))
            cut, damaged = cut_off(source), damage(source)
        return self.prediction(path, scores, cut_off=cut, damage=damaged, embedding=embedding)


def load(
    source: str | Path | Run,
    *,
    device: torch.device | str = "auto",
    best: bool = False,
    protocol: Protocol | str | None = None,
    num_frames: int | None = None,
    precision: Precision = "auto",
    cuda_graphs: bool | None = None,
) -> Predictor:
    """A trained model, ready to predict: `gta.load("runs/mine")("video.mp4")`.

    Args:
        source: The folder of a run; a .safetensors file with recipe.yaml and labels.json beside
            it; or "hub:OWNER/NAME", such a folder on the Hugging Face Hub.
        device: Where to compute: "cpu", "cuda", "cuda:1", or "auto", a GPU if there is one.
        best: The weights of the best epoch instead of the last.
        protocol: Other views than those of the run, such as "3x2-full256".
        num_frames: Of a clip, if not those of training: the temporal matrices are resampled.
        precision: "fp32" or "bf16" (on a GPU); "auto": bf16 on a GPU where the recipe says so.
        cuda_graphs: See `Predictor`.

    Raises:
        UsageError: There is no such run or device, or the run has no weights yet.
    """
    run = open_run(source)
    if num_frames is not None:
        run = run.at_frames(num_frames)
    return Predictor(
        run,
        device=device,
        best=best,
        protocol=protocol,
        precision=precision,
        cuda_graphs=cuda_graphs,
    )


def _amp(precision: Precision, device: torch.device, usual: bool) -> bool:
    if precision not in ("auto", "fp32", "bf16"):
        raise UsageError(f"precision={precision!r} is not possible; it is auto, fp32 or bf16")
    if precision == "bf16" and device.type != "cuda":
        raise UsageError(f"bf16 is for GPUs, and this is {device.type}: use auto or fp32")
    return usual if precision == "auto" else precision == "bf16"


def _one_video(path: Path) -> Path:
    """The path, unless it is a folder that is no single video."""
    if not path.is_dir():
        return path
    videos = find_videos(path).videos
    pictures = sum(entry.suffix.lower() in PICTURE_SUFFIXES for entry in path.iterdir())
    # `find_videos` takes a folder for frames that stands beside videos, if most of it is pictures
    if videos != [path] and pictures <= sum(video.parent == path for video in videos):
        raise UsageError(
            f"{path} is a folder of videos; give one of them, such as {videos[0]}, or go through "
            f"gta.predict.find_videos({str(path)!r})"
        )
    return path
