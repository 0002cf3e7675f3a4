"""Unreadable training videos: reported once, counted, and an error if there are too many."""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from gta.data.records import VideoList
from gta.errors import DataError
from gta.training.processes import Processes


class Unreadable:
    """The record of unreadable videos.

    Args:
        known: Path and reason of each, such as from a checkpoint; new videos are added.
        videos: The training videos.
        limit: Share of them that may be unreadable.
        say: Takes a line for each.
    """

    def __init__(
        self, known: dict[str, str], videos: VideoList, limit: float, say: Callable[[str], None]
    ):
        self.known, self.count, self.limit, self.say = known, len(videos), limit, say
        self.classes = videos.classes
        self._labels = {str(video.path): video.label for video in videos.videos}
        self._totals = Counter(self._labels.values())
        self._bad = Counter(map(self._label, known))

    def note(self, failures: Iterable[tuple[str, str]]) -> None:
        """Records the (path, reason) pairs of a batch.

        Raises:
            DataError: There are too many, or all videos of a class.
        """
        known, new = self.known, set[int | None]()
        for path, reason in failures:
            if path not in known:
                known[path] = reason
                self.say(f"skipped, replaced by another video: {path}: {reason}")
                self._bad[self._label(path)] += 1
                new.add(self._label(path))
        if len(known) > self.limit * self.count:
            path, reason = next(iter(known.items()))
            raise DataError(
                f"{len(known)} of {self.count} training videos cannot be read, more than the limit "
                f"of {self.limit:.0%}; the first is {path}: {reason}. Mend or remove them, or "
                f"raise the limit: --set data.max_unreadable=0.5"
            )
        for label in new - {None}:
            self._check_class(label)

    def _check_class(self, label: int | None) -> None:
        if label is None or self._bad[label] < self._totals[label]:
            return
        path, reason = next((p, why) for p, why in self.known.items() if self._label(p) == label)
        raise DataError(
            f"not one of the {self._totals[label]} training videos of class "
            f"{self.classes[label]!r} can be read; the first is {path}: {reason}. Mend them, or "
            f"take the class out of the annotation: a network cannot learn it without a video"
        )

    def _label(self, path: str) -> int | None:
        """The label of a video file, or of the folder of a frame."""
        return self._labels.get(path, self._labels.get(str(Path(path).parent)))

    def share(self, processes: Processes) -> None:
        """Merges the records of all processes."""
        for known in processes.gather(self.known):
            self.known |= known
