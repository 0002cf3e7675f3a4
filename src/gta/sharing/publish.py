"""Publishes a run into a folder, or to the Hub."""

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from gta.config import Recipe
from gta.errors import UsageError
from gta.files import write_atomically, write_text
from gta.hub import HUB, hub_name, send_folder
from gta.recipes import write_recipe
from gta.runs import Run, open_run
from gta.sharing.card import card_file, make_card, measured
from gta.sharing.licenses import origin

_OF_MODEL = ("none", "imagenet", "kinetics", "ordered")
"""Values of `model.weights` that are not paths."""


@dataclass(frozen=True, slots=True)
class Published:
    """The files that were written, or would be."""

    card: str
    where: str | None
    """The folder, or the address of the Hub's commit; None: nothing was written."""
    files: tuple[str, ...]
    notes: tuple[str, ...]
    """Notes for the owner, to read before publishing."""


def publish(
    run: Run | str | Path,
    to: str | Path | None = None,
    *,
    best: bool = False,
    license: str | None = None,
    private: bool = False,
) -> Published:
    """Writes a run for others: weights (safetensors), recipe, labels, and a card.

    No path of this machine, no log and no checkpoint is included.

    Args:
        run: A trained run, or anything that `gta.load` takes.
        to: A new or empty folder, or "hub:OWNER/NAME"; None: nothing is written or sent.
        best: The weights of the best epoch instead of the last.
        license: License of these weights, by its SPDX name, such as "cc-by-4.0".
        private: Whether a new repository on the Hub is private.

    Raises:
        UsageError: There is no such run, it has no weights yet, the folder is not empty, or the Hub
            refuses or does not answer.
    """
    run = open_run(run)
    target = None if to is None else str(to)
    if target is not None and target.startswith(HUB):
        hub_name(target)
    elif target is not None:
        _check_empty(Path(target).expanduser())
    _, weights = run.load(best=best)  # raises if they cannot be used
    scores, left_out = measured(run, weights, best=best)
    name = target or "FOLDER"
    card = make_card(run, name, weights, scores, license)
    files = ("README.md", "labels.json", "last.safetensors", "recipe.yaml")
    notes = _notes(run, bool(scores), left_out, license)
    if target is None:
        return Published(card, None, files, notes)
    if target.startswith(HUB):
        with tempfile.TemporaryDirectory() as folder:
            _write(run, Path(folder), card, best=best)
            return Published(card, send_folder(Path(folder), target, private=private), files, notes)
    folder = Path(target).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    _write(run, folder, card, best=best)
    return Published(card, str(folder), files, notes)


def _write(run: Run, folder: Path, card: str, *, best: bool) -> None:
    source = run.weights or run.folder / ("best.safetensors" if best else "last.safetensors")
    write_atomically(folder / "last.safetensors", lambda part: shutil.copyfile(source, part))
    write_text(folder / "labels.json", json.dumps(run.classes, indent=1, ensure_ascii=False) + "\n")
    write_text(folder / "recipe.yaml", write_recipe(without_paths(run.recipe)))
    write_text(card_file(folder), card)


def without_paths(recipe: Recipe) -> Recipe:
    """The recipe without folders of this machine; of files, only names are kept."""
    weights = recipe.model.weights
    named = weights if weights in _OF_MODEL else _last(weights)
    scenes = recipe.data.scenes and _last(str(recipe.data.scenes))
    nowhere = {"root": None, "cache_dir": None, "features_dir": None, "scenes": scenes}
    lists = {
        name: value and _last(value)
        for name in ("train_list", "val_list", "test_list")
        if (value := getattr(recipe.data, name)) is None or Path(value).is_absolute()
    }
    return recipe.model_copy(
        update={
            "model": recipe.model.model_copy(update={"weights": named}),
            "data": recipe.data.model_copy(update=nowhere | lists),
        }
    )


def _last(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def _check_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"--to {folder} holds something already; give a new or empty folder, or {HUB}OWNER/NAME"
        )


def _notes(run: Run, scored: bool, left_out: list[str], license: str | None) -> tuple[str, ...]:
    notes = list[str]()
    if not scored:
        notes.append(f"the card has no scores: `gta test {quote(str(run.folder))}` measures them")
    if left_out:
        notes.append(f"scores of other weights are not in the card: {', '.join(left_out)}")
    if license is None:
        notes.append(
            "the card states no license of these weights: --license NAME, such as cc-by-4.0"
        )
    start = origin(run.recipe.model)
    if not start.is_known:
        notes.append(f"they began from {start.what}; its license is {start.license}")
    return tuple(notes)
