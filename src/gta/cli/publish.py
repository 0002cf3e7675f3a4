"""`gta publish`."""

from typing import Annotated

import typer

from gta.cli.options import BestOption, JsonOption, RunArgument


def publish(
    folder: RunArgument,
    to: Annotated[
        str | None,
        typer.Option("--to", help="A new folder, or hub:OWNER/NAME; without it, nothing is sent."),
    ] = None,
    best: BestOption = False,
    license: Annotated[
        str | None,
        typer.Option(
            "--license", help="License of the weights, by its SPDX name, such as cc-by-4.0."
        ),
    ] = None,
    private: Annotated[
        bool, typer.Option("--private", help="A new repository on the Hub is private.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a run for others: weights, recipe, labels and a card with its scores.

    Without --to, the card is shown and nothing is written or sent. No path of this machine, no log
    and no checkpoint is included. Others load it with `gta.load("hub:OWNER/NAME")`.
    """
    from gta.cli.console import Terminal, print_json
    from gta.sharing import publish as write

    done = write(str(folder), to, best=best, license=license, private=private)
    if as_json:
        print_json(
            {
                "run": str(folder),
                "to": to,
                "where": done.where,
                "files": list(done.files),
                "notes": list(done.notes),
                "card": done.card,
            }
        )
        return
    terminal = Terminal()
    if done.where is None:
        terminal.say(done.card)
    for note in done.notes:
        terminal.say(f"note: {note}")
    if done.where is None:
        terminal.say("nothing was written or sent: --to FOLDER, or --to hub:OWNER/NAME")
    else:
        terminal.say(f"{folder}: {', '.join(done.files)} in {done.where}")
