"""Bits that flip in what a training has kept: found, and the checkpoint before is used."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors import SafetensorError

from benchmarks.reliability.line import Line
from gta.errors import UsageError
from gta.models import MODELS, build
from gta.tensor_files import read_tensors, write_tensors
from gta.training.checkpoint import TrainState, files_of, state_of
from gta.training.checkpoint_folder import CheckpointFolder, DamagedError, name_of, verify
from gta.training.saved_state import newest_state


def kept(folder: Path) -> tuple[list[Path], list[Path]]:
    """The files of the newest of two checkpoints, and the files of weights, of a small training."""
    torch.manual_seed(0)
    model = build(MODELS["tiny_gta"], num_classes=4, num_frames=4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.randn(2, 3, 4, 32, 32)).square().sum().backward()
    optimizer.step()
    folder.mkdir(parents=True, exist_ok=True)
    checkpoints = CheckpointFolder(folder / "checkpoints", keep=2)
    for epoch in (1, 2):
        position = TrainState("videos", epoch, history=[{"epoch": 1, "val_top1": 0.5}])
        files = files_of(state_of(model, optimizer, position))
        newest = checkpoints.write(name_of(epoch, 0), files)
    weights = [folder / "last.safetensors", folder / "best.safetensors"]
    write_tensors(weights[0], model.state_dict(), {"epoch": "2"}, weights[1])
    return sorted(newest.iterdir()), weights


def is_found(path: Path, weights: list[Path]) -> bool:
    """Whether what a file holds is refused."""
    try:
        if path in weights:
            read_tensors(path)
        else:
            verify(path.parent)
    except (DamagedError, UsageError, SafetensorError, UnicodeDecodeError):
        return True
    return False


def flips(count: int, folder: Path) -> tuple[int, int, int]:
    """Flips one bit at a time, at a random place of a file that is as likely as it is large.

    Returns:
        Flips found, flips in checkpoints, and how often the checkpoint before was then used and
        the damaged one named.
    """
    files, weights = kept(folder)
    rng, sizes = random.Random(0), [path.stat().st_size for path in (*files, *weights)]
    found = in_checkpoints = fell_back = 0
    for _ in range(count):
        (path,) = rng.choices([*files, *weights], sizes)
        before = path.read_bytes()
        flipped, bit = bytearray(before), rng.randrange(8 * len(before))
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        found += is_found(path, weights)
        if path not in weights:
            in_checkpoints, said = in_checkpoints + 1, list[str]()
            state = newest_state(folder, said.append)
            used = state is not None and state["position"]["epoch"] == 1
            fell_back += used and "is damaged and is not used" in "".join(said)
            for apart in (folder / "checkpoints").glob("damaged-*"):
                apart.rename(path.parent)
        path.write_bytes(before)
    shutil.rmtree(folder)
    return found, in_checkpoints, fell_back


def lines(count: int = 1000) -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as folder:
        found, tried, fell_back = flips(count, Path(folder) / "run")
    yield Line(
        7,
        f"{count} flipped bits in checkpoints and weights",
        f"{found} found; of {tried} in the newest checkpoint the one before used {fell_back} times",
        "all",
        found == count and fell_back == tried,
    )
