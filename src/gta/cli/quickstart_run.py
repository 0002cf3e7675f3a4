"""The steps of `gta quickstart`."""

import json
from pathlib import Path

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
    write_atomically(folder / Scored(scores.protocol).file_name, scores.save)
    return scores


def compare(results: dict[str, Scores], ceiling: float) -> Table:
    """One line for each model, and the ceiling of all that do not know the order of frames."""
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
    """Writes results.json: the figures of the table, and how long it took."""
    told = {
        "models": {MODELS[name]: scores.summary() for name, scores in results.items()},
        "order_blind_ceiling": ceiling,
        "num_train": NUM_TRAIN,
        "seconds": round(seconds),
    }
    write_text(out / "results.json", json.dumps(told, indent=1, ensure_ascii=False) + "\n")


def draw(out: Path, splits: Splits, results: dict[str, Scores]) -> Path:
    """The picture, of a clip that GTA gets right and the others do not, if there is one."""
    from gta.figures.comparison import draw_comparison

    run = Run.open(out / "tiny_gta")
    model, _ = run.load()
    labels = results["tiny_gta"].labels
    own = [scores.scores.gather(1, labels[:, None])[:, 0] for scores in results.values()]
    right = [ranks(scores.scores, labels) == 1 for scores in results.values()]
    index = int((own[-1] - right[0].float() - right[1].float()).argmax())
    protocol = parse_protocol(run.recipe.test.protocol)
    views = protocol_views(splits.val, protocol, run.recipe.clip, cache=splits.val_cache)[
        index
    ].clip
    assert views is not None
    path = out / "quickstart.png"
    predictions = {
        MODELS[name]: sorted(
            zip(run.classes, scores.scores[index].tolist(), strict=True), key=lambda one: -one[1]
        )
        for name, scores in results.items()
    }
    matrix = next(
        value for key, value in model.state_dict().items() if key.endswith("pixel.matrix")
    )
    write_atomically(
        path,
        lambda part: draw_comparison(
            part,
            frames=views[0].permute(1, 2, 3, 0).numpy(),
            label=run.classes[int(labels[index])],
            predictions=predictions,
            matrix=matrix.numpy(),
            title="Attention over time: what happened first?",
        ),
    )
    return path
