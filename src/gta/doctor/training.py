"""GPUs, and two steps of a training on each device."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from gta.data.batch import Batch
from gta.data.loader import evaluation_loader
from gta.data.records import Video, VideoList
from gta.doctor.observed import Observed
from gta.errors import reason_of
from gta.inference import protocol_views
from gta.protocols import parse_protocol
from gta.recipes import find_recipe, read_recipe
from gta.runs import build_network
from gta.training.optimizer import make_optimizer
from gta.training.processes import Processes
from gta.training.recipe_step import make_step

_CLASSES = 4
_SETTINGS = ("clip.size=32", "clip.num_frames=4", "train.batch_size=4")
_DRIVER = Path("/proc/driver/nvidia/version")


def gpus(driver: Path = _DRIVER) -> Iterator[Observed]:
    """GPUs that torch can use, and GPUs that it cannot."""
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            about = torch.cuda.get_device_properties(number)
            free, total = torch.cuda.mem_get_info(number)
            yield Observed(
                f"GPU {number}",
                f"{about.name}, {free / 2**30:.0f} of {total / 2**30:.0f} GiB free, compute "
                f"capability {about.major}.{about.minor}, CUDA {torch.version.cuda}",
            )
        return
    finding = None
    if driver.exists() or _tool_finds_gpu():
        finding = (
            f"there is a GPU, and torch {torch.__version__} cannot use it: it is built "
            f"{f'for CUDA {torch.version.cuda}' if torch.version.cuda else 'for the CPU alone'}. "
            f"Install the build for your driver (pytorch.org/get-started)"
        )
    yield Observed("GPU", "none that torch can use", finding)


def two_steps() -> Iterator[Observed]:
    """Trains a small network for two steps on the CPU and on each GPU."""
    names = ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
    for name in names:
        began = time.perf_counter()
        try:
            wrong = _train(torch.device(name))
        except Exception as error:  # drivers and kernels raise many types
            wrong = reason_of(error)
        seconds = time.perf_counter() - began
        finding = f"two steps of a training do not work: {wrong}" if wrong else None
        yield Observed(f"training, {name}", f"two steps, {seconds:.1f} s", finding)


def loader(video: Path) -> Observed:
    """A loader process, from its start to a batch.

    Args:
        video: A readable video.
    """
    recipe = read_recipe(find_recipe("ordered", "tiny_gta"), _SETTINGS)
    videos = VideoList([Video("one", video, 0)], ["a"])
    views = protocol_views(videos, parse_protocol("1x1-center32"), recipe.clip)
    began = time.perf_counter()
    try:
        batches = list(evaluation_loader(views, batch_size=1, workers=1))
        wrong = None if [len(batch.clips) for batch in batches] == [1] else "no batch comes"
    except Exception as error:
        wrong = reason_of(error)
    seen = f"one process, {time.perf_counter() - began:.1f} s"
    way_out = f"{wrong}; without such processes: --set data.workers=0"
    return Observed("loader", seen, way_out if wrong else None)


def _train(device: torch.device) -> str | None:
    recipe = read_recipe(find_recipe("ordered", "tiny_gta"), _SETTINGS)
    torch.manual_seed(0)
    model = build_network(recipe, _CLASSES).to(device).train()
    before = [parameter.detach().clone() for parameter in model.parameters()]
    step = make_step(
        model, make_optimizer(model, recipe.train), recipe, _CLASSES, Processes(device)
    )
    for number in range(2):
        labels = torch.arange(_CLASSES)
        clips = torch.randint(256, (_CLASSES, 3, 4, 32, 32), dtype=torch.uint8)
        batch = Batch(clips.to(device), labels.to(device), labels, [])
        loss, _, _, left_out = step(batch, 0, number, 2).tolist()
        if left_out or not 0 < loss < 1e4:
            return f"the loss is {loss / _CLASSES:g}"
    step.close()
    changed = any(
        not torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True)
    )
    return None if changed else "the weights stay as they are"


def _tool_finds_gpu() -> bool:
    if shutil.which("nvidia-smi") is None:
        return False
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return False
    return "GPU 0" in listed.stdout
