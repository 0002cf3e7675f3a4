"""Strangers at the servers of `gta demo` and `gta serve`: nothing outside is given or written."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.reliability.line import Line
from benchmarks.reliability.web_attacks import (
    at_a_time,
    broken_off,
    forged_names,
    large_bodies,
    odd_requests,
    slow_ones,
    strangers,
    traversal,
)
from benchmarks.reliability.web_target import Target, begun_upload, running, until
from gta.ordered import render_dataset

GROWTH = 200
"""MiB that a server may grow by while it is attacked."""


def attacked(target: Target, folder: Path) -> Iterator[Line]:
    """The lines of one server."""
    for _ in range(10):  # the newest clips are kept in memory
        target.upload(target.good)
    name, before = f"gta {target.verb}: ", target.memory()
    asked, given = traversal(target)
    yield _line(f"{name}{asked} paths out of its folder", f"{given} given", "0", not given)
    count, planted = forged_names(target, folder)
    yield _line(f"{name}{count} forged file names", f"{planted} written", "0", not planted)
    count, answered = strangers(target)
    yield _line(
        f"{name}{count} foreign Hosts and Origins", f"{answered} answered", "0", not answered
    )
    count, taken = large_bodies(target)
    yield _line(
        f"{name}{count} bodies too large or of two lengths", f"{taken} taken", "0", not taken
    )
    count, wrong = odd_requests(target)
    yield _line(f"{name}{count} requests that are none", f"{wrong} upset it", "0", not wrong)
    count, left = broken_off(target)
    yield _line(f"{name}{count} bodies broken off", f"{left} files left", "0", not left)
    count, answered, silent = at_a_time(target)
    value = f"{answered} answered, {count - answered - silent} sent away, {silent} in silence"
    bound = "some answered, 0 in silence"
    yield _line(f"{name}{count} uploads at a time", value, bound, answered > 0 and not silent)
    count, served, seconds = slow_ones(target)
    value = f"others {'are' if served else 'are not'} served; gone after {seconds:.0f} s"
    yield Line(
        *(27, f"{name}{count} slow connections", value, "served, gone within 60 s"),
        served and seconds < 60,
        timed=True,
    )
    until(lambda: not target.stored())
    good, left, grown = target.upload(target.good), target.stored(), target.memory() - before
    value = f"a good upload: {good}; {left} files left; {grown / 2**20:.0f} MiB more"
    bound = f"200, 0 files, {GROWTH} MiB"
    yield _line(
        f"{name}after all that", value, bound, good == 200 and not left and grown < GROWTH * 2**20
    )
    told = (folder / "errors").read_text()
    value = f"{told.count('Traceback')} tracebacks in its log"
    yield _line(f"{name}what it says of that", value, "0", "Traceback" not in told)


def _line(fault: str, value: str, bound: str, passed: bool) -> Line:
    return Line(27, fault, value, bound, passed)


def lines() -> Iterator[Line]:
    """Line 27."""
    with tempfile.TemporaryDirectory(prefix="gta-strangers-") as place:
        render_dataset(
            Path(place) / "clips", num_train=2, num_val=2, classes=("up", "down"), workers=1
        )
        good = min(Path(place).rglob("*.webm")).read_bytes()
        for verb in ("demo", "serve"):
            folder = Path(place) / verb
            folder.mkdir()
            with running(verb, folder, good) as target:
                yield from attacked(target, folder)
                upload = target.connected()  # is under way when it ends
                upload.sendall(begun_upload(target))
                until(target.stored)
            upload.close()
            left = [path for path in target.uploads.iterdir() if path.name.startswith("gta-")]
            yield _line(f"gta {verb}: its end", f"{len(left)} folders left", "0", not left)
