"""Other programs that show a training: TensorBoard and wandb, by `train.loggers`."""

import importlib.util
import os
import re
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gta.config import Recipe
from gta.errors import UsageError
from gta.files import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Logger(Protocol):
    """Receives the metrics and figures of a training."""

    name: str

    def figures(self, entry: Mapping[str, float]) -> None:
        """Logs the metrics of an epoch."""
        ...

    def picture(self, name: str, figure: "Figure", epoch: int) -> None: ...

    def close(self) -> None: ...


class TensorBoard:
    """Event files in `tensorboard/` of the run's folder: `tensorboard --logdir RUNS`."""

    name = "tensorboard"

    def __init__(self, folder: Path, recipe: Recipe):
        del recipe
        self.folder, self.writer = folder / "tensorboard", None

    def figures(self, entry: Mapping[str, float]) -> None:
        """Logs scalars; those of this epoch from an interrupted run are hidden."""
        epoch = round(entry["epoch"])
        writer = self._open(epoch)
        for name, value in entry.items():
            if name != "epoch":
                writer.add_scalar(_grouped(name), value, epoch)
        writer.flush()

    def picture(self, name: str, figure: "Figure", epoch: int) -> None:
        """Logs an image."""
        self._open(epoch).add_figure(name, figure, epoch)

    def close(self) -> None:
        """Flushes the rest."""
        if self.writer is not None:
            self.writer.close()

    def _open(self, epoch: int):
        if self.writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(str(self.folder), purge_step=epoch)
        return self.writer


class Wandb:
    """A run of Weights & Biases in `wandb/` of the run's folder.

    wandb's own variables decide whether and where it is sent: WANDB_PROJECT (or `gta`),
    WANDB_MODE=offline and the like. A resumed run continues the same wandb run.

    Raises:
        UsageError: Without an account wandb would wait for a login after the first epoch.
    """

    name = "wandb"

    def __init__(self, folder: Path, recipe: Recipe):
        self.folder, self.recipe, self.run = folder, recipe, None
        import wandb

        if wandb.setup().settings.mode == "online" and not wandb.login(prompt=False, verify=False):
            raise UsageError(
                "train.loggers has wandb, which has no account here: type `wandb login`, or set "
                "WANDB_MODE=offline, and `wandb sync` sends the run later"
            )

    def figures(self, entry: Mapping[str, float]) -> None:
        """Logs a step with all metrics of an epoch."""
        values = {_grouped(name): value for name, value in entry.items()}
        self._open().log(values, step=round(entry["epoch"]))

    def picture(self, name: str, figure: "Figure", epoch: int) -> None:
        """Logs an image."""
        import wandb

        self._open().log({name: wandb.Image(figure)}, step=epoch)

    def close(self) -> None:
        """Sends or writes the rest."""
        if self.run is not None:
            self.run.finish()

    def _open(self):
        if self.run is None:
            import wandb

            kept = self.folder / "wandb" / "run-id.txt"
            kept.parent.mkdir(exist_ok=True)
            if not kept.is_file():
                write_text(kept, uuid.uuid4().hex[:8])
            self.run = wandb.init(
                project=os.environ.get("WANDB_PROJECT", "gta"),
                name=self.folder.name,
                id=kept.read_text(encoding="utf-8"),
                resume="allow",
                dir=str(self.folder),
                config=self.recipe.model_dump(mode="json"),
                settings=wandb.Settings(
                    silent=True, console="off", save_code=False, disable_git=True
                ),
            )
        return self.run


_KINDS: dict[str, Callable[[Path, Recipe], Logger]] = {"tensorboard": TensorBoard, "wandb": Wandb}


def open_loggers(folder: Path, recipe: Recipe) -> list[Logger]:
    """The loggers that a recipe names; nothing is written before the first epoch's metrics.

    Raises:
        UsageError: The package of a logger is not installed, or wandb has no account.
    """
    for name in recipe.train.loggers:
        if importlib.util.find_spec(name) is None:
            raise UsageError(
                f"train.loggers has {name}, which is not installed: "
                f'pip install "gta-video[logs]", or leave it out with --set train.loggers=[]'
            )
    return [_KINDS[name](folder, recipe) for name in recipe.train.loggers]


def _grouped(name: str) -> str:
    """train_loss as train/loss, so that related metrics are grouped."""
    return re.sub("^(train|val)_", r"\1/", name)
