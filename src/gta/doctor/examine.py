"""All that is looked at, in order."""

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
    """Looks at versions, decoders, GPUs, disks and permissions, and trains for two steps.

    What is said holds no name of a person or a host, and no path of theirs.

    Args:
        folder: Where runs would be written.
        report: Where progress is shown.
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
            for one in part:
                seen.append(one)
                advance(done, one.what)
    return [
        Observed(one.what, without_names(one.seen), one.finding and without_names(one.finding))
        for one in seen
    ]


def _loader(folder: Path) -> Iterator[Observed]:
    """Of a clip that `decoders` has written."""
    written = [folder / f"{codec}.{ending}" for codec, ending, _ in CODECS.values()]
    for path in written:
        if path.is_file() and path.stat().st_size:
            yield loader(path)
            return
