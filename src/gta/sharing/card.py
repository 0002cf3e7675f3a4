"""The card of a published run: the model, its scores, and the licenses."""

import json
from collections.abc import Sequence
from pathlib import Path

import yaml

from gta import __version__
from gta.evaluation.score_files import Scored
from gta.evaluation.scores import Scores
from gta.names import shown
from gta.protocols import parse_protocol
from gta.report.facts import cost_of, network_line
from gta.runs import Run
from gta.sharing.licenses import origin

_CLASSES = 20
"""Most names of classes that are listed."""


def measured(run: Run, weights: str, *, best: bool) -> tuple[list[Scores], list[str]]:
    """The scores of these weights that `gta test` has left in the run's folder.

    Args:
        run: The run.
        weights: As `Run.load` calls them.
        best: Whether they are the weights of the best epoch.

    Returns:
        The scores, and the names of files that are left out: those of other weights, or of an
        earlier epoch.
    """
    scores, left_out = list[Scores](), list[str]()
    for file in sorted(run.folder.glob("scores-*.npz")):
        options, loaded = Scored.of(file), Scores.load(file)
        same = loaded.model.endswith(f", {weights}")
        if options.best == best and options.frames is None and same:
            scores.append(loaded)
        else:
            left_out.append(file.name)
    return scores, left_out


def make_card(
    run: Run, name: str, weights: str, scores: Sequence[Scores], license: str | None
) -> str:
    """The text of README.md, with its front matter for the Hub.

    Args:
        run: The run.
        name: The name to load it by: "hub:OWNER/NAME", or a folder.
        weights: As `Run.load` calls them.
        scores: Its scores.
        license: License of these weights, by its SPDX name; None: not stated.
    """
    recipe, start = run.recipe, origin(run.recipe.model)
    title = name.rpartition("/")[2].partition("@")[0].removeprefix("hub:")
    front = {
        **({"license": license} if license else {}),
        "library_name": "gta-video",
        "pipeline_tag": "video-classification",
        "tags": ["video-classification", "action-recognition", "gta"],
    }
    results = [_result(part) for part in scores if part.num_labeled]
    if results:
        front["model-index"] = [{"name": title, "results": results}]
    parts = [
        f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---\n",
        f"# {shown(title)}\n",
        f"A video classifier of {len(run.classes)} classes: {network_line(recipe)}; "
        f"{weights}. Made with gta-video {__version__} (Global Temporal Attention).\n",
        f"```python\nimport gta\n\nmodel = gta.load({json.dumps(name, ensure_ascii=False)})\n"
        'print(model("video.mp4"))\n```\n',
        "## Scores\n",
        _scores_table(scores),
        "## Cost\n",
        _cost(run),
        "## Training\n",
        f"Data of the form `{recipe.data.format}`, {recipe.train.epochs} epochs, batches of "
        f"{recipe.train.batch_size}, {recipe.train.optimizer}, learning rate {recipe.train.lr:g}, "
        f"seed {recipe.train.seed}; all settings are in `recipe.yaml`.\n",
        "## Licenses\n",
        f"These weights: {license or 'not stated by whoever published them'}.\n",
        f"They began from {start.what}. License: {start.license}.\n",
        "The training data have their own terms.\n",
        "## Classes\n",
        _classes(run.classes),
    ]
    return "\n".join(parts)


def _result(scores: Scores) -> dict[str, object]:
    values = {"top-1 accuracy": scores.top(1), "top-5 accuracy": scores.top5}
    about = scores.about
    return {
        "task": {"type": "video-classification"},
        "dataset": {"name": about.dataset or "videos", "type": about.dataset or "videos"},
        "metrics": [
            {"type": "accuracy", "name": f"{name}, {scores.protocol}", "value": round(value, 4)}
            for name, value in values.items()
            if value is not None
        ],
    }


def _scores_table(scores: Sequence[Scores]) -> str:
    if not scores:
        return "There are no scores: `gta test RUN` computes them.\n"
    lines = [
        "| protocol | split | videos | unreadable | top-1 | 95 % interval | top-5 | class mean |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for part in scores:
        if not part.num_labeled:
            continue
        low, high = part.interval()
        top5 = "" if part.top5 is None else f"{part.top5:.1%}"
        lines.append(
            f"| {part.protocol} | {part.about.split or ''} | {part.num_labeled} | "
            f"{len(part.failures)} | {part.top(1):.1%} | {100 * low:.1f} to {100 * high:.1f} | "
            f"{top5} | {part.mean_class():.1%} |"
        )
    return "\n".join([*lines, ""])


def _cost(run: Run) -> str:
    cost, protocol = cost_of(run), parse_protocol(run.recipe.test.protocol)
    views = protocol.num_views
    whole = f"; a video has {views} views, {views * cost.gflops:.4g}" if views > 1 else ""
    return (
        f"{cost.gflops:.4g} GFLOPs (multiply-adds) a view of {run.recipe.clip.num_frames} frames, "
        f"{protocol.size}x{protocol.size}{whole}; {cost.params_m:.2f} M parameters.\n"
    )


def _classes(classes: Sequence[str]) -> str:
    listed = ", ".join(f"`{shown(name).replace('`', chr(39))}`" for name in classes[:_CLASSES])
    more = len(classes) - _CLASSES
    return f"{listed}{f' and {more} more, in `labels.json`' if more > 0 else ''}.\n"


def card_file(folder: Path) -> Path:
    """The path of a folder's card."""
    return folder / "README.md"
