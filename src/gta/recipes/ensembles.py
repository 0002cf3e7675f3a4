"""GTA_En of Tables 5 and 6 as commands: training, tests, averages."""

import shlex
from dataclasses import dataclass

from gta.config import Data
from gta.errors import UsageError, nearest
from gta.recipes.shipped import SHIPPED, find_recipe, read_header
from gta.recipes.yaml_text import parse_yaml


class Ensemble(Data):
    """The networks of an ensemble and how they are tested."""

    members: tuple[str, ...]
    protocol: str
    val: str
    """The paper's accuracy on the validation videos."""
    test: str
    """The paper's accuracy on the test set."""


@dataclass(frozen=True, slots=True)
class Step:
    """Commands that belong together."""

    what: str
    commands: tuple[str, ...]


def shipped_ensembles() -> dict[str, Ensemble]:
    """The ensembles by data set."""
    content = parse_yaml((SHIPPED / "ensembles.yaml").read_text(encoding="utf-8"))
    return {data: Ensemble.model_validate(about) for data, about in content.items()}


def find_ensemble(data: str) -> Ensemble:
    """The ensemble of a data set.

    Raises:
        UsageError: There is no ensemble for it; names the data sets with an ensemble.
    """
    ensembles = shipped_ensembles()
    if data not in ensembles:
        raise UsageError(
            f"there is no ensemble for data {data!r}.{nearest(data, list(ensembles))} GTA_En is on "
            f"{', '.join(ensembles)}."
        )
    return ensembles[data]


def ensemble_steps(data: str, root: str = "DIR") -> list[Step]:
    """All commands, in order.

    Args:
        data: Such as "ssv2".
        root: The folder of the data set.

    Raises:
        UsageError: There is no ensemble for this data.
    """
    ensemble = find_ensemble(data)
    runs = {model: f"runs/{data}-{model}" for model in ensemble.members}
    train = tuple(
        _gta("train", "--model", model, "--data", data, "--root", root, "--out", run)
        for model, run in runs.items()
    )
    alone = " and ".join(
        read_header(find_recipe(data, model)).expected.partition(",")[0] for model in runs
    )
    steps = [Step(f"train: of each in one view the paper reports {alone} (Table 5)", train)]
    mean = f"runs/{data}-gta_en"
    for split, options, out in (
        ("val", (), ["--out", f"{mean}.npz"]),
        (
            "test",
            ("--split", "test"),
            ["--out", f"{mean}-test.npz", "--submission", f"{mean}-test.csv"],
        ),
    ):
        views = ("--protocol", ensemble.protocol, *options)
        title = "validation videos" if split == "val" else "test set, and its file for the server"
        commands = (
            *(_gta("test", run, *views) for run in runs.values()),
            _gta("ensemble", *runs.values(), *views, *out),
        )
        steps.append(Step(f"{title}: the paper reports {getattr(ensemble, split)}", commands))
    return steps


def _gta(*words: str) -> str:
    return shlex.join(["gta", *words])
