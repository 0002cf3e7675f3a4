"""The steps of `gta quickstart`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from gta.cli.console import Terminal, make_table
from gta.cli.signals import stop
from gta.config import Recipe
from gta.devices import find_device
from gta.evaluation.evaluate import evaluate
from gta.evaluation.metrics import ranks
from gta.evaluation.score_files import Scored
from gta.evaluation.scores import Scores
from gta.files import write_atomically, write_text
from gta.inference import protocol_views
from gta.ordered import Summary, render_dataset
from gta.protocols import parse_protocol
from gta.recipes import find_recipe, read_recipe
from gta.runs import Run
from gta.training.processes import Processes
from gta.training.run import train_run
from gta.training.session import open_session
from gta.training.splits import Splits, load_splits

if TYPE_CHECKING:
    from gta.figures.comparison import Shown

MODELS = {"tiny": "no attention", "tiny_dnl": "DNL", "tiny_gta": "GTA"}
CLASSES = (
    "left_to_right",
    "right_to_left",
    "up",
    "down",
    "clockwise",
    "counterclockwise",
    "towards",
    "away",
    "cover",
    "uncover",
    "still",
    "shake_sideways",
)
NUM_TRAIN, NUM_VAL = 2400, 480
NUM_SHOWN = 3
"""Clips in the picture."""


def prepare(out: Path, terminal: Terminal) -> tuple[Summary, dict[str, Recipe], Splits]:
    """Renders the clips and decodes them once for all three models."""
    data = out / "data"
    with terminal.track("rendering", NUM_TRAIN + NUM_VAL) as advance:
        summary = render_dataset(
            data,
            num_train=NUM_TRAIN,
            num_val=NUM_VAL,
            classes=CLASSES,
            progress=lambda done, _: advance(done, ""),
        )
    terminal.say(
        f"{summary.num_train} training and {summary.num_val} held-out clips of "
        f"{len(summary.classes)} classes in {data} ({summary.seconds:.0f} s)"
    )
    recipes = {name: _recipe(name, data) for name in MODELS}
    return summary, recipes, load_splits(recipes["tiny"], terminal)


def _recipe(name: str, data: Path) -> Recipe:
    recipe = read_recipe(find_recipe("ordered", name))
    source = recipe.data.model_copy(update={"root": str(data.absolute())})
    return recipe.model_copy(update={"data": source})


def train_and_test(
    folder: Path, recipe: Recipe, splits: Splits, device: str, terminal: Terminal
) -> Scores:
    """Trains one model and scores the held-out clips with its last weights."""
    name = MODELS[folder.name]
    terminal.say(f"{name}:")
    processes = Processes(find_device(device))
    with open_session(folder, recipe, processes) as session:
        train_run(session, splits, processes, terminal, stop)
    model, weights = Run.open(folder).load()
    scores = evaluate(
        model.to(processes.device),
        splits.val,
        parse_protocol(recipe.test.protocol),
        clip=recipe.clip,
        device=processes.device,
        batch_size=recipe.test.batch_size,
        amp=recipe.train.amp,
        cache=splits.val_cache,
        name=f"{folder.name}, {weights}",
        dataset=recipe.data.format,
        split="val",
    )
    scores.save(folder / Scored(scores.protocol).file_name)
    return scores


def compare(results: dict[str, Scores], ceiling: float) -> Table:
    """A line for each model, and the most that a model blind to the order of frames can reach."""
    first = next(iter(results.values()))
    rows = [("order-blind ceiling", ceiling, "")]
    for name, scores in results.items():
        low, high = scores.interval()
        rows.append((MODELS[name], scores.top(1), f"{100 * low:.1f} to {100 * high:.1f}"))
    rows.sort(key=lambda row: row[1])
    return make_table(
        f"Top-1 on {len(first)} held-out clips, protocol {first.protocol}",
        ["model", "top-1", "95 % interval"],
        [(name, f"{accuracy:.1%}", interval) for name, accuracy, interval in rows],
    )


def keep(out: Path, results: dict[str, Scores], ceiling: float, seconds: float) -> None:
    """Writes results.json: the values of the table, and the seconds taken."""
    results_json = {
        "models": {MODELS[name]: scores.summary() for name, scores in results.items()},
        "order_blind_ceiling": ceiling,
        "num_train": NUM_TRAIN,
        "seconds": round(seconds),
    }
    write_text(out / "results.json", json.dumps(results_json, indent=1, ensure_ascii=False) + "\n")


def draw(out: Path, splits: Splits, results: dict[str, Scores], ceiling: float) -> Path:
    """The picture, preferably of clips that GTA gets right and the others do not."""
    from gta.figures.comparison import draw_comparison
    from gta.figures.matrices import matrices

    model, _ = Run.open(out / "tiny_gta").load()
    path = out / "quickstart.png"
    write_atomically(
        path,
        lambda part: draw_comparison(
            part,
            clips=_telling(splits, results, Run.open(out / "tiny_gta")),
            accuracies={MODELS[name]: scores.top(1) for name, scores in results.items()},
            ceiling=ceiling,
            matrix=matrices(model)[0],
            title="Attention over time: what happened first?",
        ),
    )
    return path


def _telling(splits: Splits, results: dict[str, Scores], run: Run) -> "list[Shown]":
    """Clips of different pairs of classes, those first on which the models differ most."""
    from gta.figures.comparison import Shown
    from gta.ordered.classes import find_class

    labels = results["tiny_gta"].labels
    own = [scores.scores.gather(1, labels[:, None])[:, 0] for scores in results.values()]
    correct = [ranks(scores.scores, labels) == 1 for scores in results.values()]
    order = (own[-1] - correct[0].float() - correct[1].float()).argsort(descending=True)
    protocol = parse_protocol(run.recipe.test.protocol)
    views = protocol_views(splits.val, protocol, run.recipe.clip, cache=splits.val_cache)
    shown, pairs = list[Shown](), set[str]()
    for index in order.tolist():
        label = run.classes[int(labels[index])]
        pair = find_class(label).program
        clip = views[index].clip
        if pair in pairs or clip is None:
            continue
        pairs.add(pair)
        answers = {}
        for name, scores in results.items():
            best = int(scores.scores[index].argmax())
            answers[MODELS[name]] = run.classes[best], float(scores.scores[index, best])
        shown.append(Shown(clip[0].permute(1, 2, 3, 0).numpy(), label, answers))
        if len(shown) == NUM_SHOWN:
            break
    return shown
