"""The state of a folder: free, unfinished or complete, so that a second call is safe."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gta.errors import UsageError
from gta.ordered.difficulty import EASY, Difficulty
from gta.ordered.layouts import Layout, write_json

DONE = "ordered.json"
BEGUN = "ordered.unfinished.json"


@dataclass(frozen=True, slots=True)
class Options:
    """All options on which the files depend."""

    layout: Layout
    num_train: int
    num_val: int
    num_frames: int
    height: int
    width: int
    fps: int
    classes: tuple[str, ...]
    """Keys."""
    seed: int
    difficulty: Difficulty = EASY


def read_options(path: Path) -> dict[str, Any]:
    """The fields of `Options` that a folder was rendered with.

    Raises:
        OSError, ValueError, KeyError, TypeError: There is no such file, or it has another form.
    """
    options = json.loads(path.read_text(encoding="utf-8"))["options"]
    # folders of earlier versions, without this option, are easy
    return {"difficulty": asdict(EASY), **options, "classes": tuple(options["classes"])}


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_options(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} cannot be read ({error!r}); delete the folder or choose another folder."
        ) from error


def begin(root: Path, options: Options) -> bool:
    """Takes `root` for a rendering with `options`; True if it is already complete.

    An interrupted rendering with the same options is resumed.

    Raises:
        UsageError: `root` is a file, holds other things, or a rendering with other options.
    """
    if root.exists() and not root.is_dir():
        raise UsageError(f"{root} is a file; choose a folder to render to.")
    for name in (DONE, BEGUN):
        if not (root / name).exists():
            continue
        wanted, before = asdict(options), _read(root / name)
        other = [key for key, value in wanted.items() if before.get(key) != value]
        if other:
            # by the names of the options of `gta render`
            was = ", ".join(f"{key.removeprefix('num_')}={before.get(key)!r}" for key in other)
            now = ", ".join(f"{key.removeprefix('num_')}={wanted[key]!r}" for key in other)
            raise UsageError(
                f"{root} was rendered with {was}, the options now give {now}; "
                "choose another folder, delete this folder, or repeat its options."
            )
        return name == DONE
    if root.exists() and any(root.iterdir()):
        first = min(path.name for path in root.iterdir())
        raise UsageError(
            f"{root} is not empty (it holds {first!r}) and was not made by this renderer; "
            "choose a new or empty folder."
        )
    root.mkdir(parents=True, exist_ok=True)
    write_json(root / BEGUN, {"options": asdict(options)})
    return False


def finish(root: Path, options: Options, facts: dict[str, object]) -> None:
    """Marks `root` as complete and says what it holds."""
    write_json(root / DONE, {"options": asdict(options), **facts})
    (root / BEGUN).unlink()
