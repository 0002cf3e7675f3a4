"""The part of docs/results.md that is about real clips."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from statistics import mean
from typing import Any

from experiments.markdown import filled
from experiments.real_baselines import BASELINES
from experiments.real_clips import HEIGHT, NUM_FRAMES, WIDTH
from experiments.real_runs import MODELS, SETTINGS, STARTS
from experiments.repeats import Repeats
from experiments.results import Result, by_key, key
from experiments.spread import corrected, spread, welch
from gta.evaluation.significance import wilson_interval

INTRODUCTION = """## Real clips

R2D-18 on {clip_frames} frames of each clip, {height} x {width} pixels, brightened; {steps} steps of
{batch} crops of {crop} pixels and {frames} frames, half of them mirrored (`python -m
experiments.real`, [data](../experiments/results/real.jsonl),
[log](../experiments/results/real.log)). "from `ordered`" starts from the weights of a run on the
built-in set with the same seed instead of drawn ones. Mean and standard deviation over seeds, which
also draw the folds; in brackets Wilson's 95 % interval for that accuracy on so many clips.{again}
"""
AGAIN = """ {count} of the runs from `ordered` were made again, with weights that were trained
again: they ended {mean:.1f} points from the one in the file in the mean and {most:.0f} at most."""
WORTH = """### What it is worth to start from `ordered`

