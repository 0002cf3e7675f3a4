"""A run: the folder that holds everything needed to use a trained model later.

recipe.yaml            the resolved recipe, complete by itself
labels.json            class names in label order
last.safetensors       weights after the last finished epoch
best.safetensors       weights after the epoch of the highest validation accuracy
checkpoints/           everything needed to resume training, at the last few positions
metrics.csv            one line for each epoch
log.txt                the printed messages
environment.json       versions and hardware
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from safetensors import SafetensorError
from torch import Tensor, nn

from gta import shipped
from gta.backbones import TrunkNetwork
from gta.backbones.weight_numbers import require_finite
from gta.blocks.resample import resample
from gta.config import Recipe
from gta.errors import UsageError
from gta.files import write_text
from gta.hub import HUB, fetch_folder
from gta.meta_device import on_meta_device
from gta.models import build
from gta.names import shown
from gta.recipes import read_recipe, write_recipe
from gta.tensor_files import read_tensors, write_tensors

_LARGEST = 2**26
"""Most characters of the file of class names."""
MOST_CLASSES = 100_000
"""Most classes of a model."""


def build_network(recipe: Recipe, num_classes: int) -> nn.Module:
    """The network of a recipe, with fresh weights.

    Raises:
        UsageError: Its parts do not fit together.
    """
    try:
        network = build(recipe.model, num_classes=num_classes, num_frames=recipe.clip.num_frames)
    except ValueError as error:
        raise UsageError(f"the recipe's model cannot be built: {error}") from error
    if isinstance(network, TrunkNetwork) and recipe.train.freeze:
        network.freeze()
    return network


@dataclass(frozen=True, slots=True)
class Run:
    """A run's folder, recipe and classes."""

    folder: Path
    recipe: Recipe = field(repr=False)
    classes: list[str] = field(repr=False)
    trained_frames: int | None = None
    """The number of frames of the weights, if the recipe has been given another number."""
    weights: Path | None = None
    """The file of weights, if given in place of those of the last epoch."""

    @classmethod
    def open(cls, folder: str | Path) -> "Run":
        """Opens the folder of a run; "ordered" is in the package, unless a folder has that name.

        Raises:
            UsageError: The folder does not exist or is not that of a run.
        """
        folder = Path(folder).expanduser()
        if str(folder) == shipped.NAME and not folder.exists():
            folder = shipped.FOLDER
        if not (folder / "recipe.yaml").is_file():
            what = "is not the folder of a run" if folder.exists() else "does not exist"
            raise UsageError(
                f"{folder} {what}: no recipe.yaml in it. Give the folder that "
                f"`gta train` wrote, its --out."
            )
        recipe = read_recipe(folder / "recipe.yaml")
        try:
            classes = read_names(folder / "labels.json")
        except (OSError, ValueError) as error:
            raise UsageError(f"{folder}: its labels.json cannot be read ({error})") from error
        return cls(folder, recipe, classes)

    @classmethod
    def create(cls, folder: str | Path, recipe: Recipe, classes: list[str]) -> "Run":
        """Makes the folder, or continues with an existing folder."""
        folder = Path(folder).expanduser()
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / "labels.json", json.dumps(classes, indent=1, ensure_ascii=False) + "\n")
        write_text(folder / "recipe.yaml", write_recipe(recipe))
        return cls(folder, recipe, classes)

    def at_frames(self, num_frames: int) -> "Run":
        """The same run for clips of another number of frames.

        `load` then resamples the temporal matrices and positions of its blocks, if they have as
        many frames as the clip.
        """
        trained = self.recipe.clip.num_frames
        clip = self.recipe.clip.model_copy(update={"num_frames": num_frames})
        recipe = self.recipe.model_copy(update={"clip": clip})
        return replace(self, recipe=recipe, trained_frames=trained)

    def build(self) -> nn.Module:
        """The network, with fresh weights."""
        return build_network(self.recipe, len(self.classes))

    def save_weights(
        self, model: nn.Module, name: str, *, epoch: int, source: str | None = None
    ) -> None:
        """Writes `<name>.safetensors`.

        Args:
            model: The network.
            name: "last" or "best".
            epoch: Finished epochs.
            source: Origin of the weights, if not a training here.
        """
        self.write_weights(model.state_dict(), [name], epoch=epoch, source=source)

    def write_weights(
        self,
        tensors: Mapping[str, Tensor],
        names: Sequence[str],
        *,
        epoch: int,
        source: str | None = None,
    ) -> None:
        """Writes a network's tensors under the given names; see `save_weights`."""
        about = {"epoch": str(epoch)} | ({"source": shown(source)} if source else {})
        first, *others = (self.folder / f"{name}.safetensors" for name in names)
        write_tensors(first, tensors, about, *others)

    def load(self, *, best: bool = False) -> tuple[nn.Module, str]:
        """The trained network in evaluation mode, on the CPU, and which weights it has.

        Raises:
            UsageError: No epoch has finished yet, or the weights do not fit the recipe or are not
            finite.
        """
        path = self.weights or self.folder / ("best.safetensors" if best else "last.safetensors")
        if best and self.weights is not None:
            raise UsageError(f"best asks for other weights than {path}: give the run's folder")
        if not path.is_file():
            raise UsageError(
                f"{self.folder} has no {path.name}: its training has not finished an epoch yet. "
                f"Run the same `gta train` command again; it goes on where it stopped."
            )
        with on_meta_device():
            model = self.build()
        try:
            state, about = read_tensors(path)
            require_finite(state, str(path))
            if self.trained_frames is not None:
                shapes = {key: value.shape for key, value in model.state_dict().items()}
                state = {
                    key: resample(key, value, shapes[key]) if key in shapes else value
                    for key, value in state.items()
                }
            model.load_state_dict(state, strict=True, assign=True)
            if any(tensor.is_meta for tensor in model.buffers()):
                # a foreign network may hold computed tensors that no file has
                model = self.build()
                model.load_state_dict(state, strict=True)
        except (SafetensorError, RuntimeError, OSError, UnicodeDecodeError) as error:
            reason = " ".join(str(error).split())[:300]
            raise UsageError(
                f"{path} does not fit its recipe, {len(self.classes)} classes ({reason}). "
                f"Were clip.num_frames, the model or labels.json changed after training?"
            ) from error
        resampled = f", resampled from {self.trained_frames} frames" if self.trained_frames else ""
        epoch = f"epoch {about.get('epoch', '?')} of {self.recipe.train.epochs}"
        return model.eval(), f"{path.name}, {about.get('source', epoch)}{resampled}"


