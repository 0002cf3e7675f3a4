"""Training videos that cannot be read: said once, counted, and an error where they are many."""

from collections.abc import Callable, Iterable

from gta.errors import DataError
from gta.training.processes import Processes


class Unreadable:
    """The record of them.

    Args:
        known: Path and reason of each, such as a checkpoint has them; more are added to it.
        count: Of the training videos.
        limit: Share of them that may be unreadable.
        say: Takes a line for each.
    """

    def __init__(self, known: dict[str, str], count: int, limit: float, say: Callable[[str], None]):
        self.known, self.count, self.limit, self.say = known, count, limit, say

    def note(self, failures: Iterable[tuple[str, str]]) -> None:
        """Puts (path, reason) of a batch on record.

        Raises:
            DataError: They are too many.
        """
        known = self.known
        for path, reason in failures:
            if path not in known:
                known[path] = reason
                self.say(f"skipped, replaced by another video: {path}: {reason}")
        if len(known) > self.limit * self.count:
            path, reason = next(iter(known.items()))
            raise DataError(
                f"{len(known)} of {self.count} training videos cannot be read, more than the limit "
                f"of {self.limit:.0%}; the first is {path}: {reason}. Mend or remove them, or "
                f"raise the limit: --set data.max_unreadable=0.5"
            )

    def share(self, processes: Processes) -> None:
        """Makes the records of all processes one."""
        for known in processes.gather(self.known):
            self.known |= known