Points of top-1, with Welch's 95 % interval over seeds. {count} of {all} leave zero out, as one in
twenty does by chance: {told}.
"""
VIDEOS = "[where they are from](../experiments/README.md#real-clips)"
BLIND = ("no attention", "NL", "DNL", BASELINES[1])
"""What gives the frames of a clip the same scores in any order."""


@dataclass(frozen=True)
class Section:
    """One table of the page."""

    task: str
    held_out: str
    title: str
    remark: str = ""
    arrow: bool = False
    augment: str = "none"


def _sit_stand(held_out: str, title: str, remark: str, augment: str = "none") -> Section:
    return Section("sit-stand", held_out, title, remark, True, augment)


SECTIONS = (
    _sit_stand(
        "folds",
        "The arrow of time: people who sit down or stand up",
        "Clips in the dark ({videos}), each one also backwards under the other label, a fifth of "
        "them held out at a time. What is blind to order gives both the same answer and is right "
        "in half of the cases, exactly. A clip and its reversed copy count as one in the "
        "interval. The support vector machine sees all frames, grey and small. Of the "
        "{train[clips]} clips whose scene is known, {train[of_one_class]} are of scenes in which "
        "there is one class alone: to know the scene, and which way time goes, is enough for "
        "those. From scratch GTA is no better than the support vector machine, TAPE is at one "
        "half at every seed, and the networks with TSM are the best; from `ordered` GTA is as good "
        "as they are.",
    ),
    _sit_stand(
        "split",
        "The same on the split that came with the clips: other scenes, other people",
        "Trained on {train[clips]} clips, tested on {val[clips]}, which are of another kind. The "
        "camera moves up and down by {val[camera_path]:.0%} of the picture's height in all "
        "(median) where it moves by {train[camera_path]:.0%} in training. And to say that somebody "
        "sits down if what moves goes down in the picture is right in {train[right]} of "
        "{train[clips]} clips of training, but in {val[right]} of {val[clips]} here; the camera "
        "need not be the reason, since of the {val[still]} clips in which it hardly moves it is "
        "right in {val[still_right]} (`python -m experiments.real_gap`). Scenes that are held out "
        "cost {scenes[least]:.0f} to {scenes[most]:.0f} points (next two tables: clips of the "
        "training part alone, about as many to learn from), in part, one may suspect, because a "
        "known scene gives its one class away. Negatives "
        "and a moving camera in training were tried against the rest, and do not help that one "
        "could see (the two tables after those). {val[clips]} clips are few: of the "
        "{chance[figures]} figures for this split of networks that can see order, "
        "{chance[beyond]} with an interval that leaves out 50, which one in twenty does by chance.",
    ),
    _sit_stand(
        "scenes",
        "A scene at a time held out",
        "Of the {train[clips]} clips whose scene is known, those of {train[scenes]} scenes.",
    ),
    _sit_stand(
        "folds of known scenes",
        "The same clips, a fifth held out at a time",
        "About as many clips to learn from as above, but from every scene.",
    ),
    _sit_stand(
        "split",
        "The split that came with the clips, half of the training clips shown as negatives",
        "What is bright is dark in a negative.",
        augment="negatives",
    ),
    _sit_stand(
        "split",
        "The split that came with the clips, with a camera that moves in training",
        "The crop moves from one place to another while the clip runs.",
        augment="pan",
    ),
    Section(
        *("wagon", "folds"),
        "The state of a tank wagon",
        "Four classes ({videos}), a fifth of the clips held out at a time: a state and not an "
        "order. {above[who]} above the network without attention by more than seeds explain "
        "(Welch's t-test, p < 0.05 after Benjamini and Hochberg's correction for "
        "{above[comparisons]} comparisons).",
    ),
)


def real_section(
    results: Sequence[Result], gap: dict[str, dict[str, float]], repeats: Repeats
) -> str:
    """Markdown; empty without results. `gap` is what `experiments.real_gap` has measured."""
    parts, told = [], dict[str, Any](gap)
    told["scenes"], told["chance"] = new_scenes(results), beyond_chance(results)
    told["above"] = above_none(results, SECTIONS[-1])
    for section in SECTIONS:
        if shown := table_of(results, section):
            remark = filled(section.remark.format(videos=VIDEOS, **told))
            parts.append(f"### {section.title}\n\n{remark}\n\n{shown}\n")
    if not parts:
        return ""
    introduction = INTRODUCTION.format(
        **{"clip_frames": NUM_FRAMES, "height": HEIGHT, "width": WIDTH},
        **{"steps": SETTINGS.steps, "batch": SETTINGS.batch_size},
        **{"crop": SETTINGS.crop, "frames": SETTINGS.num_frames},
        again=told_again(repeats),
    )
    return "\n".join([filled(introduction) + "\n", *parts, *filter(None, [worth(results)])])


def told_again(repeats: Repeats) -> str:
    """How far runs that were made again are from themselves; empty without any."""
    points = [100 * far for _, far in repeats.apart]
    return AGAIN.format(count=len(points), mean=mean(points), most=max(points)) if points else ""


def above_none(results: Sequence[Result], section: Section) -> dict[str, str]:
    """Who is above the network without attention by more than seeds explain; of how many."""
    found = networks(results, section)
    apart = {
        f"{name} {'from `ordered`' if start == 'ordered' else 'from scratch'}": one
        for name, start in product(MODELS, STARTS)
        if name != "no attention"
        if (one := welch(_top1(found, name, start), _top1(found, "no attention", start)))
    }
    names = [name for name, one in corrected(apart).items() if one.is_sure and one.mean > 0]
    words = f"{_listed(names)} {'are' if len(names) > 1 else 'is'}"
    return {"who": words[0].upper() + words[1:], "comparisons": str(len(apart))}


def worth(results: Sequence[Result]) -> str:
    """Markdown: how far networks from `ordered` are above those from scratch; or empty."""
    sections = [one for one in SECTIONS if one.augment == "none"]
    heads = [f"{one.task}, {one.held_out}" for one in sections]
    found_in = [networks(results, one) for one in sections]
    lines, told, count = list[str](), list[str](), 0
    for name in MODELS:
        cells = list[str]()
        for section, head, found in zip(sections, heads, found_in, strict=True):
            drawn, given = (_top1(found, name, start) for start in STARTS)
            apart = welch(given, drawn)
            if apart is None or (section.arrow and name in BLIND):
                cells.append("")
                continue
            cells.append(str(apart))
            count += 1
            if apart.is_sure:
                told.append(f"{name} ({head})")
        if any(cells):
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    if not lines:
        return ""
    head = ["| | " + " | ".join(heads) + " |", "| --- |" + " ---: |" * len(heads)]
    words = filled(WORTH.format(told=_listed(told), count=len(told), all=count))
    return "\n".join([words, "", *head, *lines, ""])


def _listed(names: Sequence[str]) -> str:
    """Words with commas and an "and"; "none" without any."""
    return " and ".join([*([", ".join(names[:-1])] if names[1:] else []), *names[-1:]]) or "none"


def _top1(found: Mapping[tuple[str, str], list[Result]], name: str, start: str) -> list[float]:
    return [run["top1"] for run in found.get((name, start), [])]


def new_scenes(results: Sequence[Result]) -> dict[str, float]:
    """What scenes that are not in the training clips cost, in points: at least and at most."""
    known, new = (
        networks(results, one)
        for held_out in ("folds of known scenes", "scenes")
        for one in SECTIONS
        if one.held_out == held_out
    )
    cost = [
        100 * (mean(_top1(known, *which)) - mean(_top1(new, *which)))
        for which in new
        if which in known
    ]
    return {"least": min(cost, default=0), "most": max(cost, default=0)}


def beyond_chance(results: Sequence[Result]) -> dict[str, str]:
    """Of the course's split: figures that are not one half by construction, and those beyond it."""
    intervals = [
        _interval(runs, section)
        for section in SECTIONS
        if (section.task, section.held_out) == ("sit-stand", "split")
        for (name, _), runs in networks(results, section).items()
        if name not in BLIND
    ]
    beyond = [low for low, high in intervals if not low <= 0.5 <= high]
    words = f"there {'are' if len(beyond) > 1 else 'is'} {len(beyond) or 'none'}"
    return {"figures": str(len(intervals)), "beyond": words}