def read_names(path: Path) -> list[str]:
    """The names of classes in a JSON file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not a list of different names, or it is too large.
    """
    with path.open(encoding="utf-8") as file:
        text = file.read(_LARGEST + 1)
    if len(text) > _LARGEST:
        raise ValueError(f"it has more than {_LARGEST:,} characters")
    try:
        names = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("it is not a list of names")
    if not 0 < len(names) <= MOST_CLASSES:
        raise ValueError(f"it has {len(names):,} names; models have 1 to {MOST_CLASSES:,} classes")
    return names


def open_run(source: Run | str | Path) -> Run:
    """Opens a run from a folder, a file of weights or the Hub.

    Args:
        source: The folder of a run; a .safetensors file with recipe.yaml and labels.json beside
            it; "hub:OWNER/NAME" or "hub:OWNER/NAME@REVISION", such a folder on the Hugging Face
            Hub; or an open run.

    Raises:
        UsageError: It does not exist, or is none of these.
    """
    if isinstance(source, Run):
        return source
    if str(source).startswith(HUB):
        return Run.open(fetch_folder(str(source)))
    path = Path(source).expanduser()
    if path.is_dir() or not path.suffix:
        return Run.open(path)
    if not path.is_file():
        raise UsageError(f"{path} does not exist; give the folder of a run, or a file of weights")
    if path.suffix != ".safetensors":
        raise UsageError(
            f"{path} is not a .safetensors file. Weights from elsewhere become a run with "
            f"`gta convert`, which reports their content; then give the folder of that run."
        )
    missing = [
        name for name in ("recipe.yaml", "labels.json") if not (path.parent / name).is_file()
    ]
    if missing:
        raise UsageError(
            f"{path} has only weights: put the {' and the '.join(missing)} of its run beside it"
        )
    return replace(Run.open(path.parent), weights=path)
