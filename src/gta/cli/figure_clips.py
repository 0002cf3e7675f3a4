"""The held-out clips of `gta figure`, and what is known of them."""

from dataclasses import replace
from pathlib import Path

from gta.cli.show import chosen_view, subject_of
from gta.data.decode import count_frames
from gta.data.records import Video
from gta.data.sampling import Sampling
from gta.errors import UsageError, nearest
from gta.evaluation.videos import run_videos
from gta.figures.subject import Subject
from gta.ordered import event_frames
from gta.ordered.state import DONE
from gta.predict import Predictor

TRIED = 40
"""How many held-out clips are tried for a figure."""


def subjects_of(
    predictors: list[Predictor], root: str | None, asked: list[str] | None, count: int
) -> list[list[Subject]]:
    """For each clip the models that see it.

    Args:
        predictors: The models.
        root: Folder of another data set like that of the first run; None: that of training.
        asked: Names of held-out clips; None chooses them.
        count: How many clips are chosen.

    Raises:
        UsageError: There is no such clip.
    """
    videos = run_videos(predictors[0].run, root)
    if asked is not None:
        by_id = {video.id: video for video in videos.videos}
        for name in asked:
            if name not in by_id:
                raise UsageError(
                    f"there is no held-out clip {name!r}.{nearest(name, list(by_id))} They are "
                    f"named as in {', '.join(list(by_id)[:4])}"
                )
        return [_subjects(predictors, by_id[name], videos.classes) for name in asked]
    rated: list[tuple[int, list[Subject]]] = []
    kinds = set[str]()
    for video in videos.videos[:TRIED]:
        subjects = _subjects(predictors, video, videos.classes)
        right = [subject.ranked[0][0] == subject.truth for subject in subjects]
        telling = 2 * right[-1] + (len(right) > 1 and not right[0]) + bool(subjects[0].event)
        rated.append((telling, subjects))
    rated.sort(key=lambda pair: -pair[0])
    chosen, left = list[list[Subject]](), list[list[Subject]]()
    for _, subjects in rated:  # of different classes first
        kind = str(subjects[0].truth)
        (left if kind in kinds else chosen).append(subjects)
        kinds.add(kind)
    return [*chosen, *left][:count]


def _subjects(predictors: list[Predictor], video: Video, classes: list[str]) -> list[Subject]:
    truth = None if video.label is None else classes[video.label]
    made = []
    for predictor in predictors:
        view = chosen_view(predictor, video, None)
        subject = subject_of(predictor, view)
        made.append(replace(subject, truth=truth, event=clip_event(predictor, video)))
    return made


def clip_event(predictor: Predictor, video: Video) -> tuple[int, ...]:
    """The frames of the event in a clip of a rendered data set; else none."""
    root = next((p for p in Path(str(video.path)).parents if (p / DONE).is_file()), None)
    protocol, clip = predictor.protocol, predictor.run.recipe.clip
    if root is None or protocol.num_clips > 1 or clip.sampling != "segments":
        return ()
    moving = set(event_frames(root, Path(str(video.path)).stem))
    shown = Sampling(clip.sampling, clip.stride)(count_frames(video.path), clip.num_frames)
    return tuple(t for t, frame in enumerate(shown) if frame in moving)
