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
        help="ray: decoders and networks are actors of the Ray cluster at RAY_ADDRESS.",
        rich_help_panel=_PANEL,
    ),
]
DecodersOption = Annotated[
    int | None,
    typer.Option(
        "--decoders",
        min=1,
        help="Processes that read videos; default: one per core (with ray: of the cluster).",
        rich_help_panel=_PANEL,
    ),
]
NetworksOption = Annotated[
    int | None,
    typer.Option(
        "--networks", min=1, help="Networks, with ray; default 1.", rich_help_panel=_PANEL
    ),
]
LimitOption = Annotated[
    float | None,
    typer.Option(
        "--limit",
        min=0.1,
        help="Seconds that reading a video may take; default 60.",
        rich_help_panel=_PANEL,
    ),
]
ShardOption = Annotated[
    int | None,
    typer.Option("--shard", min=1, help="Videos in a shard; default 100.", rich_help_panel=_PANEL),
]
