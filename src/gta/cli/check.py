"""`gta check`."""

from pathlib import Path
from typing import Annotated

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

SHOWN = 5
"""Videos or classes of a finding that the terminal names."""


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
        Path | None, typer.Option(help="Write everything that was found to this file, as JSON.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Videos decoded at a time.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Look for what is wrong with a data set before a run; some frames of every video are decoded.

    Exit code 0: nothing that would spoil a run; 1: something would. Nothing is changed.
    """
    trained = None
    if run is not None:
        from gta.runs import Run

        trained = Run.open(run)
        if (model, data, recipe) == (None, None, None):
            recipe = run / "recipe.yaml"
    found = chosen_recipe(model, data, recipe, root, settings)

    import json
    from dataclasses import asdict

    from gta.cli.console import Terminal, print_json
    from gta.cli.tables import summary_table
    from gta.data.check import check_videos
    from gta.data.cores import available_cores
    from gta.files import write_text
    from gta.training.splits import list_videos

    train, val = list_videos(found.data, "train"), list_videos(found.data, "val")
    terminal = Terminal(stderr=as_json)
    with terminal.track("checking", len(train) + len(val)) as advance:
        report = check_videos(
            train,
            val,
            clip_frames=found.clip.num_frames,
            size=found.clip.size,
            flip=found.augment.flip,
            trained_classes=trained and trained.classes,
            thorough=thorough,
            workers=workers or available_cores(),
            progress=lambda done, _: advance(done, ""),
        )
    told = {"ok": report.ok, "summary": report.summary}
    told |= {"findings": [asdict(finding) for finding in report.findings]}
    text = json.dumps(told, ensure_ascii=False, indent=1)
    if out is not None:
        write_text(out, text + "\n")
    if as_json:
        print_json(told)
    else:
        terminal.show(summary_table(report.summary))
        for finding in report.findings:
            terminal.say(f"{finding.severity}: {finding.text}")
            for item in finding.items[:SHOWN]:
                terminal.say(f"  {item}")
            if len(finding.items) > SHOWN:
                more = len(finding.items) - SHOWN
                terminal.say(f"  and {more} more{'' if out else '; --out FILE has all'}")
        counts = {
            severity: sum(finding.severity == severity for finding in report.findings)
            for severity in ("error", "warning", "note")
        }
        terminal.say(", ".join(f"{n} {name}{'s' * (n != 1)}" for name, n in counts.items()))
    raise typer.Exit(0 if report.ok else 1)
