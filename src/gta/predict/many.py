"""Lists of videos that are too long for one call: predicted in shards, by many processes."""

import hashlib
import json
import os
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from gta.cores import available_cores, processes_here
from gta.devices import beside_readers
from gta.names import as_utf8
from gta.predict.decoders import LIMIT, Decoded, Decoders
from gta.predict.leases import Leases
from gta.predict.merge import Counts, count
from gta.predict.open_shards import OpenShards, Task, share_of
from gta.predict.prediction import Prediction
from gta.predict.predictor import Predictor
from gta.predict.reading import Reader, Seen
from gta.predict.work import Job, Work, digest_of
from gta.progress import Report, Silent
from gta.tensor_files import digest

STUCK = 120.0
"""Seconds above a video's limit after which a process without progress no longer claims to live."""
_CLIPS = 32
"""Clips of a batch on a GPU."""
_WAIT = 0.2
"""Seconds between two looks when other processes have all that is left."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a call of `predict_work` has read or made."""

    counts: Counts
    """Over all shards, whoever wrote them."""
    shards: int
    """That this call wrote."""
    videos: int
    """Whose lines this call wrote."""
    seconds: float
    """That it took, without loading the model."""


def begin_work(
    predictor: Predictor,
    file: Path,
    folder: Path,
    *,
    root: Path | str | None = None,
    top: int | None = 5,
    shard: int | None = None,
) -> Work:
    """The folder of shards for a list of videos: a new folder, or a folder that was begun.

    Args:
        predictor: The model and the protocol.
        file: The list: the path of a video a line, or csv, txt or JSON as data sets have them.
        folder: Of the shards; all processes share it.
        root: What paths are relative to; None: the folder of the list.
        top: Classes of a line; None: all.
        shard: Videos of a shard; None: 100, or what the folder was begun with.

    Raises:
        UsageError: The folder was begun with something else, or the list cannot be read.
        DataError: The list holds no video, or none of its videos is there.
    """
    job = Job(
        list=digest_of(file),
        root=os.path.abspath(file.parent if root is None else root),
        model=_model_digest(predictor),
        protocol=predictor.protocol.name,
        top=top,
    )
    return Work.begin(folder, file, job, shard)


