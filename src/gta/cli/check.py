"""`gta check`."""

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from gta.cli.options import (
    DataOption,
    JsonOption,
    ModelOption,
    RecipeOption,
    RootOption,
    SetOption,
    chosen_recipe,
)

if TYPE_CHECKING:
    from gta.config import DataSource, Recipe
    from gta.data.check import CheckReport
    from gta.data.check.layout import Listed

SHOWN = 5
"""How many videos or classes of a finding the terminal lists."""


def check(
    model: ModelOption = None,
    data: DataOption = None,
    root: RootOption = None,
    recipe: RecipeOption = None,
    settings: SetOption = None,
    run: Annotated[
        Path | None,
        typer.Option("--run", help="A trained run whose classes the videos have to have."),
    ] = None,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Decode all frames of every video, not some.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write all findings to this file, as JSON.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Videos decoded at a time.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Look for problems in a data set before a run; some frames of every video are decoded.

    Exit code 0: no problem that would spoil a run; 1: there is one; 3: the folder, or the
    annotation of both splits, cannot be read. Nothing is changed.
    """
    try:
        trained = None
        if run is not None:
            from gta.runs import Run

            trained = Run.open(run).classes
            if (model, data, recipe) == (None, None, None):
                recipe = run / "recipe.yaml"
        chosen = chosen_recipe(model, data, recipe, root, settings)
        report = _look(chosen, trained, thorough=thorough, workers=workers, quiet=as_json)
    except KeyboardInterrupt as stopped:
        _leave(getattr(stopped, "number", signal.SIGINT))
    _tell(report, out, as_json=as_json)
    raise typer.Exit(0 if report.ok else 1)


def _look(
    recipe: "Recipe",
    trained: list[str] | None,
    *,
    thorough: bool,
    workers: int | None,
    quiet: bool,
) -> "CheckReport":
    from gta.cli.console import Terminal
    from gta.cores import available_cores
    from gta.data.check import check_videos

    listed = _list(recipe.data)
    total = sum(len(videos) for videos in (listed.train, listed.val) if videos is not None)
    with Terminal(stderr=quiet).track("checking", total) as advance:
        return check_videos(
            listed.train,
            listed.val,
            clip_frames=recipe.clip.num_frames,
            size=recipe.clip.size,
            flip=recipe.augment.flip,
            trained_classes=trained,
            thorough=thorough,
            workers=workers or available_cores(),
            progress=lambda done, _: advance(done, ""),
            listing=listed.findings,
            without_videos=listed.empty,
            way_out=listed.way_out,
            scenes=_scenes(recipe.data),
        )


def _tell(report: "CheckReport", out: Path | None, *, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    from gta.cli.class_table import class_table
    from gta.cli.console import Terminal, print_json
    from gta.cli.tables import summary_table
    from gta.files import write_text
    from gta.names import shown

    content = {"ok": report.ok, "summary": report.summary}
    content |= {"findings": [asdict(finding) for finding in report.findings]}
    text = json.dumps(content, ensure_ascii=False, indent=1)
    if out is not None:
        write_text(out, text + "\n")
    if as_json:
        print_json(content)
        return
    terminal = Terminal()
    if report.summary["classes"]:
        terminal.show(summary_table(_shortened(report.summary)))
        terminal.show(class_table(report.summary))
    for finding in report.findings:
        terminal.say(f"{finding.severity}: {shown(finding.text)}")
        for item in finding.items[:SHOWN]:
            terminal.say(f"  {shown(item)}")
        if len(finding.items) > SHOWN:
            more = len(finding.items) - SHOWN
            terminal.say(f"  and {more} more{'' if out else '; --json or --out FILE has all'}")
    counts = {
        severity: sum(finding.severity == severity for finding in report.findings)
        for severity in ("error", "warning", "note")
    }
    terminal.say(", ".join(f"{n} {name}{'s' * (n != 1)}" for name, n in counts.items()))


def _leave(number: int) -> NoReturn:
    """Ends the process now: a normal exit would wait for the threads that decode."""
    by = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
    print(f"gta: stopped by {by}; nothing was changed", file=sys.stderr, flush=True)
    os._exit(128 + number)


def _shortened(summary: dict[str, Any]) -> dict[str, Any]:
    """The summary with only the most common sizes."""
    short = dict(summary)
    for split in ("train", "val"):
        sizes = list(summary[split]["sizes"].items())
        others = sum(count for _, count in sizes[SHOWN:])
        shown = dict(sizes[:SHOWN]) | ({"others": others} if others else {})
        short[split] = summary[split] | {"sizes": shown}
    return short


def _scenes(data: "DataSource") -> dict[str, str]:
    from gta.data.formats.scenes import read_scenes

    return read_scenes(data.scenes) if data.scenes else {}


def _list(data: "DataSource") -> "Listed":
    """Both splits, as far as they can be listed."""
    from gta.data.check.layout import is_folder_of_classes, list_annotated, list_folders
    from gta.data.videos import list_videos

    if data.root is None or not is_folder_of_classes(data.format, data.root):
        return list_annotated(lambda split: list_videos(data, split))
    return list_folders(
        Path(data.root).expanduser(),
        val_fraction=data.val_fraction,
        seed=data.split_seed,
        keep_groups=data.keep_groups,
        scenes=_scenes(data),
    )
