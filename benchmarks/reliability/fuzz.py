"""A coverage-guided fuzzer (atheris, the extra `fuzz`) on the opener and on all that reads text.

    python -m benchmarks.reliability.fuzz                          # a minute for each target
    python -m benchmarks.reliability.fuzz recipe list --seconds 600
    python -m benchmarks.reliability.fuzz --list

Each target is a process of its own. It gives bytes to one of our readers, which may take them or
raise a `UsageError`; anything else ends the target, and is told. What reached new code of ours is
kept in `corpus/TARGET`, small files alone, and is where the next time begins; of the targets that
give bytes to FFmpeg, NumPy or torch, nothing is kept.
"""

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.reliability.fuzz_targets import TARGETS, quiet, seeds_of

CORPUS = Path(__file__).parent / "corpus"
_MOST, _LARGEST = 20, 2048
"""Files of a target that are kept, and bytes of one."""


@dataclass(frozen=True, slots=True)
class Found:
    """How a target ended."""

    runs: int
    seconds: float
    fault: str | None
    """In words: the last line of what Python or the sanitizer said."""


def work(name: str, folder: Path, seconds: int) -> None:
    """The fuzzer itself, in a process of its own; never comes back."""
    import atheris  # pyright: ignore[reportMissingImports]

    quiet()
    target = TARGETS[name]
    with atheris.instrument_imports(include=list(target.modules)):
        for module in target.modules:
            importlib.import_module(module)
    run, counted = target.made(folder / "work"), folder / "runs"
    begun, runs = time.monotonic(), 0

    def one(data: bytes) -> None:
        nonlocal runs
        runs += 1
        if runs % 100 == 0:
            counted.write_text(json.dumps([runs, time.monotonic() - begun]))
        run(data)

    arguments = [
        *("fuzz", f"-max_total_time={seconds}", f"-max_len={target.longest}", "-timeout=20"),
        *("-rss_limit_mb=3000", f"-artifact_prefix={folder}/", "-print_final_stats=0"),
        *(str(folder / "corpus"), str(folder / "seeds")),
    ]
    atheris.Setup(arguments, one)
    atheris.Fuzz()


def fuzz(name: str, seconds: int) -> Found:
    """Runs a target for so long, from what is kept and what it makes itself."""
    target = TARGETS[name]
    with tempfile.TemporaryDirectory(prefix="gta-fuzz-") as place:
        folder = Path(place)
        for part in ("corpus", "seeds", "work"):
            (folder / part).mkdir()
        for i, data in enumerate(seeds(name, folder / "work")):
            (folder / "seeds" / f"seed{i}").write_bytes(data)
        done = subprocess.run(
            [sys.executable, "-m", __spec__.name, "--work", name, place, str(seconds)],
            capture_output=True,
            text=True,
            errors="replace",
        )
        counted = folder / "runs"
        runs, took = json.loads(counted.read_text()) if counted.is_file() else (0, 0.0)
        fault = told(done.stdout + done.stderr) if done.returncode else None
        if fault is None and not target.of_others:
            keep(name, folder / "corpus")
        return Found(runs, took, fault)


def seeds(name: str, folder: Path) -> Iterator[bytes]:
    """What a target begins with."""
    yield from seeds_of(name, folder)
    if (CORPUS / name).is_dir():
        yield from (path.read_bytes() for path in sorted((CORPUS / name).iterdir()))


def keep(name: str, found: Path) -> None:
    """Adds the smallest files that reached something new, up to so many."""
    place = CORPUS / name
    place.mkdir(parents=True, exist_ok=True)
    for path in sorted(found.iterdir(), key=lambda path: path.stat().st_size):
        if len(list(place.iterdir())) >= _MOST or path.stat().st_size > _LARGEST:
            return
        (place / path.name[:12]).write_bytes(path.read_bytes())


def told(output: str) -> str:
    """What went wrong, without the input that did it."""
    lines = [line.strip() for line in output.splitlines()]
    raised = [i for i, line in enumerate(lines) if "Uncaught Python exception" in line]
    if raised:
        places = [line for line in lines[raised[0] :] if line.startswith("File ")]
        what = next((x for x in lines[raised[0] + 1 :] if x), "")
        return f"{what} ({'; '.join(places[-3:])})"
    errors = [line for line in lines if "ERROR" in line]
    return errors[0] if errors else "; ".join(lines[-3:])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        name, folder, seconds = options.work
        work(name, Path(folder), int(seconds))
    if options.list:
        print("\n".join(f"{name:10} {target.about}" for name, target in TARGETS.items()))
        return 0
    wrong = [name for name in options.targets if name not in TARGETS]
    if wrong:
        parser.error(f"{wrong[0]!r} is not a target; they are {', '.join(TARGETS)}")
    with suppress(ModuleNotFoundError):
        importlib.import_module("atheris")
    if "atheris" not in sys.modules:
        parser.error('atheris is not installed: pip install -e ".[fuzz]"')
    failed = 0
    for name in options.targets or TARGETS:
        found = fuzz(name, options.seconds)
        print(
            f"{name}: {found.runs:,} inputs in {found.seconds:.0f} s, {found.fault or 'no fault'}"
        )
        sys.stdout.flush()
        failed += found.fault is not None
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