def networks(results: Sequence[Result], section: Section) -> dict[tuple[str, str], list[Result]]:
    """The runs of a section, by network and start."""
    found = dict[tuple[str, str], list[Result]]()
    names = {key(model.model_dump(mode="json")): name for name, model in MODELS.items()}
    for one in by_key(results).values():
        run = one["run"]
        if _is_of(run, section) and (name := names.get(key(run.get("model", {})))):
            found.setdefault((name, run["start"]), []).append(one)
    return found


def table_of(results: Sequence[Result], section: Section) -> str:
    """Markdown: the networks, and what needs none; empty without runs of networks."""
    here = [one for one in by_key(results).values() if _is_of(one["run"], section)]
    rows, found = [], networks(results, section)
    for name in MODELS:
        cells = [_cell(found.get((name, start), []), section, name) for start in STARTS]
        if any(cells):
            rows.append(f"| {name} | " + " | ".join(cells) + " |")
    if not rows:
        return ""
    for name in BASELINES:
        runs = [one for one in here if one["run"].get("baseline") == name]
        if cell := _cell(runs, section, name):
            rows.append(f"| {name} | {cell} | |")
    return "\n".join(["| | from scratch | from `ordered` |", "| --- | ---: | ---: |", *rows])


def _is_of(run: dict[str, Any], section: Section) -> bool:
    wanted: dict[str, Any] = {"task": section.task, "held_out": section.held_out}
    wanted["arrow"] = section.arrow
    if "baseline" not in run:
        wanted["settings"] = asdict(SETTINGS)
    return run.get("augment", "none") == section.augment and wanted.items() <= run.items()


def _cell(runs: Sequence[Result], section: Section, name: str) -> str:
    if not runs:
        return ""
    values, seeds = [run["top1"] for run in runs], _seeds(len(runs))
    if section.arrow and name in BLIND and set(values) == {0.5}:
        return f"50.0 by construction ({seeds})"
    low, high = _interval(runs, section)
    return f"{spread(values)} ({100 * low:.0f} to {100 * high:.0f}; {seeds})"


def _interval(runs: Sequence[Result], section: Section) -> tuple[float, float]:
    """Wilson's, of as many clips; a clip and its reversed copy count as one."""
    count = runs[0]["items"] // (2 if section.arrow else 1)
    return wilson_interval(round(mean(run["top1"] for run in runs) * count), count)


def _seeds(count: int) -> str:
    return "1 seed" if count == 1 else f"{count} seeds"
