"""The content of a checkpoint: everything needed to resume training exactly."""

import json
import pickle
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from gta.errors import UsageError, first_line, reason_of
from gta.tensor_files import content, read_tensors
from gta.training.checkpoint_folder import Chunks, DamagedError

State = Mapping[str, Any]
"""The state of model, optimizer, average (None: not used) and position, as plain values."""

_ABOUT = "state.json"


@dataclass(slots=True)
class TrainState:
    """The position of a training, and its history."""

    data: str
    """Fingerprint of the videos."""
    epoch: int = 0
    """Finished epochs."""
    batch: int = 0
    """Finished batches of the epoch under way."""
    totals: list[float] = field(default_factory=lambda: [0.0] * 4)
    """Of that epoch: sum of losses, correct clips, clips, skipped steps.

    Checkpoints of earlier versions lack the last.
    """
    best_top1: float = -1.0
    history: list[dict[str, float]] = field(default_factory=list)
    """An entry for each finished epoch."""
    failures: dict[str, str] = field(default_factory=dict)
    """Training videos that could not be read, and why."""
    set_aside: dict[str, str] = field(default_factory=dict)
    """Ids of training videos at which a loader process died, and the reason."""

    @property
    def place(self) -> tuple[int, int]:
        """Finished epochs, and batches of the next."""
        return self.epoch, self.batch

    def finish(self, entry: dict[str, float]) -> None:
        """Ends the current epoch and adds its entry to the history."""
        self.epoch, self.batch, self.totals = self.epoch + 1, 0, [0.0] * 4
        self.history.append(entry)


def state_of(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    position: TrainState,
    averaged: nn.Module | None = None,
) -> dict[str, Any]:
    """The state for a checkpoint; its tensors are those of the training, not copies."""
    return {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "averaged": None if averaged is None else averaged.state_dict(),
        "position": asdict(position),
    }


def tensors_of(state: State) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """The tensors of a state by name, in its parts: model, averaged, optimizer."""
    yield "model", state["model"]
    if state["averaged"] is not None:
        yield "averaged", state["averaged"]
    kept = state["optimizer"]["state"]
    yield (
        "optimizer",
        {
            f"{number}/{key}": value
            for number, values in kept.items()
            for key, value in values.items()
            if isinstance(value, Tensor)
        },
    )


def files_of(state: State) -> dict[str, Chunks]:
    """The files of a checkpoint: tensors as safetensors, the rest as JSON."""
    optimizer = state["optimizer"]
    about = {
        "position": state["position"],
        "param_groups": optimizer["param_groups"],
        "values": [
            [number, key, value]
            for number, values in optimizer["state"].items()
            for key, value in values.items()
            if not isinstance(value, Tensor)
        ],
    }
    files: dict[str, Chunks] = {
        f"{part}.safetensors": content(tensors, {}) for part, tensors in tensors_of(state)
    }
    return {**files, _ABOUT: [json.dumps(about, indent=1).encode()]}


def read_folder(path: Path) -> dict[str, Any]:
    """The state in the files of a checkpoint.

    Raises:
        DamagedError: They are not the files of `files_of`.
    """
    try:
        about = json.loads((path / _ABOUT).read_bytes())
        state: dict[int, dict[str, Any]] = {}
        for name, value in read_tensors(path / "optimizer.safetensors")[0].items():
            number, _, key = name.partition("/")
            state.setdefault(int(number), {})[key] = value
        for number, key, value in about["values"]:
            state.setdefault(int(number), {})[key] = value
        averaged = path / "averaged.safetensors"
        return {
            "model": read_tensors(path / "model.safetensors")[0],
            "optimizer": {"state": state, "param_groups": about["param_groups"]},
            "averaged": read_tensors(averaged)[0] if averaged.is_file() else None,
            "position": asdict(TrainState(**about["position"])),
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise DamagedError(f"it cannot be read ({first_line(error)})") from error


def read_file(path: Path) -> dict[str, Any]:
    """The state in a checkpoint.pt of an earlier version.

    Raises:
        DamagedError: The file is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()  # checks that torch.load omits
        if damaged is not None:
            raise ValueError(f"{damaged} in it has other bytes than were written")
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return {
            "model": state["model"],
            "optimizer": state["optimizer"],
            "averaged": state.get("averaged"),
            "position": asdict(TrainState(**state["position"])),
        }
    except pickle.UnpicklingError as error:
        raise DamagedError(reason_of(error)) from error
    except Exception as error:  # unpickling raises many types
        raise DamagedError(first_line(error)) from error


def restore(
    state: State,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    position: TrainState,
    averaged: nn.Module | None,
    folder: Path,
) -> TrainState:
    """Loads the state of a checkpoint into model, optimizer and averaged model.

    Args:
        state: The state of the checkpoint.
        model: A model of the same shape.
        optimizer: The optimizer of its parameters.
        position: The position of a new training; its `data` is the fingerprint of the videos.
        averaged: The moving average, if used.
        folder: The run's folder.

    Returns:
        The position of the checkpoint.

    Raises:
        UsageError: The checkpoint is of other videos or of another model.
    """
    kept = TrainState(**state["position"])
    if kept.data != position.data:
        raise UsageError(
            f"the videos or classes are not those with which {folder} was begun; resuming "
            f"would mix two data sets. Give another --out, or restore the data folder."
        )
    try:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        if averaged is not None:
            averaged.load_state_dict(state["averaged"] or {})
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"the checkpoint in {folder} is of another network or optimizer "
            f"({first_line(error)}): {ways_out(folder)}"
        ) from error
    return kept


def ways_out(folder: Path) -> str:
    """Advice for a run whose checkpoints cannot be used."""
    text = "give another --out to train from the start"
    if (folder / "last.safetensors").is_file():
        text += f", with --weights {folder / 'last.safetensors'} from the last epoch's weights"
    return text