def predict_work(
    predictor: Predictor,
    work: Work,
    *,
    decoders: int | None = None,
    limit: float = LIMIT,
    report: Report | None = None,
) -> Done:
    """Predicts what is left of the work, beside any number of other processes that do the same.

    Returns when all shards are there, also those that others had taken: a killed process loses
    the shards it was at, which are done again.

    Args:
        predictor: The same model as that of the work.
        work: The folder.
        decoders: Processes that read videos; None: one process a core, shared by the processes
            here.
        limit: Seconds for a video; what takes more is recorded as unreadable.
        report: Where progress is shown.
    """
    began = time.monotonic()
    share = share_of()
    workers = decoders or max(1, available_cores() // processes_here(_launched()))
    leases = Leases(work.leases, stuck=limit + STUCK)
    shards = OpenShards(work, leases, share)
    reader = Reader(predictor.protocol, predictor.run.recipe.clip, predictor.run.classes)
    pool = Decoders[Task](reader, workers, limit)
    try:
        with beside_readers(predictor.device):
            ahead = _ahead(predictor, workers)
            videos = _predict(predictor, shards, pool, ahead, report or Silent())
    finally:
        pool.close()
        leases.close()
    work.tidy()
    return Done(count(work), shards.finished, videos, time.monotonic() - began)


def _predict(
    predictor: Predictor,
    shards: OpenShards,
    pool: Decoders[Task],
    ahead: int,
    report: Report,
) -> int:
    """Reads ahead and scores in batches until all shards are written; how many videos it did."""
    work, size = shards.work, batch_size(predictor)
    waiting, done, began = 0, 0, time.monotonic()
    batch: list[Decoded[Task]] = []
    with (
        _Scoring(predictor, shards) as scoring,
        report.track("predicting", work.num_videos) as advance,
    ):
        while True:
            if scoring.is_ready or not (waiting or batch):
                done += scoring.put()
            while waiting < ahead and (task := shards.next()) is not None:
                pool.ask(task, task.path)
                waiting += 1
            if not waiting and not batch:
                if shards.is_done:
                    return done
                time.sleep(_WAIT)
                continue
            if waiting:
                answer = pool.answer()
                waiting -= 1
                if answer.views is None:
                    shards.put(answer.key, error_line(answer.key.video, answer.error or ""))
                    done += 1
                else:
                    batch.append(answer)
            if len(batch) == size or (batch and not waiting):
                done += scoring.put()
                scoring.begin(batch)
                batch = []
            speed = done / max(time.monotonic() - began, 1e-9)
            advance(shards.num_done_before + done, f"{speed:.1f} videos/s")


class _Scoring:
    """A thread that scores a batch while the next is gathered and lines are written."""

    def __init__(self, predictor: Predictor, shards: OpenShards):
        self.predictor, self.shards = predictor, shards
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gta-network")
        self._batch: list[Decoded[Task]] = []
        self._lines: Future[list[str]] | None = None

    def __enter__(self) -> "_Scoring":
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.shutdown()

    @property
    def is_ready(self) -> bool:
        return self._lines is not None and self._lines.done()

    def begin(self, batch: list[Decoded[Task]]) -> None:
        """Scores videos that could be read; the lines of those before are `put`."""
        self._batch = batch
        self._lines = self._thread.submit(lines_of, self.predictor, self.shards.work, batch)

    def put(self) -> int:
        """Waits for the batch, if there is one, and hands its lines on; how many videos it had."""
        if self._lines is None:
            return 0
        batch, lines = self._batch, self._lines.result()
        self._batch, self._lines = [], None
        for decoded, line in zip(batch, lines, strict=True):
            self.shards.put(decoded.key, line)
        return len(batch)


def batch_size(predictor: Predictor) -> int:
    """Videos that are scored at once: on a CPU 1, as `Predictor` does; on a GPU some clips."""
    return 1 if predictor.device.type == "cpu" else max(1, _CLIPS // predictor.protocol.num_views)


def lines_of(predictor: Predictor, work: Work, batch: list[Decoded[Task]]) -> list[str]:
    """The lines of videos that could be read."""
    scores = predictor.scores_of([decoded.views for decoded in batch if decoded.views is not None])
    best = predictor.rankings([decoded.key.video for decoded in batch], scores)
    return [
        _line(decoded.key.video, ranking, decoded.seen, work.job.top)
        for decoded, ranking in zip(batch, best, strict=True)
    ]


def line(predictor: Predictor, scores: Tensor, video: str, seen: Seen, top: int | None) -> str:
    """A line of a shard, as `Prediction.to_dict` with the video's name in the list.

    Raises:
        UsageError: The scores are not finite.
    """
    (best,) = predictor.rankings([video], scores[None])
    return _line(video, best, seen, top)


def _line(video: str, best: list[tuple[str, float]], seen: Seen, top: int | None) -> str:
    told = Prediction(Path(video), best, seen.cut_off, seen.damage)
    return _json(told.to_dict(top) | {"video": video})


def error_line(video: str, reason: str) -> str:
    """The line of a video that could not be read."""
    return _json({"video": video, "error": reason})


def _json(about: Mapping[str, object]) -> str:
    return as_utf8(json.dumps(about, ensure_ascii=False))


def _model_digest(predictor: Predictor) -> str:
    recipe = predictor.run.recipe
    weights = {name: value.cpu() for name, value in predictor.model.state_dict().items()}
    about = {
        "model": recipe.model.model_dump_json(),
        "clip": recipe.clip.model_dump_json(),
        "classes": json.dumps(predictor.run.classes),
    }
    return hashlib.sha256(digest(weights, about).encode()).hexdigest()


def _ahead(predictor: Predictor, workers: int) -> int:
    """Videos that are read before they are scored: a batch too while another is scored."""
    return 2 * workers + 2 * batch_size(predictor)


def _launched() -> int:
    """Processes that `torchrun` has started."""
    size = os.environ.get("WORLD_SIZE", "")
    return int(size) if size.isdecimal() and int(size) else 1
