"""The card of a published run: what it is, how good it was measured to be, and whose it is."""

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
"""Names of classes that are listed."""


def measured(run: Run, weights: str, *, best: bool) -> tuple[list[Scores], list[str]]:
    """The scores of these weights that `gta test` has left in the run's folder.

    Args:
        run: The run.
        weights: As `Run.load` calls them.
        best: Whether they are those of the best epoch.

    Returns:
        The scores, and the names of files that are left out: of other weights, or of an earlier
        epoch.
    """
    scores, left_out = list[Scores](), list[str]()
    for file in sorted(run.folder.glob("scores-*.npz")):
        scored, found = Scored.of(file), Scores.load(file)
        if scored.best == best and scored.frames is None and found.model.endswith(f", {weights}"):
            scores.append(found)
        else:
            left_out.append(file.name)
    return scores, left_out


def make_card(
    run: Run, name: str, weights: str, scores: Sequence[Scores], license: str | None
) -> str:
    """The text of README.md, with its front matter for the Hub.

    Args:
        run: The run.
        name: By which others load it: "hub:OWNER/NAME", or a folder.
        weights: As `Run.load` calls them.
        scores: What was measured.
        license: Of these weights, by its SPDX name; None: not stated.
    """
    recipe, start = run.recipe, origin(run.recipe.model)
    title = name.rpartition("/")[2].partition("@")[0].removeprefix("hub:")
    front = {
        **({"license": license} if license else {}),
        "library_name": "gta-video",
        "pipeline_tag": "video-classification",
        "tags": ["video-classification", "action-recognition", "gta"],
    }
    results = [_result(one) for one in scores if one.num_labeled]
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
        "The data of the training have terms of their own.\n",
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
        return "None was measured: `gta test RUN` does.\n"
    lines = [
        "| protocol | split | videos | unreadable | top-1 | 95 % interval | top-5 | class mean |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for one in scores:
        if not one.num_labeled:
            continue
        low, high = one.interval()
        top5 = "" if one.top5 is None else f"{one.top5:.1%}"
        lines.append(
            f"| {one.protocol} | {one.about.split or ''} | {one.num_labeled} | "
            f"{len(one.failures)} | {one.top(1):.1%} | {100 * low:.1f} to {100 * high:.1f} | "
            f"{top5} | {one.mean_class():.1%} |"
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
    """Where the card of a folder is."""
    return folder / "README.md"
