"""All checks, in order."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from gta.doctor.decoders import CODECS, decoders
from gta.doctor.machine import machine
from gta.doctor.observed import Observed, without_names
from gta.doctor.training import gpus, loader, two_steps
from gta.doctor.versions import versions
from gta.progress import Report, Silent


def examine(folder: Path | str = ".", report: Report | None = None) -> list[Observed]:
    """Checks versions, decoders, GPUs, disks and permissions, and trains for two steps.

    The result holds no name of a person or a host, and no path of theirs.

    Args:
        folder: Folder in which runs would be written.
        report: Shows progress.
    """
    seen: list[Observed] = []
    steps = 6
    with (
        (report or Silent()).track("looking", steps) as advance,
        tempfile.TemporaryDirectory() as name,
    ):
        parts = (
            versions(),
            gpus(),
            machine(Path(folder)),
            decoders(Path(name)),
            _loader(Path(name)),
            two_steps(),
        )
        for done, part in enumerate(parts):
            for row in part:
                seen.append(row)
                advance(done, row.what)
    return [
        Observed(row.what, without_names(row.seen), row.finding and without_names(row.finding))
        for row in seen
    ]


def _loader(folder: Path) -> Iterator[Observed]:
    """Checks a loader process on a clip that `decoders` has written."""
    written = [folder / f"{codec}.{ending}" for codec, ending, _ in CODECS.values()]
    for path in written:
        if path.is_file() and path.stat().st_size:
            yield loader(path)
            return
