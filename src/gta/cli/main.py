"""`gta`: the verbs. Arguments are parsed before anything heavy is imported."""

import io
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import Annotated, Any

import typer

from gta import __version__
from gta.cli.check import check
from gta.cli.compare import compare
from gta.cli.convert import convert
from gta.cli.cost import cost
from gta.cli.demo import demo
from gta.cli.doctor import doctor
from gta.cli.ensemble import ensemble
from gta.cli.export import export
from gta.cli.figure import figure
from gta.cli.predict import predict
from gta.cli.prepare import prepare
from gta.cli.probe import probe
from gta.cli.publish import publish
from gta.cli.quickstart import quickstart
from gta.cli.recipes import recipes
from gta.cli.render import render
from gta.cli.report import report
from gta.cli.serve import serve
from gta.cli.show import show
from gta.cli.signals import stop
from gta.cli.test import test
from gta.cli.train import train
from gta.errors import Notice, UsageError

app = typer.Typer(
    name="gta",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"gta {__version__}")
        raise typer.Exit


@app.callback()
def start(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Video action recognition with Global Temporal Attention."""
    del version


for verb in (
    quickstart,
    check,
    train,
    test,
    predict,
    show,
    figure,
    export,
    ensemble,
    compare,
    probe,
    report,
    demo,
    serve,
    cost,
    recipes,
    convert,
    prepare,
    render,
    doctor,
    publish,
):
    app.command()(verb)


def main() -> None:
    """Runs a verb. A mistake gets one message on stderr, no traceback, and a non-zero exit code."""
    # OpenMP threads sleep while they wait. Spinning, they would take the cores that loader
    # processes need: a forward pass then takes twice as long as on one thread.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # warnings about glyphs that a font lacks are no news to a user
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    for stream in (sys.stdout, sys.stderr):  # a letter that cannot be printed is written out
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    stop.listen()
    warnings.showwarning = partial(_show, warnings.showwarning)
    sys.excepthook = _print_traceback
    try:
        _run()
    except UsageError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:
        _drop_output()
        sys.stderr.close()  # `gta ... | head`: nobody reads any more
        sys.exit(1)
    except OSError as error:
        if not error.filename:
            _drop_output()
        _fail(_of_system(error), 1)
    except RuntimeError as error:
        reason = _outside_reason(error)
        if reason is None:
            raise
        _fail(reason, 1)


def _run() -> None:
    try:
        with stop.obeyed():
            _refuse_bare_settings(sys.argv[1:])
            app()
    finally:
        stop.over = True
        sys.stdout.flush()  # a full disk of the output raises here, not at exit


def _refuse_bare_settings(words: list[str]) -> None:
    """`gta train epochs=3`: a setting without its option; these verbs take no other arguments."""
    if not words or words[0] not in ("train", "check", "prepare", "cost"):
        return
    for before, word in pairwise(words):
        if re.fullmatch(r"[a-z_]+(\.[a-z_]+)*=.*", word) and not before.startswith("-"):
            raise UsageError(f"{word} is a setting of the recipe; give it as --set {_whole(word)}")


def _whole(setting: str) -> str:
    """The setting with its section, if exactly one section has it."""
    from gta.recipes import fields

    name, value = setting.split("=", 1)
    sections = {section for section, field, _ in fields() if field == name}
    return f"{sections.pop()}.{name}={value}" if len(sections) == 1 else setting


def _show(others: Callable[..., None], message, category, *where) -> None:
    """Our warnings are one line; others' keep their form."""
    if issubclass(category, Notice):
        _print(str(message))
    else:
        others(_seen(str(message)), category, *where)


def _drop_output() -> None:
    """Or Python would write it again at exit, and change the exit code."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())


def _of_system(error: OSError) -> str:
    """The system's message about a file, or about the output, which has no name."""
    from gta.files import is_of_writing, why_not_written

    if is_of_writing(error):
        reason, cure = why_not_written(error)
        return (
            f"{error.filename or 'the output'} could not be written: {reason}. What was there "
            f"before stays: {cure}, and give the same command again"
        )
    return f"{error.strerror or error}: {error.filename}" if error.filename else str(error)


def _outside_reason(error: RuntimeError) -> str | None:
    """What happened to the machine rather than in this code, or None."""
    if type(error).__name__ == "OutOfMemoryError":  # torch is not imported only to name its class
        return "the GPU's memory is full: lower train.batch_size, clip.size or clip.num_frames"
    if "DataLoader worker" in str(error):
        return (
            "a loader process was killed, most often because the memory is full. The same command "
            "goes on from the last checkpoint; fewer processes, --set data.workers=1, need less"
        )
    return None


def _fail(message: str, code: int) -> None:
    _print(message)
    sys.exit(code)


def _print(message: str) -> None:
    print(f"gta: {_seen(message)}", file=sys.stderr)


def _print_traceback(*error: Any) -> None:
    """The traceback of an internal error; names in it are escaped for the terminal, too."""
    import traceback

    print(_seen("".join(traceback.format_exception(*error))), end="", file=sys.stderr)


def _seen(text: str) -> str:
    from gta.names import shown

    return shown(text, keep="\n")
