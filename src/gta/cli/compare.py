"""`gta compare`."""

from pathlib import Path
from typing import Annotated

import typer

from gta.cli.options import (
    JsonOption,
    PartBestOption,
    PartFramesOption,
    PartProtocolOption,
    PartSplitOption,
)


def compare(
    a: Annotated[
        Path,
        typer.Argument(help="A score file, or the folder of a run that `gta test` has scored."),
    ],
    b: Annotated[Path, typer.Argument(help="Another, of the same videos.")],
    protocol: PartProtocolOption = None,
    split: PartSplitOption = "val",
    best: PartBestOption = False,
    frames: PartFramesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Is model B better than model A, by how much, and on which classes?

    McNemar's exact test on the videos that one of them alone has right, and 95 % intervals for
    pairs (Newcombe).
    """
    from dataclasses import asdict

    from gta.cli.console import Terminal, print_json
    from gta.cli.tables import class_gain_table, parts_table
    from gta.evaluation.comparison import compare as compare_scores
    from gta.evaluation.score_files import Scored, read_matching

    files, scores = read_matching([a, b], Scored(protocol, split, best, frames))
    comparison = compare_scores(*scores)
    if as_json:
        result = {
            "members": [
                part.summary() | {"scores": str(file)}
                for file, part in zip(files, scores, strict=True)
            ],
            "gain": comparison.overall.gain,
            **asdict(comparison.overall),
            "classes": [
                {"class": name, "gain": part.gain, **asdict(part)}
                for name, part in comparison.classes
            ],
            "notable_classes": comparison.num_significant,
            "conclusion": comparison.conclusion,
        }
        print_json(result)
        return
    terminal = Terminal()
    terminal.show(parts_table(scores, names=("A", "B")))
    if any(part.gain for _, part in comparison.classes):
        terminal.show(class_gain_table(comparison.classes))
        terminal.say(comparison.note)
    terminal.say(comparison.conclusion)
