"""`model.weights: ordered`: start from a network trained on the order of events in built-in clips.

The weights of `tiny_gta` are in the package. Others are trained once per network and kept in the
user's cache folder, under a hash of the recipe.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from gta.backbones.installed_weights import INSTALLED
from gta.config import FrameWiseModel, Recipe, TrunkModel
from gta.data.storage.shard_cache import default_folder
from gta.errors import UsageError
from gta.locks import alone
from gta.ordered import render_dataset
from gta.progress import Report
from gta.recipes import find_recipe, read_recipe, write_recipe
from gta.shipped import FOLDER, NUM_TRAIN, NUM_VAL
from gta.training.session import FREE


def starting_recipe(recipe: Recipe, videos: Path) -> Recipe:
    """The recipe of the network's training on the built-in clips.

    A trunk keeps its settings, also sizes; another network gets the settings of the recipes for
    `ordered`. The number of frames is that of the recipe.
    """
    base, model = read_recipe(find_recipe("ordered", "tiny")), recipe.model
    knows = isinstance(model, TrunkModel | FrameWiseModel) and model.network in INSTALLED
    model = model.model_copy(update={"weights": "imagenet" if knows else "none"})
    data = base.data.model_copy(update={"root": str(videos)})
    frames = {"num_frames": recipe.clip.num_frames}
    changed: dict[str, object] = {"model": model, "data": data}
    if isinstance(model, TrunkModel):
        return recipe.model_copy(update=changed)
    clip = base.clip.model_copy(update=frames | {"mean": recipe.clip.mean, "std": recipe.clip.std})
    return base.model_copy(update=changed | {"clip": clip})


def ordered_start(
    recipe: Recipe,
    run: Callable[[Recipe, Path], object],
    report: Report,
    *,
    folder: Path | None = None,
) -> Path:
    """The weights from which a network starts: those of the package, or of `trained_start`."""
    if what_is_learned(starting_recipe(recipe, FOLDER)) == shipped_recipe():
        return FOLDER / "last.safetensors"
    return trained_start(recipe, run, report, folder=folder)


def shipped_recipe() -> Recipe | None:
    """The recipe of the weights in the package."""
    path = FOLDER / "recipe.yaml"
    return what_is_learned(read_recipe(path)) if path.is_file() else None


def what_is_learned(recipe: Recipe) -> Recipe:
    """A recipe with defaults for settings that do not affect weights, such as paths."""
    for name in sorted(FREE):
        section, _, key = name.partition(".")
        part = getattr(recipe, section)
        default = type(part).model_fields[key].get_default(call_default_factory=True)
        recipe = recipe.model_copy(update={section: part.model_copy(update={key: default})})
    return recipe


def trained_start(
    recipe: Recipe,
    run: Callable[[Recipe, Path], object],
    report: Report,
    *,
    folder: Path | None = None,
) -> Path:
    """The weights of a network trained on the built-in clips; trains it first if needed.

    Args:
        recipe: The recipe of the network.
        run: Trains a recipe in a folder, and resumes an interrupted training.
        report: Shows messages.
        folder: Folder of such weights; None: in the user's cache folder.

    Raises:
        UsageError: Training is needed, and there are several processes.
    """
    folder = folder or default_folder().with_name("ordered")
    videos = folder / f"clips-{NUM_TRAIN}"
    start = starting_recipe(recipe, videos)
    about = write_recipe(what_is_learned(start))
    place = folder / hashlib.sha256(about.encode()).hexdigest()[:16]
    finished, weights = place / "finished", place / "last.safetensors"
    if finished.is_file() and weights.is_file():
        return weights
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise UsageError(
            "model.weights=ordered: this network has no start yet, and one process makes it: run "
            "the command once without torchrun, with --dry-run left out"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder / f".{place.name}.lock", f"{place} is being trained by another process"):
        report.say(f"no start for this network yet: it learns the built-in clips first, in {place}")
        with report.track("rendering", NUM_TRAIN + NUM_VAL) as advance:
            render_dataset(
                videos,
                num_train=NUM_TRAIN,
                num_val=NUM_VAL,
                progress=lambda done, _: advance(done, ""),
            )
        run(start, place)
        finished.touch()
    return weights
