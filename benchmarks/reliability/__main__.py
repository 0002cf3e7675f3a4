"""What training and reading survive: each line of the exam, its value, its bound and the verdict.

    python -m benchmarks.reliability                      # all topics
    python -m benchmarks.reliability training_flips       # some; the others stay as they were
    python -m benchmarks.reliability --missing            # those without a result: goes on
    python -m benchmarks.reliability --busy               # those whose seconds a busy machine took
    python -m benchmarks.reliability --list

A topic is a file of this folder with a function `lines`. The data file is
benchmarks/results/reliability.json, from which the table of docs/reliability.md is written.
"""

import argparse
import json
import os
import pkgutil
import platform
import sys
import time
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import torch

import benchmarks.reliability
from benchmarks.reliability.line import is_busy
from benchmarks.tables import RESULTS, ROOT, write_pages
from gta.cores import available_cores


def topics() -> dict[str, str]:
    """The names of all topics, and what each is about."""
    names = [module.name for module in pkgutil.iter_modules(benchmarks.reliability.__path__)]
    found = {name: import_module(f"{__package__}.{name}") for name in names if name != "__main__"}
    return {
        name: (module.__doc__ or "").splitlines()[0]
        for name, module in found.items()
        if hasattr(module, "lines")
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("topics", nargs="*", metavar="TOPIC")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--missing", action="store_true", help="only those without a result")
    parser.add_argument("--busy", action="store_true", help="only those timed on a busy machine")
    options, known = parser.parse_args(), topics()
    if options.list:
        print("\n".join(f"{name:20} {about}" for name, about in known.items()))
        return 0
    wrong = [name for name in options.topics if name not in known]
    if wrong:
        parser.error(f"{wrong[0]!r} is not a topic; they are {', '.join(known)}")
    path = ROOT / RESULTS / "reliability.json"
    results = json.loads(path.read_text()) if path.is_file() else {"topics": {}}
    chosen = options.topics or list(known)
    if options.missing or options.busy:
        chosen = [
            name
            for name in chosen
            if (options.missing and name not in results["topics"])
            or (options.busy and is_busy(results["topics"].get(name, {"lines": []})))
        ]
    failed = 0
    for name in chosen:
        lines, load = [], os.getloadavg()[0] / available_cores()
        for line in import_module(f"{__package__}.{name}").lines():
            print(f"{line.number:>3} | {line.fault} | {line.value} | {line.bound} | {line.verdict}")
            sys.stdout.flush()
            lines.append(asdict(line))
            failed += line.passed is False
        results["topics"][name] = {
            "date": time.strftime("%Y-%m-%d"),
            "machine": f"{platform.machine()}, Python {platform.python_version()}, "
            f"torch {torch.__version__}",
            "load": round(load, 1),
            "lines": lines,
        }
        path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if Path(ROOT / "docs/reliability.md").is_file():
        write_pages()
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
