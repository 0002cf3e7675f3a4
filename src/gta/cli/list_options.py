"""Options of `gta predict --list`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

_PANEL = "Many videos"

WorkOption = Annotated[
    Path | None,
    typer.Option(
        "--work",
        help="Predict a list in shards: their folder, which all processes share.",
        rich_help_panel=_PANEL,
    ),
]
EngineOption = Annotated[
    Literal["local", "ray"],
    typer.Option(
        "--engine",
        help="ray: decoders and networks are actors of the Ray cluster that RAY_ADDRESS names.",
        rich_help_panel=_PANEL,
    ),
]
DecodersOption = Annotated[
    int | None,
    typer.Option(
        "--decoders",
        min=1,
        help="Processes that read videos; by default one a core (of ray: of the cluster).",
        rich_help_panel=_PANEL,
    ),
]
NetworksOption = Annotated[
    int | None,
    typer.Option(
        "--networks", min=1, help="Of ray: networks; 1 if left out.", rich_help_panel=_PANEL
    ),
]
LimitOption = Annotated[
    float | None,
    typer.Option(
        "--limit",
        min=0.1,
        help="Seconds that a video may take to read; 60 if left out.",
        rich_help_panel=_PANEL,
    ),
]
ShardOption = Annotated[
    int | None,
    typer.Option(
        "--shard", min=1, help="Videos of a shard, 100 by default.", rich_help_panel=_PANEL
    ),
]
