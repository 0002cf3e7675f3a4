"""The curves of a training as a picture, and its metrics in other programs.

None of this may end or slow a training: an error is reported in a line, and its part is dropped.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from gta.config import Recipe
from gta.evaluation.scores import Scores
from gta.training.background import Background
from gta.training.loggers import Logger, open_loggers

CURVES = "curves.png"
_FIRST = 20.0
"""Seconds of epochs before the first drawing: matplotlib's import slows one that takes a second."""
_SHARE = 50
"""The pause between two drawings, as a multiple of the drawing time."""


class Watch:
    """Updates curves.png and passes metrics to `train.loggers`, in the main process.

    Args:
        folder: The run's folder.
        recipe: The settings.
        say: Takes a line for each failure, once.

    Raises:
        UsageError: The package of a logger is not installed.
    """

    def __init__(self, folder: Path, recipe: Recipe, say: Callable[[str], object]):
        self.folder, self.say = folder, say
        self.title = f"{folder.name}, {recipe.data.format}"
        self.loggers: list[Logger] = open_loggers(folder, recipe)
        self.background, self.broken = Background(), False
        self.drawn = 0
        """Epochs in the picture."""
        self.due: float | None = None
        """Time of the next drawing; from the first epoch on."""
        self.scores: Scores | None = None

    def epoch(self, history: Sequence[dict[str, float]], scores: Scores | None = None) -> None:
        """Called after each epoch.

        Args:
            history: An entry for each epoch; the last is new.
            scores: Scores of the validation videos.
        """
        self.scores = scores
        for logger in list(self.loggers):
            self._try(logger, lambda logger: logger.figures(history[-1]))
        self._look()
        now = time.monotonic()
        if self.due is None:
            self.due = now - history[-1].get("seconds", 0.0) + _FIRST
        if now >= self.due and not self.background.is_busy and not self.broken:
            self._draw(list(history))

    def close(self, history: Sequence[dict[str, float]], *, finished: bool) -> None:
        """Draws the last picture and closes the loggers.

        Args:
            history: An entry of each epoch.
            finished: Whether training is complete; then the loggers get the confusion matrix, too.
        """
        self._look()
        if len(history) > self.drawn and not self.broken:
            self._draw(list(history))
            self._look(wait=True)
        self.background.close()
        for logger in list(self.loggers):
            if finished and self.scores is not None and self.scores.num_labeled:
                self._try(logger, lambda logger: self._confusion(logger, len(history)))
            if logger in self.loggers:
                self._try(logger, lambda logger: logger.close())

    def _draw(self, history: list[dict[str, float]]) -> None:
        self._look(wait=True)  # to start a task would raise the error of the task before
        if self.broken:
            return
        self.drawn = len(history)
        self.background.start(lambda: self._write(history))

    def _write(self, history: list[dict[str, float]]) -> None:
        """Runs on the thread."""
        began = time.monotonic()
        from gta.figures.curves import draw_curves

        draw_curves(self.folder / CURVES, history, self.title)
        now = time.monotonic()
        self.due = now + _SHARE * (now - began)

    def _look(self, *, wait: bool = False) -> None:
        """Reports an error of the picture."""
        if not wait and self.background.is_busy:
            return
        try:
            self.background.wait()
        except Exception as error:
            self.broken = True
            self.say(f"{CURVES} cannot be drawn, training continues without it: {_reason(error)}")

    def _confusion(self, logger: Logger, epoch: int) -> None:
        from gta.evaluation.confusion import confusion, mistake_lines
        from gta.figures.confusion import confusion_figure

        assert self.scores is not None
        matrix, classes = confusion(self.scores), self.scores.classes
        mistakes = mistake_lines(matrix, classes)
        title = f"{self.title}\n{self.scores.protocol}, top-1 {self.scores.top(1):.1%}"
        figure = confusion_figure(matrix.numpy(), classes, mistakes, title)
        logger.picture("confusion", figure, epoch)

    def _try(self, logger: Logger, what: Callable[[Logger], object]) -> None:
        try:
            what(logger)
        except Exception as error:
            self.loggers.remove(logger)
            self.say(f"{logger.name} fails, training continues without it: {_reason(error)}")


def _reason(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
