"""What really runs on a clip's way to logits and on a sample's way to its loss, with the shapes.

A tiny network is trained for an epoch on rendered clips and scores one of them; the functions of
gta that run meanwhile are recorded.
"""

import ast
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cache, wraps
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from gta.cli.train import train
from gta.data import loader, videos
from gta.data.batch import Batch
from gta.data.dataset import Item, TrainingClips
from gta.data.records import VideoList
from gta.ordered import render_dataset
from gta.predict import Prediction, Predictor
from gta.training.step import Step as Update

SOURCE = Path(__file__).parent.parent / "src/gta"
RECIPE = ("clip.size=64", "test.protocol=1x2-center64", "train.batch_size=2", "train.epochs=1")
RECIPE += ("train.warmup_epochs=0", "data.workers=0", "data.cache_gb=0")


@dataclass(frozen=True, slots=True)
class Step:
    """A function on the way, and what it gives."""

    file: str
    """Relative to src/gta."""
    function: str
    """Its qualified name."""
    gives: str


@dataclass
class Walk:
    """What ran, in its order."""

    files: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Records the functions of gta that run meanwhile, up to a loss."""
        sys.setprofile(self._note)
        try:
            yield
        finally:
            sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, value: object) -> None:
        code = frame.f_code
        if code is F.cross_entropy.__code__ and event == "return":
            self.steps.append(Step("torch", "cross_entropy", "the loss, a number"))
            sys.setprofile(None)
        if not code.co_filename.startswith(f"{SOURCE}/"):
            return
        file = Path(code.co_filename).relative_to(SOURCE).as_posix()
        if event == "call" and file not in self.files:
            self.files.append(file)
        if event == "return" and (gives := _described(value, code.co_qualname)):
            step = Step(file, code.co_qualname, gives)
            if step not in self.steps:
                self.steps.append(step)


def _described(value: object, function: str) -> str:
    """What a function gives, if it is data and the function is a public one; else ""."""
    match value:
        case Prediction():
            return "`Prediction`"
        case Item():
            return f"`Item`, its clip {_shape(value.clip)}"
        case Batch():
            return f"`Batch`, its clips {_shape(value.clips)}"
    parts = function.split(".")
    if "<" in function or any(p[0] == "_" and p[-2:] != "__" for p in parts):
        return ""
    if isinstance(value, VideoList):
        return f"`VideoList` of {len(value)}"
    if isinstance(value, Tensor | np.ndarray) and value.ndim >= 2:
        return _shape(value)
    if isinstance(value, list) and value and all(type(each) is int for each in value):
        return f"{len(value)} frame numbers"
    return ""


def _shape(value: Tensor | np.ndarray | None) -> str:
    if value is None:
        return "none"
    kind = str(value.dtype).removeprefix("torch.")
    return f"{kind} ({', '.join(map(str, value.shape))})"


def walks() -> tuple[Walk, Walk]:
    """The clip's from its file to its classes, and the sample's from its annotation to its loss."""
    clip, sample = Walk(), Walk()
    with TemporaryDirectory() as folder, redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        root, run = Path(folder, "data"), Path(folder, "run")
        shape = {"num_frames": 24, "height": 96, "width": 128}
        render_dataset(root, num_train=4, num_val=2, **shape, classes=("up", "down"), workers=1)
        with _meanwhile(sample):
            train(
                model="tiny_gta", data="ordered", root=root, out=run, settings=RECIPE, device="cpu"
            )
        predictor = Predictor(run, device="cpu")
        seen = min(root.rglob("*.webm"))
        video = shutil.copy(seen, Path(folder, "new.webm"))  # of a file seen before, less is read
        with clip.recorded():
            predictor(video)
    return clip, sample


@contextmanager
def _meanwhile(walk: Walk) -> Iterator[None]:
    """Records a training from the annotation to the first loss: what lists, reads and learns."""
    places = [
        (videos, "load_videos"),
        (TrainingClips, "__getitem__"),
        (loader, "_collate"),
        (Update, "__call__"),
    ]
    begun = set[str]()

    def once(function: Callable, name: str) -> Callable:
        @wraps(function)
        def recorded(*args, **kwargs):
            if name in begun:
                return function(*args, **kwargs)
            begun.add(name)
            with walk.recorded():
                return function(*args, **kwargs)

        return recorded

    changed = []
    for owner, name in places:
        function = getattr(owner, name)
        users = [owner, *(m for n, m in sys.modules.items() if n.startswith("gta."))]
        for user in users:
            if vars(user).get(name) is function:
                changed.append((user, name, function))
                setattr(user, name, once(function, name))
    try:
        yield
    finally:
        for user, name, function in changed:
            setattr(user, name, function)
    missing = {name for _, name in places} - begun
    if missing:
        raise SystemExit(f"training did not call {', '.join(sorted(missing))}: what does it call?")


@cache
def _docstrings(file: str) -> dict[str, str]:
    """The first sentence of each function and class of a file, by qualified name."""
    found: dict[str, str] = {}

    def look(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef):
                name = f"{prefix}{child.name}"
                found[name] = " ".join((ast.get_docstring(child) or "").split("\n\n")[0].split())
                look(child, f"{name}.")

    look(ast.parse((SOURCE / file).read_text(encoding="utf-8")), "")
    return found


def purpose(step: Step) -> str:
    """What its function says that it does; a method without words does what its class does."""
    if step.file == "torch":
        return ""
    told = _docstrings(step.file)
    return told.get(step.function) or told.get(step.function.rpartition(".")[0], "")
