"""The cost of the causal form in accuracy: the tiny network on `ordered`, quickstart settings.

    python -m experiments.causal --work WORK --out experiments/results/causal.json

Four networks, each with three seeds: GTA on frames spread over the clip (as the quickstart has it),
GTA on every second frame, and causal GTA on every second frame, whose blocks and mean of logits
cover all 8 frames of a clip, or 4. For causal networks also the accuracy at the last frame of each
held-out clip in one stream of all clips, without resets, and the accuracy of each frame of a clip.
Networks already in the file are skipped; --only NAME makes one network, --seeds some. The table of
docs/streams.md is written from the file.
"""

import argparse
import json
import platform
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from docs.markers import with_parts
from torch import Tensor, nn

from gta.cli.console import Terminal
from gta.cli.quickstart_run import CLASSES, NUM_TRAIN, NUM_VAL
from gta.cli.signals import stop
from gta.config import Recipe
from gta.data.transforms.clip import normalize
from gta.devices import find_device
from gta.evaluation.evaluate import evaluate
from gta.files import write_text
from gta.inference import protocol_views
from gta.ordered import render_dataset
from gta.protocols import parse_protocol
from gta.recipes import find_recipe, read_recipe
from gta.runs import Run
from gta.training.processes import Processes
from gta.training.run import train_run
from gta.training.session import open_session
from gta.training.splits import Splits, load_splits

STRIDED = ["clip.sampling=dense", "clip.stride=2"]
SPREAD, STRIDED_FULL = "GTA, frames spread over the clip", "GTA, every second frame"
CAUSAL, CAUSAL_HALF = "causal GTA, over 8 frames", "causal GTA, over 4 frames"
NETWORKS: dict[str, tuple[str, list[str]]] = {
    SPREAD: ("tiny_gta", []),
    STRIDED_FULL: ("tiny_gta", STRIDED),
    CAUSAL: ("tiny_gta_causal", [*STRIDED, "model.causal_frames=8"]),
    CAUSAL_HALF: ("tiny_gta_causal", [*STRIDED, "model.causal_frames=4"]),
}
SEEDS = (0, 1, 2)
ROOT = Path(__file__).parents[1]
DATA, PAGE = ROOT / "experiments/results/causal.json", ROOT / "docs/streams.md"


def recipe_of(name: str, seed: int, data: Path) -> Recipe:
    """The recipe of a network of `NETWORKS`."""
    model, settings = NETWORKS[name]
    settings = [*settings, f"train.seed={seed}", f"data.root={data.absolute()}"]
    return read_recipe(find_recipe("ordered", model), settings)


def train(folder: Path, recipe: Recipe, splits: Splits, terminal: Terminal) -> nn.Module:
    """The trained network in evaluation mode, possibly from an earlier call."""
    if not (folder / "done").is_file():
        with open_session(folder, recipe, Processes(find_device("cpu"))) as session:
            train_run(session, splits, Processes(find_device("cpu")), terminal, stop)
        (folder / "done").touch()
    return Run.open(folder).load()[0]


def accuracy(model: nn.Module, recipe: Recipe, splits: Splits) -> float:
    """Top-1 on the held-out clips."""
    scores = evaluate(
        model,
        splits.val,
        parse_protocol(recipe.test.protocol),
        clip=recipe.clip,
        device=torch.device("cpu"),
        batch_size=recipe.test.batch_size,
        amp=False,
        cache=splits.val_cache,
        name="",
        dataset=recipe.data.format,
        split="val",
    )
    return scores.top(1)


@torch.inference_mode()
def stream_accuracy(model: Any, recipe: Recipe, splits: Splits) -> float:
    """Top-1 at the last frame of each clip, in one stream of all clips."""
    protocol = parse_protocol(recipe.test.protocol)
    views = protocol_views(splits.val, protocol, recipe.clip, cache=splits.val_cache)
    state, correct = None, 0
    for index, video in enumerate(splits.val.videos):
        clip = views[index].clip
        assert clip is not None
        frames = normalize(clip, recipe.clip.mean, recipe.clip.std)
        logits = torch.empty(0)
        for t in range(frames.shape[2]):
            logits, state = model.step(frames[:, :, t], state)
        correct += int(logits.argmax()) == video.label
    return correct / len(splits.val.videos)


@torch.inference_mode()
def frame_accuracies(model: Any, recipe: Recipe, splits: Splits) -> list[float]:
    """Top-1 of the logits of each frame of a clip, before they are averaged."""
    protocol = parse_protocol(recipe.test.protocol)
    views = protocol_views(splits.val, protocol, recipe.clip, cache=splits.val_cache)
    seen: list[Tensor] = []
    handle = model.average.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    for index in range(len(splits.val.videos)):
        clip = views[index].clip
        assert clip is not None
        model(normalize(clip, recipe.clip.mean, recipe.clip.std))
    handle.remove()
    labels = torch.tensor([video.label for video in splits.val.videos])
    right = torch.cat(seen)[:, :, 0].argmax(-1) == labels[:, None]
    return right.double().mean(0).tolist()


def table(data: dict[str, Any]) -> str:
    """Markdown: a row for each network with the mean over its seeds and each seed."""

    def shown(values: list[float]) -> str:
        if not values:
            return ""
        each = ", ".join(f"{100 * value + 1e-9:.1f}" for value in values)
        return f"{100 * mean(values) + 1e-9:.1f} % ({each})" if len(values) > 1 else f"{each} %"

    lines = ["| network | clips | in one stream |", "| --- | --- | --- |"]
    for name in NETWORKS:
        runs = data["results"].get(name, {}).values()
        if runs:
            stream = [run["stream"] for run in runs if "stream" in run]
            cells = f"{name} | {shown([run['top1'] for run in runs])} | {shown(stream)}"
            lines.append(f"| {cells} |".replace("|  |", "| |"))
    return "\n".join(lines)


def filled() -> str:
    """The page with the table of the data file."""
    data = json.loads(DATA.read_text(encoding="utf-8"))
    source = "experiments/results/causal.json"
    return with_parts(PAGE.read_text(encoding="utf-8"), {"causal": table(data)}, source)


def main() -> None:
    """Trains all networks in order, and writes the accuracies of each at once."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", choices=list(NETWORKS))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    given = parser.parse_args()
    terminal, data = Terminal(), given.work / "data"
    if not data.is_dir():
        render_dataset(data, num_train=NUM_TRAIN, num_val=NUM_VAL, classes=CLASSES)
    about: dict[str, Any] = {"clips": NUM_VAL, "results": {}}
    if given.out.is_file():
        about = json.loads(given.out.read_text(encoding="utf-8"))
    for seed in given.seeds:
        for number, name in enumerate(NETWORKS):
            by_seed = about["results"].setdefault(name, {})
            if given.only not in (None, name) or str(seed) in by_seed:
                continue
            recipe = recipe_of(name, seed, data)
            splits = load_splits(recipe, terminal)
            model = train(given.work / f"{number}_{seed}", recipe, splits, terminal)
            scores: dict[str, Any] = {"top1": accuracy(model, recipe, splits)}
            if getattr(model, "causal", False):
                scores["stream"] = stream_accuracy(model, recipe, splits)
                scores["frames"] = frame_accuracies(model, recipe, splits)
            by_seed[str(seed)] = scores
            about |= {"torch": torch.__version__, "machine": platform.machine()}
            write_text(given.out, json.dumps(about, indent=1) + "\n")
            terminal.say(f"{name}, seed {seed}: {scores}")
    write_text(PAGE, filled())


if __name__ == "__main__":
    main()
