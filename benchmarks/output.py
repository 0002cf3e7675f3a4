"""What every data file begins with, and how it is written."""

import json
import platform
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any


def about(*packages: str) -> dict[str, str]:
    """The day, and the versions of Python and of what the figures depend on."""
    versions = {name: version(name) for name in packages}
    return {"date": date.today().isoformat(), "python": platform.python_version(), **versions}


def write(found: dict[str, Any], path: Path | None) -> None:
    """The data file, where one is wanted."""
    if path is not None:
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
