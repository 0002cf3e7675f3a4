"""Verbs in copies of a process that has only imported what they need, and has done nothing else.

A copy of the process that asks would be quicker still, but not the same: it has what was done there
before, such as a fork server that is not its child, locks, and torch's threads for gradients, which
forbid a training in a copy.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).parents[2]
_IMPORTED = ("gta.cli.main", "gta.training.run", "gta.evaluation.run", "gta.cli.console")


def run(
    arguments: list[str], out: Path, err: Path, environment: Mapping[str, str], limit: float
) -> int | None:
    """Runs a verb to its end.

    Args:
        arguments: Of the verb.
        out: A file that gets what is printed.
        err: A file that gets what is printed on stderr.
        environment: Its variables.
        limit: Seconds, after which it is killed.

    Returns:
        Its exit code; None: it was killed.

    Raises:
        OSError: `out` or `err` cannot be written.
        ChildProcessError: It could not be started.
    """
    for file in (out, err):
        file.open("wb").close()  # where it cannot be opened, it is said here
    asked = {
        **{"arguments": arguments, "out": str(out.resolve()), "err": str(err.resolve())},
        **{"environment": dict(environment), "folder": str(Path.cwd()), "limit": limit},
    }
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps(asked) + "\n")
    server.stdin.flush()
    answer = server.stdout.readline()
    if not answer:
        raise ChildProcessError(f"the server of verbs has ended with {server.wait()}")
    return json.loads(answer)


@cache
def _server() -> subprocess.Popen[str]:
    """Started once in a process; ends with it, since its pipe does."""
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.reliability.copies"],
        cwd=ROOT,
        start_new_session=True,  # Ctrl-C is for the process that asks
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(server.communicate)  # closes the pipe, and waits
    return server


def _serve() -> None:
    """Runs what is asked for, one after the other, until nobody can ask any more."""
    for name in _IMPORTED:
        import_module(name)
    for line in sys.stdin:
        code = _run(json.loads(line))
        sys.stdout.write(f"{json.dumps(code)}\n")
        sys.stdout.flush()


def _run(asked: dict[str, Any]) -> int | None:
    with open(asked["out"], "wb") as out, open(asked["err"], "wb") as err:
        pid = os.fork()
        if pid == 0:
            os.setsid()
            for number, file in enumerate((os.open(os.devnull, os.O_RDONLY), out, err)):
                os.dup2(file if isinstance(file, int) else file.fileno(), number)
            _become(asked)
    deadline = time.monotonic() + asked["limit"]
    while (ended := os.waitpid(pid, os.WNOHANG))[0] == 0:
        if time.monotonic() > deadline:
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return None
        time.sleep(0.02)
    return os.waitstatus_to_exitcode(ended[1])


def _become(asked: dict[str, Any]) -> NoReturn:
    """Is `gta` from here on."""
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, closefd=False)  # noqa: SIM115
        for number, mode in enumerate(("r", "w", "w"))
    )
    sys.argv, code = ["gta", *asked["arguments"]], 0
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ |= asked["environment"]
    try:
        from gta.__main__ import main

        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    try:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = code or 120  # as Python does
    os._exit(code)


if __name__ == "__main__":
    _serve()
