"""`gta quickstart`: three small models on a question of order: what happened first?"""

from pathlib import Path
from typing import Annotated

import typer

from gta.cli.options import DeviceOption


def quickstart(
    out: Annotated[
        Path, typer.Option(help="Folder of the clips, the runs and the picture.")
    ] = Path("quickstart"),
    device: DeviceOption = "auto",
) -> None:
    """Render clips, train a network without attention, with DNL and with GTA, compare them.

    Takes a few minutes on two CPU cores. If interrupted, the same command resumes.
    """
    import time
    from shlex import join

    from gta.cli.console import Terminal
    from gta.cli.quickstart_run import compare, draw, keep, prepare, train_and_test
    from gta.cli.signals import stop

    out.mkdir(parents=True, exist_ok=True)
    stop.kept = f"the same command goes on in {out}"
    terminal = Terminal(out / "log.txt")
    began = time.monotonic()
    summary, recipes, splits = prepare(out, terminal)
    results = {
        name: train_and_test(out / name, recipe, splits, device, terminal)
        for name, recipe in recipes.items()
    }
    terminal.show(compare(results, summary.order_blind_ceiling))
    picture, seconds = (
        draw(out, splits, results, summary.order_blind_ceiling),
        time.monotonic() - began,
    )
    keep(out, results, summary.order_blind_ceiling, seconds)
    terminal.say(
        f"{seconds:.0f} s. Picture: {picture}. Try one of the clips:\n"
        f"  {join(['gta', 'predict', str(out / 'tiny_gta'), str(splits.val.videos[0].path)])}"
    )
